/* How a value of each type of the configuration is read: one function a type, which stores it or
 * tells what is wrong with it. Private to wire/.
 */
#pragma once

#include "wire/config_error.h"
#include "wire/config_key.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stdint.h>

/* What is being read, and where complaints go. */
struct config_reader {
    const char *text; /* NULL: no file, everything came from `flag` */
    size_t size;
    const char *flag;
    struct config_errors *errors;
};

/* Adds "expected EXPECTED, found VALUE" at `path`. Returns 1, or -ENOMEM. */
MUST_CHECK int config_expected(const struct config_reader *reader,
                               const struct value_path *path, const json_t *found,
                               const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Adds "expected EXPECTED, found KEY" at the key itself. Returns 1, or -ENOMEM. */
MUST_CHECK int config_expected_key(const struct config_reader *reader,
                                   const struct value_path *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads a value by its row in the table into its place in `into`: the struct spec or, for the
 * keys of "listen", the struct listener_spec. What was in the place is given up. For all types
 * but CONFIG_SECTION and CONFIG_LISTEN. Returns 0, 1 where errors were added and the place is as
 * it was, or -ENOMEM. */
MUST_CHECK int config_read_value(const struct config_reader *reader,
                                 const struct config_key *key, const struct value_path *path,
                                 const json_t *value, void *into);

/* Remembers that something was wrong, and goes on unless it is fatal: folds `r` into *total, and
 * returns whether the caller must leave. */
static inline bool config_is_fatal(int *total, int r)
{
    if (r != 0)
        *total = r;
    return r < 0;
}
