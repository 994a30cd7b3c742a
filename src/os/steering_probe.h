/* The client's end of a directed probe: a socket that can be told from all others before it has
 * sent anything.
 *
 * It is bound to a local address and a port of its own, which no other program can connect from
 * while it is open (bind(2) without SO_REUSEADDR: inet_csk_get_port()). So:
 *
 *   steering_probe_open(base, &ends)
 *   steering_apply(base, plan with a probe {ends.from, index of the candidate's lane})
 *   connect(ends.fd, ends.to) …           nonblocking; one connection, one probe
 *   steering_apply(base, plan without it)
 *   close(ends.fd)
 *
 * In this order: a port that is given back while the program still names it would send whoever
 * gets it next to the candidate. The second apply may come as soon as connect(2) has succeeded.
 */
#pragma once

#include "base/own.h"

#include <sys/socket.h>

/* fd: nonblocking, close-on-exec. */
struct steering_probe_ends {
    int fd;
    struct sockaddr_storage from;
    struct sockaddr_storage to;
    socklen_t size; /* of both addresses */
};

/* Opens a probe's socket for a TCP listener: from an address of its own to the same one, or
 * through the loopback address where it listens on all. ret_ends->fd is the caller's. Does not
 * block. Returns 0; 1 where the listener is bound to a device (BindToDevice=) other than lo,
 * and can't be reached from this machine; -EAFNOSUPPORT; -EADDRNOTAVAIL (the address is not, or
 * no longer, ours); -errno. */
MUST_CHECK int steering_probe_open(int listener_fd, struct steering_probe_ends *ret_ends);
