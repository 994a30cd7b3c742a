/* Signals as notices, and PID 1's duty.
 *
 * The kernel's handler is libuv's; ours run in loop_run(), where everything is allowed. A child
 * between fork and exec must have all signals blocked until it has reset the handlers, or a
 * signal meant for it is told here (libuv's handler writes to a pipe that fork copies).
 *
 * An orphan of a worker becomes our child when we are PID 1 or a subreaper, and stays a zombie
 * until it is reaped. wait(-1) would also take the exit status of the workers, which pidfds are
 * there for. So each dead child is looked at first (WNOWAIT) and reaped by its pid only if it
 * is a stranger; one of ours is left, and what is hidden behind it is looked at again when the
 * loop goes on.
 */
#pragma once

#include "loop/loop.h"

#include <sys/types.h>

struct signals;

struct signals_handlers {
    /* A signal has come; several of the same number may be told once. */
    void (*received)(void *user, int number);

    /* Whether somebody here waits for the exit status of this child: true for each worker and
     * for every other child of our own making until it was reaped. NULL: children are not
     * looked at. Calls nothing of this module. */
    bool (*is_ours)(void *user, pid_t pid);

    /* A stranger was reaped; `status` as of waitpid(2). May be NULL. */
    void (*reaped)(void *user, pid_t pid, int status);
};

/* Watches the signals of `numbers` (ended by 0), SIGCHLD too where is_ours is given, and
 * ignores SIGPIPE from now on: a peer that went away is an error of write(2), not our end.
 * `handlers` is copied. One signals object a process.
 *
 * Returns 0, -ENOMEM, or the -errno of sigaction(2), such as -EINVAL for SIGKILL. */
MUST_CHECK int signals_new(struct loop *loop, const int *numbers,
                           const struct signals_handlers *handlers, void *user,
                           struct signals **ret_signals);

/* Watched signals do again what they did at first; SIGPIPE stays ignored. NULL is ignored. */
void signals_free(struct signals *signals);
