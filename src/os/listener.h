/* The listening sockets, the one thing of an app that must never be closed.
 *
 * O_NONBLOCK belongs to the open file description, which all workers share, so one worker's
 * choice is everybody's. Programs expect a blocking socket, for that is what systemd hands over
 * (NonBlocking=no): event loops set the flag themselves, and a program that waits in accept(2)
 * would never clear it. nginx is the exception: it takes an inherited socket as it is ("TODO:
 * nonblocking" in ngx_open_listening_sockets()), and a worker that lost the race for a
 * connection would then sit in accept(2) and serve none of those it has.
 */
#pragma once

#include "base/own.h"
#include "os/unix_socket.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    LISTENER_ADDRESS_SIZE = 128, /* of a canonical address, with the terminator */
};

/* Which socket it is, whatever descriptor and process it is seen through. */
struct listener_identity {
    uint64_t device;
    uint64_t inode;
};

struct listener_description {
    char address[LISTENER_ADDRESS_SIZE]; /* "127.0.0.1:80", "[::1]:80", "/path", "@abstract" */
    int family;                          /* AF_INET, AF_INET6 or AF_UNIX */
    int type;                            /* SOCK_STREAM … */
    uint16_t port;                       /* 0: a unix socket */
    bool listening;
    struct listener_identity identity;
};

/* Sets or clears O_NONBLOCK, where it is not so already. Returns 0 or -errno. */
MUST_CHECK int listener_set_nonblocking(int fd, bool nonblocking);

/* Opens a TCP listener with SO_REUSEADDR, nonblocking. `host` is numeric, without brackets;
 * "::" takes IPv4 in too unless `v6only` (needed where another listener has 0.0.0.0 and the
 * same port). Port 0: the kernel chooses, listener_describe() says what. backlog <= 0: as much
 * as the kernel takes. Close-on-exec; *ret_fd is the caller's. Does not block. Returns 0,
 * -EINVAL where `host` is no numeric address, -EADDRINUSE, -EACCES (a port below 1024),
 * -EADDRNOTAVAIL, or -errno. */
MUST_CHECK int listener_open_tcp(const char *host, uint16_t port, bool v6only, int backlog,
                                 int *ret_fd);

/* Opens a unix stream listener: unix_socket_listen(), whose rules and errors these are. */
MUST_CHECK int listener_open_unix(const char *path, mode_t mode, uid_t uid, gid_t gid,
                                  int backlog, int *ret_fd);

/* Says what an open descriptor is. Returns 0, -ENOTSOCK, -EAFNOSUPPORT (a socket of another
 * family), or -errno. */
MUST_CHECK int listener_describe(int fd, struct listener_description *ret_description);

/* The canonical text of an address of `size` bytes, its family and its port, as
 * listener_describe() has them; other members of *ret_description are zero. Pure. Returns 0 or
 * -EAFNOSUPPORT. */
MUST_CHECK int listener_describe_address(const struct sockaddr_storage *address, socklen_t size,
                                         struct listener_description *ret_description);

/* Returns 0 or -errno. */
MUST_CHECK int listener_identify(int fd, struct listener_identity *ret_identity);

static inline bool listener_identity_equals(const struct listener_identity *a,
                                            const struct listener_identity *b)
{
    return a->device == b->device && a->inode == b->inode;
}
