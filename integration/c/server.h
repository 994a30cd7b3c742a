/* A small HTTP server that does it right: the model of a program that drains politely.
 *
 * When it is told to stop it takes what still waits in the accept queue, then leaves the
 * listeners; each connection gets `Connection: close` with its next answer; one that stays
 * silent for a grace of 1.5 s is closed; when none is left, the server ends. A connection is
 * never cut because it *looks* idle: a request may be on its way, and surely is where none has
 * come yet. A client that has just connected gets 10 s.
 *
 *   GET /echo/ID[?ms=N]           "ID REVISION PID\n", after N ms
 *   GET /stream/ID[?seconds=N]    the same line, "chunk 0\n" …, four a second, "end COUNT\n"
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    REQUEST_SIZE = 4096,
    ANSWER_SIZE = 512,
    PATH_SIZE = 256,
};

enum connection_state {
    CONNECTION_READING,   /* a request is awaited, or is coming in */
    CONNECTION_WAITING,   /* the answer, or its next piece, is due later */
    CONNECTION_WRITING,   /* a piece is going out */
    CONNECTION_LINGERING, /* all was said; the other side closes */
};

struct connection {
    struct connection *next;
    struct connection *previous;
    int fd;
    enum connection_state state;
    struct instant due;   /* WAITING: the next piece; LINGERING: the end of patience */
    struct instant quiet; /* READING: since when nothing came */
    bool greeted;         /* the answer's first piece was written */
    bool answered;        /* a request was, before this one */
    http_parser parser;
    bool complete; /* a whole request was parsed */
    bool close;    /* after this answer */
    bool streamed;
    unsigned int chunk;
    unsigned int chunk_n;
    char path[PATH_SIZE];
    size_t path_n;
    char in[REQUEST_SIZE];
    size_t in_n;
    char out[ANSWER_SIZE];
    size_t out_n;
    size_t out_sent;
};

struct server {
    int epoll_fd;
    int signal_fd;
    const int *listeners; /* borrowed */
    size_t listener_n;
    struct connection *connections;
    size_t timed; /* connections in WAITING or LINGERING */
    bool draining;
    struct instant now;
    char revision[64];
};

/* Serves until SIGTERM, SIGINT, SIGQUIT or SIGALRM, drains and returns 0; or -errno. listeners:
 * listening, non-blocking, borrowed. Blocks. */
MUST_CHECK int server_run(const int *listeners, size_t listener_n, const char *revision);

/* request.c: bytes to requests to answers; no input or output of its own. */

/* Prepares to parse the next request of a connection. */
void request_begin(struct connection *connection);

/* Parses what is in `in`. Returns 0 where more is needed, 1 where a request is whole, or
 * -EINVAL where it is none. */
MUST_CHECK int request_parse(struct connection *connection);

/* Decides on the answer and when its first piece is due: streamed, chunk_n, due. */
void answer_plan(struct connection *connection, struct instant now);

/* Writes the piece that is due into `out`, and sets when the next one is due. */
void answer_write(struct connection *connection, const struct server *server);

/* Whether all pieces were written. */
bool answer_is_whole(const struct connection *connection);
