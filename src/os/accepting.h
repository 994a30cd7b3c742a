/* Is a program seen to accept? Looked at from outside, so that any unmodified program shows by
 * itself when it is ready.
 *
 * It accepts where one of its processes
 *   - has a listening socket in an epoll set (/proc/PID/fdinfo, "tfd: … ino:…"; proc(5)), or
 *   - sleeps in accept(2), poll(2), ppoll(2), select(2) or pselect6(2) on one, in any thread
 *     (/proc/PID/task/TID/syscall; what a poll waits for is read from the process's memory).
 * What it does on every round it is sooner or later caught at, so this is asked again and again
 * while a worker starts. Not seen: accepting by io_uring, and 32-bit programs on a 64-bit
 * kernel that do not use epoll.
 *
 * The cost is bounded by the limits below, for each process; while a program starts it has few
 * descriptors. It needs the right to trace the process (ptrace(2), "Ptrace access mode
 * checking"), which root has, and a parent has over its own user's descendants.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    ACCEPTING_THREADS_MAX = 256, /* threads looked at, of each process */
    ACCEPTING_POLL_MAX = 4096,   /* entries of one poll; greater ones are left out */
};

/* Looks whether one of the processes accepts on one of the sockets, given by inode
 * (os/listener.h). Processes that end meanwhile are passed over. Returns 0; -EACCES where none
 * is seen to, and not all processes may be looked into; -ENOMEM. */
MUST_CHECK int accepting_look(const pid_t *pids, size_t pid_count, const uint64_t *inodes,
                              size_t inode_count, bool *ret_accepting);
