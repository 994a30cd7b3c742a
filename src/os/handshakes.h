/* Connections that are being opened: the SYN has come and named a lane, the client's answer is
 * under way.
 *
 * The kernel does not tell which lane a handshake will end in. But none can begin in a lane
 * that the program no longer names, so this is enough: take the handshakes of the address right
 * after the plan was applied, and wait until none of these is left. Each is by then in the
 * accept queue of its lane, or has been given up by its client.
 *
 *   steering_apply(base, &plan)           the lane is left out
 *   handshakes_take(base, &handshakes)
 *   handshakes_refresh(&handshakes)       later, again and again, until count == 0
 *   handshakes_release(&handshakes)
 *
 * That takes one round trip to the slowest client, some 100 ms at worst. What is left for
 * longer is a client that has vanished, or an attack; the kernel forgets it after about a
 * minute (tcp_synack_retries). So waiting here has to have a limit; a handshake that ends later
 * waits in the lane's queue for the next worker.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HANDSHAKES_MAX = 4096, /* remembered at most: a flood of SYNs is no reason to wait */
};

/* Zeroed: nothing. */
struct handshakes {
    int family;
    uint16_t port;
    bool truncated;    /* there were more than are remembered */
    size_t count;      /* those under way still */
    uint64_t *cookies; /* the kernel's name of each, never used again (SO_COOKIE) */
};

/* Remembers the handshakes under way to the port of a TCP listener, at whatever of its local
 * addresses. Costs as sock_diag_visit_tcp() says. *ret_handshakes is the caller's, to be
 * released. Returns 0, -EAFNOSUPPORT, -ENOMEM, or -errno. */
MUST_CHECK int handshakes_take(int listener_fd, struct handshakes *ret_handshakes);

/* Forgets those that have ended. Nothing is asked where none is left. Returns 0 or -errno. */
MUST_CHECK int handshakes_refresh(struct handshakes *handshakes);

/* Accepts zeroed ones. */
void handshakes_release(struct handshakes *handshakes);
