/* What the workers write, line by line: shown on stdout, kept for `reloadctl logs` and for the
 * words of a failure.
 *
 * The newest lines are kept in memory, bounded in number and in bytes; the oldest make room.
 * stdout that can't take a line loses it and is told how many it lost, for a terminal that was
 * stopped must not stop the app.
 */
#pragma once

#include "base/own.h"
#include "wire/wall.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output;

struct output_line {
    uint64_t number; /* counts up from 1, without gaps */
    struct wall at;
    uint64_t worker; /* 0: the primary's own */
    uint64_t revision;
    uint32_t slot;
    char *text; /* without its newline; owned by the output */
};

/* Who follows new lines. `line` is borrowed for the call. */
typedef void output_listener(void *user, const struct output_line *line);

/* colour: prefixes are coloured, and control characters in lines made visible, for a terminal.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int output_new(bool colour, output_listener *listener, void *user,
                          struct output **ret_output);
void output_free(struct output *output);

/* Takes one line of a worker (worker ≠ 0), shows and keeps it; or keeps one of the primary's
 * own. A line that memory does not suffice for is lost. */
void output_add(struct output *output, const struct output_line *line, const char *text,
                size_t size);

/* The newest lines that `wanted` wants, at most `max`, oldest first, into `lines` (borrowed,
 * valid until the next output_add). Returns how many. */
size_t output_tail(const struct output *output,
                   bool (*wanted)(const struct output_line *, const void *), const void *user,
                   const struct output_line **lines, size_t max);
