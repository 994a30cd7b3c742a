/* A process held by a descriptor: the number can't come to mean another one (pidfd_open(2)).
 *
 * A pid that was written down (in the journal, in a lock file) is believed only together with
 * its start time. The descriptor is readable once the process has ended. What it ended with is
 * told to its parent; to anybody else, since Linux 6.15, once the parent has reaped it.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How a process ended. */
struct pidfd_exit {
    bool signaled;
    bool dumped; /* signaled: with a core */
    int code;    /* exit status, or the signal */
};

/* Opens the process `pid` that started at `start_time` (field 22 of /proc/PID/stat; 0:
 * whichever has that number now). *ret_fd is the caller's. Returns 0; 1 where it is gone, or
 * the number now belongs to another; -errno. */
MUST_CHECK int pidfd_open_process(pid_t pid, uint64_t start_time, int *ret_fd);

/* Sends a signal; 0 only looks. Returns 0; 1 where the process has been reaped; -errno
 * (-EPERM). A zombie takes every signal, and nothing happens. */
MUST_CHECK int pidfd_kill(int fd, int signal_number);

/* Has the process ended (reaped or not)? Does not block. */
bool pidfd_has_ended(int fd);

/* Takes the exit status of an own child that has ended, and removes its zombie. Does not block.
 * Returns 0; 1 where it still runs; -ECHILD where it is not our child, or was reaped before. */
MUST_CHECK int pidfd_reap(int fd, struct pidfd_exit *ret_exit);

/* How a process ended that is not our child: one of an earlier primary, whose parent now is
 * init or a subreaper, which reaps it (PIDFD_GET_INFO with PIDFD_INFO_EXIT, linux/pidfd.h since
 * Linux 6.15). The kernel tells it once the process has been reaped, which is a little after
 * the descriptor has become readable; systemd takes well under a millisecond for it.
 *
 * To be asked where pidfd_reap() says -ECHILD. Waits at most `patience` for the reaper (zero:
 * does not block), by poll(2) for POLLHUP, which a pidfd has from the reaping on (Linux 6.9).
 * Returns 0; 1 where it still runs, or has not been reaped by then; -EOPNOTSUPP where this
 * kernel will never tell, which it does not wait for; -errno. */
MUST_CHECK int pidfd_exit_of_stranger(int fd, struct span patience,
                                      struct pidfd_exit *ret_exit);
