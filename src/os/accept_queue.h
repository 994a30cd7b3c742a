/* What waits on a listening socket: connections that clients have opened and no program has
 * accepted yet. Asked of the socket itself (TCP_INFO), so the cost does not depend on what else
 * goes on: one getsockopt(2) a lane.
 *
 * "The lane is free" is
 *   1. no plan names it (os/steering.h), so that nothing new comes,
 *   2. no handshake that was under way then is still (os/handshakes.h),
 *   3. its worker is gone, and waiting == 0 here.
 * With TCP_DEFER_ACCEPT a connection whose client has said nothing yet is a handshake still.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

struct accept_queue {
    bool listening;   /* false: somebody has called shutdown(2) on it */
    uint32_t waiting; /* connections; the Recv-Q that ss(8) shows */
    uint32_t room;    /* the backlog; one more than this are held (sk_acceptq_is_full()) */
};

/* Looks at a TCP listener. Does not block. Returns 0; -EOPNOTSUPP or -ENOPROTOOPT where it is
 * no TCP socket; -errno. */
MUST_CHECK int accept_queue_look(int fd, struct accept_queue *ret_queue);
