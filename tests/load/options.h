/* What the command line asks of the load client. */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

/* How each connection behaves. The names are those of the scenarios in the docs. */
enum shape {
    SHAPE_S1, /* a new connection for each request */
    SHAPE_S2, /* keep-alive, busy */
    SHAPE_S3, /* keep-alive, idling 0 to 500 ms between requests */
    SHAPE_S4, /* requests that take 2 s */
    SHAPE_S5, /* streams that take 8 s */
    SHAPE_N,
};

struct options {
    struct sockaddr_storage address;
    socklen_t address_size;
    char host[160]; /* of the Host header */
    enum shape shape;
    unsigned int connections;
    double seconds;      /* 0: until SIGTERM or SIGINT, or `requests` */
    uint64_t requests;   /* 0: no bound */
    double rate;         /* requests a second, all connections together; 0: as fast as may be */
    struct span timeout; /* of one request, its connecting included */
    unsigned int slow_ms;  /* S4 */
    unsigned int stream_s; /* S5 */
    uint64_t seed;         /* of the pauses of S3 */
    bool keep_alive;       /* a connection is used again */
    const char *json;      /* path of the report, "-" for stdout; NULL: text on stdout */
    const char *timeline;  /* path; NULL: none */
};

/* Reads the command line; says on stderr what is wrong with it. Strings are borrowed from argv.
 * Returns 0, 1 where the command line is wrong, 2 where the help was asked for and printed. */
MUST_CHECK int options_parse(struct options *ret_options, int argc, char **argv);

const char *shape_name(enum shape shape);
