/* Wall time, for people alone: nothing is decided by it.
 *
 * Written as RFC 3339 in UTC with microseconds, always in the one spelling
 * "2026-01-31T23:59:58.000001Z", so that equal times are equal texts.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <stdint.h>

struct wall {
    int64_t microseconds; /* since the epoch; 0 where an optional one is not known */
};

enum {
    WALL_TEXT_SIZE = 28, /* with the closing NUL */
};

/* Returns 0 with the text in `ret_text`, or 1 where the year has not four digits. */
MUST_CHECK int wall_format(struct wall wall, char ret_text[static WALL_TEXT_SIZE]);

/* The inverse, strictly. Returns 0, or 1 where the text is no such time. */
MUST_CHECK int wall_parse(const char *text, struct wall *ret_wall);

static inline double wall_to_seconds(struct wall wall)
{
    return (double)wall.microseconds / 1e6;
}
