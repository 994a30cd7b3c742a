/* Takes a worker off a shared accept queue, from outside and without its knowing: it accepts no
 * more, and goes on with the connections that it has.
 *
 * Several workers wait on one queue, and a program that is told to stop may close connections
 * that it has accepted but not read from yet; with its request sent, such a client sees a
 * reset. So the worker is kept from accepting a while before it is told. For a program that
 * waits by epoll this can be done: its epoll descriptor is duplicated (pidfd_getfd(2)), and the
 * listener is removed from the set as the program itself would do it. The kernel finds the
 * entry by the open file and the number of the descriptor (ep_find() in fs/eventpoll.c), so
 * this is done in a child whose table has the listener at the worker's number.
 *
 * A program that later removes the listener itself is told ENOENT, which event loops pass over.
 * One that waits in accept, poll or select is not reached.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One listening socket: our descriptor, and its inode (os/listener.h). */
struct detach_listener {
    int fd;
    uint64_t inode;
};

/* Removes the listeners from every epoll set of the processes; *ret_count says from how many.
 * Processes that end meanwhile are passed over. Returns 0; -EACCES or -EPERM where a process
 * may not be looked into; -errno. */
MUST_CHECK int detach_from_listeners(const pid_t *pids, size_t pid_count,
                                     const struct detach_listener *listeners,
                                     size_t listener_count, size_t *ret_count);
