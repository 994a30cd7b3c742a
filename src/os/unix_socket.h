/* Unix sockets with a path: born with their mode, and never in the place of a living one.
 *
 * A socket file outlives its process, and bind(2) does not go over it. So a file that nobody
 * listens on any more is removed first; what says that is connect(2): ECONNREFUSED means that
 * its owner is gone. A living socket, or a file that is no socket, is never touched.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

struct unix_socket_options {
    const char *path;
    int type;    /* SOCK_STREAM or SOCK_DGRAM */
    mode_t mode; /* of the file */
    uid_t uid;   /* (uid_t)-1: the caller's */
    gid_t gid;   /* (gid_t)-1: the caller's */
};

struct unix_socket_peer {
    pid_t pid; /* 0: in another pid namespace */
    uid_t uid;
    gid_t gid;
};

/* Fills in the address of `path`. Returns 0; -EINVAL where it is empty; -ENAMETOOLONG where it
 * has more than 107 bytes, which is all that sun_path holds (unix(7)). */
MUST_CHECK int unix_socket_address(const char *path, struct sockaddr_un *ret_address,
                                   socklen_t *ret_size);

/* Removes a socket file that nobody listens on. Returns 0, also where there is no file; 1 where
 * it is alive; -ENOTSOCK where the file is no socket; -errno. */
MUST_CHECK int unix_socket_remove_stale(const char *path);

/* Creates a socket and binds it to its path, not listening yet; close-on-exec and nonblocking.
 * A stale file is removed before. *ret_fd is the caller's. Returns 0, -EADDRINUSE where the
 * path's owner lives, -ENOTSOCK where a file is there that is no socket, -ENAMETOOLONG, or
 * -errno. */
MUST_CHECK int unix_socket_bind(const struct unix_socket_options *options, int *ret_fd);

/* As unix_socket_bind() with SOCK_STREAM, and listens. backlog <= 0: as much as the kernel
 * takes. */
MUST_CHECK int unix_socket_listen(const struct unix_socket_options *options, int backlog,
                                  int *ret_fd);

/* Connects a stream socket (close-on-exec, blocking). Waits while the other's backlog is full,
 * for at most `timeout`; SPAN_FOREVER: without end. Returns 0; 1 where nobody listens there (no
 * file, a stale one); -EAGAIN at the end of the timeout; -errno. */
MUST_CHECK int unix_socket_connect(const char *path, struct span timeout, int *ret_fd);

/* Who is at the other end of a connected stream socket, as of its connect(2) or listen(2).
 * Returns 0 or -errno. */
MUST_CHECK int unix_socket_read_peer(int fd, struct unix_socket_peer *ret_peer);
