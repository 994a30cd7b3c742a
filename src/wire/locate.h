/* Where a value stands in the text it was read from.
 *
 * jansson tells a position for syntax errors alone; what is wrong with a value shows later,
 * when the text is gone from its sight. So the text is walked once more, down the path of the
 * value, and jansson itself reads over everything beside the path. Costs one more reading for
 * each message; no reading at all where nothing is wrong.
 *
 * The text must be known to be JSON (duplicate keys allowed).
 */
#pragma once

#include "base/own.h"

#include <stddef.h>

struct position {
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in characters */
};

enum locate_part {
    LOCATE_VALUE,
    LOCATE_KEY, /* the key in front of it, where it has one */
};

/* The position of the byte at `offset`, or of the end where the text is shorter. */
struct position position_at(const char *text, size_t size, size_t offset);

/* The position of the value at `path` ("$.listen[0]"); of the last one where a key is there
 * twice, as that is the one that jansson keeps. Returns 0; 1 where no such value is in the
 * text, and *ret_position is that of its nearest ancestor; or -ENOMEM. */
MUST_CHECK int locate(const char *text, size_t size, const char *path, enum locate_part part,
                      struct position *ret_position);

/* Calls found() for each key that its object has had before: its path, its position and the
 * first one's line. Stops where found() answers other than 0, and returns that. Returns 0 or
 * -ENOMEM otherwise. */
MUST_CHECK int locate_duplicates(const char *text, size_t size,
                                 int (*found)(void *context, const char *path,
                                              struct position position, unsigned first_line),
                                 void *context);
