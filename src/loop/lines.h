/* What a worker writes, line by line.
 *
 * Owns the read end of a pipe. Each wake-up of the loop reads once, up to LINE_SIZE_MAX bytes:
 * a worker that writes without end waits for its turn like everybody else, and the pipe's own
 * limit holds it back. Bytes are handed on as they are, NULs and broken UTF-8 included.
 */
#pragma once

#include "loop/loop.h"

struct lines;

enum {
    LINE_SIZE_MAX = 8192,          /* bytes of a line; a longer one comes in several pieces */
    LINES_DRAIN_MAX = 1024 * 1024, /* the largest pipe there is (/proc/sys/fs/pipe-max-size) */
};

enum line_end {
    LINE_WHOLE, /* a newline ended it, or the end of the output did */
    LINE_CUT,   /* it is longer than LINE_SIZE_MAX: the next piece belongs to it */
};

struct lines_handlers {
    /* `text` has `size` bytes and no newline, and is valid for the call alone. */
    void (*line)(void *user, const char *text, size_t size, enum line_end end);

    /* The last writer closed the pipe; nothing more comes. May be NULL. */
    void (*closed)(void *user);
};

/* Reads from `fd`, and owns it on success. It becomes non-blocking: this end alone, a pipe's
 * two ends have descriptions of their own. `handlers` is copied. Returns 0, -ENOMEM, -EEXIST
 * where `fd` is watched already, -EPERM for a regular file. */
MUST_CHECK int lines_new_take(struct loop *loop, int fd, const struct lines_handlers *handlers,
                              void *user, struct lines **ret_lines);

/* Hands on what stands in the pipe now, at most LINES_DRAIN_MAX bytes, and the begun line too:
 * for the moment when the worker is known to be dead and its last words are wanted, while a
 * child of it may still hold the pipe. The one verb of this room that calls back at once;
 * `closed` comes later, if at all. Never blocks. */
void lines_drain(struct lines *lines);

/* Closes the pipe. What was not read is lost; see lines_drain(). NULL is ignored. */
void lines_free(struct lines *lines);
