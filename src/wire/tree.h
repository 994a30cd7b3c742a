/* jansson with the house's error algebra: private to this room.
 *
 * Beside wire/json.h, which keeps bytes as they are: here a text is for people, and what is not
 * UTF-8 in it is made so. A constructor that returns NULL has run out of memory, always.
 */
#pragma once

#include "base/own.h"
#include "wire/fault.h"
#include "wire/json.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void cleanup_json(json_t **value)
{
    json_decref(*value);
}

#define _cleanup_json_ _cleanup_(cleanup_json)

/* A JSON string of `text`. What is not UTF-8 in it (a worker may write anything) becomes
 * U+FFFD, a byte at a time. NULL: out of memory. */
json_t *tree_text(const char *text);

/* A JSON integer, or a string of decimal digits beyond 2^53, where programs that keep numbers
 * as doubles would round it. NULL: out of memory. */
json_t *tree_number(uint64_t number);

/* The inverse, in that one spelling. Returns 0, or 1 where it is no such number. */
MUST_CHECK int tree_to_number(const json_t *value, uint64_t *ret_number);

/* Puts `value` into `object`; consumes it. Returns 0, or -ENOMEM, also where `value` is NULL.
 */
MUST_CHECK int tree_set_consume(json_t *object, const char *key, json_t *value);
MUST_CHECK int tree_append_consume(json_t *array, json_t *value);

/* Reads one JSON object and nothing after it; a name twice is an error. *ret_object is the
 * caller's reference. Returns 0, -ENOMEM, or 1 with the reason in `ret_fault`. */
MUST_CHECK int tree_parse(const char *text, size_t size, json_t **ret_object,
                          struct fault *ret_fault);

/* The shortest text, members in their order; *ret_text is the caller's. Returns 0 or -ENOMEM.
 */
MUST_CHECK int tree_write(const json_t *value, char **ret_text);

/* The same, with `indent` spaces (0 … 31) a level, a line a member; 0: all in one line. */
MUST_CHECK int tree_write_indented(const json_t *value, unsigned indent, char **ret_text);
