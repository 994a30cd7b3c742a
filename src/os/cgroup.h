/* Control groups (cgroups(7)): a folder that holds a worker with all its descendants, so that
 * one write ends them all and one line says whether any is left.
 *
 * The folders are those of cgroup2, wherever it is mounted (/sys/fs/cgroup, or
 * /sys/fs/cgroup/unified beside the older kind). No controller is switched on here, so it does
 * not matter that the primary itself sits in the parent of its workers ("no internal processes"
 * is a rule about controllers).
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where this process is in a hierarchy: of cgroup2 where `controller` is NULL, else of the
 * older kind with that controller ("cpu"). *ret_mount and *ret_folder are the caller's; the
 * folder is the mount or below it. Returns 0; 1 where it is not mounted, or does not show our
 * place; -errno. */
MUST_CHECK int cgroup_find_own(const char *controller, char **ret_mount, char **ret_folder);

/* The cgroup2 folder of this process, where it may make others and move processes to them;
 * *ret_folder is the caller's. Returns 0; 1 where there is none; -errno. */
MUST_CHECK int cgroup_find_writable(char **ret_folder);

/* Makes PARENT/NAME; *ret_folder is the caller's. Returns 0; 1 where it was there before
 * (whoever is in it is of an earlier time); -errno. *ret_folder is set for both. */
MUST_CHECK int cgroup_create(const char *parent, const char *name, char **ret_folder);

/* Removes the group and the empty ones below it. Returns 0, also where it is gone already; 1
 * where a process is still in it; -errno. */
MUST_CHECK int cgroup_remove(const char *folder);

/* Sends SIGKILL to everything in it and below (cgroup.kill, since Linux 5.14; one by one
 * before). Returns 0; 1 where the group is not there; -errno. */
MUST_CHECK int cgroup_kill(const char *folder);

/* Is no live process in it or below? A group that is not there is empty; zombies don't count.
 * Returns 0 or -errno. */
MUST_CHECK int cgroup_is_empty(const char *folder, bool *ret_empty);

/* The pids in it (not those below it), at most `max`. Returns 0; 1 where there are more;
 * -errno. A group that is not there has none. */
MUST_CHECK int cgroup_list(const char *folder, pid_t *pids, size_t max, size_t *ret_count);
