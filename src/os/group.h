/* All processes of a worker: its process group, and its cgroup where it has one.
 *
 * The worker is the leader of its process group, so both have the same number. That number
 * stays taken as long as the leader is a zombie or any member lives; after that a stranger may
 * get it. Hence the order: pidfd_has_ended(), then group_kill(), and only then pidfd_reap().
 * For later calls the start time guards: a number that a process with another start time has is
 * not ours. A process can leave its process group (setsid(2)), but not its cgroup.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct group {
    pid_t leader;        /* pid of the worker's main process */
    uint64_t start_time; /* of the leader */
    const char *cgroup;  /* borrowed; NULL: none */
};

/* Sends a signal to everything in it; SIGKILL by cgroup.kill where there is a cgroup. Returns
 * 0, also where just zombies are left; 1 where nothing is there; -errno. */
MUST_CHECK int group_kill(const struct group *group, int signal_number);

/* Does nothing of it run any more? A zombie does not run. Without a cgroup it looks through
 * /proc where the process group is still there. Returns 0 or -errno. */
MUST_CHECK int group_is_empty(const struct group *group, bool *ret_empty);

/* The pids of what runs of it, at most `max`, in no order. Returns 0; 1 where there are more;
 * -errno. */
MUST_CHECK int group_list(const struct group *group, pid_t *pids, size_t max,
                          size_t *ret_count);
