/* One HTTP answer, checked to the last byte while it comes in.
 *
 * The framing is http_parser's business (Debian: libhttp-parser-dev). This module demands what
 * a strict client must: status 200, a length that is told (Content-Length or chunked; never
 * "until the connection ends", where a cut could not be seen), nothing after the end, and the
 * body that the request's id calls for:
 *
 *   /echo/ID     "ID REVISION PID\n"
 *   /stream/ID   the same line, then "chunk 0\n", "chunk 1\n" … in order, then "end N\n", where
 * N is the number of chunks
 *
 * REVISION is one word of letters, digits and ._:- ; PID a positive number.
 */
#pragma once

#include "base/own.h"
#include "tally.h"

#include <http_parser.h>
#include <stdbool.h>

enum verdict {
    VERDICT_MORE, /* right so far, not whole */
    VERDICT_WHOLE,
    VERDICT_WRONG_STATUS,
    VERDICT_WRONG_BODY,
    VERDICT_BAD_HTTP,
};

enum body_state {
    BODY_GREETING, /* "ID REVISION PID" is awaited */
    BODY_CHUNKS,
    BODY_ENDED,
};

enum { LINE_SIZE = 160 };

struct answer {
    http_parser parser;
    enum verdict verdict;
    enum body_state body;
    bool streamed;
    bool keep_alive; /* once VERDICT_WHOLE: the connection may be used again */
    uint64_t id;
    uint64_t chunks;
    size_t received; /* bytes */
    size_t line_n;
    char line[LINE_SIZE];
    char revision[REVISION_NAME_SIZE];
    int32_t pid;
};

/* streamed: the answer of /stream is awaited, not of /echo. */
void answer_init(struct answer *answer, uint64_t id, bool streamed);

/* Takes the next bytes. Once it returned anything but VERDICT_MORE, feed no more. */
enum verdict answer_feed(struct answer *answer, const char *bytes, size_t size);
