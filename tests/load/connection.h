/* One connection of the load: the state machine from one request to the next.
 *
 *   RESTING ─▶ CONNECTING ─▶ BUSY ─▶ RESTING … ─▶ ENDED
 *      └────── (kept) ────────▶┘
 *
 * connection_step() is called whenever something may have happened: its descriptor is ready,
 * its pause or its deadline is over. It goes as far as it can without blocking.
 */
#pragma once

#include "answer.h"
#include "options.h"
#include "tally.h"

enum connection_state {
    CONNECTION_RESTING, /* until `wake`; fd is open where the connection is kept */
    CONNECTION_CONNECTING,
    CONNECTION_BUSY, /* a request is on it */
    CONNECTION_ENDED,
};

/* What all connections share. */
struct load {
    const struct options *options;
    struct tally *tally;
    int epoll_fd;  /* borrowed */
    bool stopping; /* begin no more requests */
    uint64_t next_id;
    uint64_t random;
};

struct connection {
    struct load *load;
    int fd;
    uint32_t generation; /* of fd: tells a late epoll event of a closed one */
    uint32_t index;
    enum connection_state state;
    bool reused;
    struct instant wake;
    struct instant begun;
    struct instant deadline;
    uint64_t id;
    size_t request_size;
    size_t request_sent;
    char request[320];
    struct answer answer;
};

/* writable: epoll said so; it decides whether a connecting socket is asked for its fate.
 * Returns 0 or -errno (the client itself failed). */
MUST_CHECK int connection_step(struct connection *connection, struct instant now,
                               bool writable);

/* When the connection must be stepped although its descriptor is quiet. */
struct instant connection_due(const struct connection *connection);

void connection_release(struct connection *connection);
