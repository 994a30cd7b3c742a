/* A worker's own NOTIFY_SOCKET: a unix datagram socket that the worker writes to and we read
 * (sd_notify(3)). Each worker has its own, so a datagram says by its way whose it is; the
 * sender's credentials come along all the same. What the text means is wire/'s business.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct notify_datagram {
    size_t size;    /* bytes in the buffer; no terminator is added */
    bool truncated; /* the datagram was longer than the buffer */
    pid_t pid;      /* of the sender; 0: unknown */
    uid_t uid;      /* (uid_t)-1: unknown */
    gid_t gid;
    int fd; /* the first descriptor that came along, -1: none. The receiver owns it; after
               BARRIER=1 the sender waits until it is closed. All further ones have been closed.
             */
};

/* Binds a notify socket to `path`, which only `uid` ((uid_t)-1: the caller) and root can send
 * to; nonblocking, close-on-exec. A stale file there is removed. *ret_fd is the caller's, and
 * so is the file. Returns 0, -ENAMETOOLONG (more than 107 bytes), -EADDRINUSE, -ENOTSOCK, or
 * -errno. */
MUST_CHECK int notify_socket_open(const char *path, uid_t uid, int *ret_fd);

/* Removes all sockets in a folder of notify sockets: those of somebody who is known to be gone.
 * Files of another kind stay. Returns 0 or -errno. */
MUST_CHECK int notify_socket_sweep(const char *folder);

/* Takes one datagram. Does not block. Returns 0; 1 where none is waiting; -errno. */
MUST_CHECK int notify_socket_receive(int fd, char *buffer, size_t size,
                                     struct notify_datagram *ret_datagram);

/* The same, and leaves it there: the next call gives it again, with another copy of its
 * descriptor. So what it says can be written down before it is taken; whoever is killed between
 * the two hears it twice, and never not at all. */
MUST_CHECK int notify_socket_peek(int fd, char *buffer, size_t size,
                                  struct notify_datagram *ret_datagram);
