/* What a worker has to do for its clients, seen from outside: its connections, and which of
 * them have a request in flight. Asked of the kernel (os/sock_diag.h) and joined with the
 * sockets that the worker's processes hold (/proc/PID/fd), so it holds for any program, in
 * plain text or TLS.
 *
 * Nobody tells the kernel where a request ends, so it is judged by what has gone over the
 * connection. A connection is *active* where
 *   - bytes lie there that the program has not read, or that the client has not taken yet, or
 *   - something was received and nothing was ever sent, or
 *   - data was received later than data was sent;
 * and *idle* otherwise, since the later of both. What that can't know:
 *   - Both times are counted in ticks (4 ms with CONFIG_HZ=250). Where they are the same, the
 *     answer came most probably within the request's tick, and the connection counts as idle;
 *     but it could be a second request that came within the tick of the first one's answer. So
 *     whoever acts on it waits until it has been idle for a while (`still`).
 *   - A pause in the middle of an answer is as idle as the time between two requests.
 *   - What a client says last without waiting for an answer (a websocket's frame, HTTP/2's
 *     WINDOW_UPDATE) keeps its connection active until the server says something, too.
 *   - When a connection began is not kept by the kernel. `oldest` is the time since anything
 *     went over the one that has been silent the longest: so old it is at least, and where a
 *     request is in flight there, so long it has been.
 * Of unix sockets the kernel keeps no times. They are active where bytes lie in their queues,
 * and otherwise neither active nor idle.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct connections {
    unsigned open; /* accepted, and not closed by the worker */
    unsigned active;
    unsigned idle;
    unsigned unread; /* those with bytes that the worker has not read */
    uint64_t unread_bytes;
    uint64_t unsent_bytes; /* those not acknowledged by the client included */
    struct span oldest;    /* 0: there is none whose times are known */
    struct span still;     /* all are idle for so long; SPAN_FOREVER: there are none; 0 also for
                              what can't be known */
    bool hidden;           /* some of its processes may not be looked into */
};

/* Whose connections are asked for. A connection that several of them hold counts for each. */
struct connections_holder {
    const pid_t *pids;
    size_t pid_n;
    struct connections found; /* the answer */
};

/* Looks at the connections that were accepted from these listening sockets (TCP or unix stream;
 * others are passed over), once for all holders. A process that is gone has none. Returns 0,
 * -ENOMEM, or -errno of getsockname(2) or of the walk; `found` is then not valid. Does not
 * block, but costs about 3 µs for each descriptor of the holders, and as much for each
 * connection (docs/BENCHMARKS.md). */
MUST_CHECK int connections_look(const int *listeners, size_t listener_n,
                                struct connections_holder *holders, size_t holder_n);
