/* Who sees to it that workers do not outlive a primary that is killed.
 *
 * A worker's main process dies with its primary by itself (PR_SET_PDEATHSIG), its descendants
 * do not: no process can ask for that on behalf of others. So a second process, forked early
 * and as small as a process can be, holds one end of a pipe and waits for the end of file that
 * the kernel writes when the primary dies, however it dies. Then it kills what the primary has
 * told it of, and ends. It does nothing else, and takes part in nothing.
 *
 * For a primary that is not to be adopted: one in the foreground. Not for PID 1, whose death
 * the kernel itself lets nobody survive (pid_namespaces(7)).
 */
#pragma once

#include "base/own.h"

#include <sys/types.h>

/* Forks the guard. `cgroup` (NULL: there is none) holds all workers and is killed and removed
 * as a whole; else the groups that guard_add() names are. *ret_fd is the caller's, and the only
 * thing the guard waits for: close it when all workers are gone. The caller must be
 * single-threaded. *ret_pid is the guard's, a child like others. Returns 0 or -errno. */
MUST_CHECK int guard_start(const char *cgroup, int *ret_fd, pid_t *ret_pid);

/* Tells the guard of a process group, and that it is gone. Does not block; a group that could
 * not be told of is not guarded. Returns 0 or -errno. */
MUST_CHECK int guard_add(int fd, pid_t group);
MUST_CHECK int guard_remove(int fd, pid_t group);
