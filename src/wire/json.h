/* What the codecs of this room share around jansson: where a value stands, how it is shown in a
 * message, and bytes that are not UTF-8, which file names and environments may be and JSON
 * can't hold by itself.
 *
 * This is no JSON parser: jansson is. The only header that shows json_t, and for wire/ alone.
 */
#pragma once

#include "base/own.h"

#include <jansson.h>

/* The way to a value, as a chain on the stack of those who walk there: a step has a key or,
 * where `key` is NULL, an index. The root has no parent. */
struct value_path {
    const struct value_path *parent;
    const char *key;
    size_t index;
};

/* The path in words, "$.listen[0].mode"; keys that are no plain words as $["a b"]. *ret_text is
 * the caller's. Returns 0 or -ENOMEM. */
MUST_CHECK int value_path_format(const struct value_path *path, char **ret_text);

/* Parses `size` bytes with jansson's flags. *ret_value is the caller's reference; *ret_error
 * tells what is wrong, and always how many bytes were read (position). Returns 0, 1 where it is
 * not JSON, or -ENOMEM. */
MUST_CHECK int value_parse(const char *text, size_t size, size_t flags, json_t **ret_value,
                           json_error_t *ret_error);

/* A value for a message: short scalars as they are written, "an array", "an empty object".
 * *ret_text is the caller's. Returns 0 or -ENOMEM. */
MUST_CHECK int value_describe(const json_t *value, char **ret_text);

/* A string of any bytes: a JSON string where it is UTF-8, else {"hex": "…"}. New reference, or
 * NULL where memory is short. */
json_t *value_from_bytes(const char *bytes);

/* The inverse; *ret_bytes is the caller's. Returns 0, 1 where it is no such value, or -ENOMEM.
 */
MUST_CHECK int value_to_bytes(const json_t *value, char **ret_bytes);
