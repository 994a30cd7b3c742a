/* Has a worker read what its clients sent? Asked of the kernel (sock_diag(7)), so that it holds
 * for any program.
 *
 * An established stream socket has a receive queue; joined with the sockets that the worker's
 * processes hold (/proc/PID/fd), it says whether a request lies there that the program has not
 * begun to read.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum unread_state {
    UNREAD_NO_CONNECTION, /* nobody to wait for */
    UNREAD_NOTHING,       /* connections, and all that came has been read */
    UNREAD_BYTES,
};

/* Looks at the TCP connections of the processes to one of the local `ports`, and at all their
 * unix connections where `with_unix`. Processes that may not be looked into have none. The cost
 * grows with the number of connections on the machine; it does not block. Returns 0 or -errno
 * of socket(2), send(2) or recv(2). */
MUST_CHECK int unread_look(const pid_t *pids, size_t pid_count, const uint16_t *ports,
                           size_t port_count, bool with_unix, enum unread_state *ret_state);
