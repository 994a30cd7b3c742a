/* What the decoder of the configuration reads from, and how it complains. Private to wire/. */
#pragma once

#include "wire/config_error.h"
#include "wire/json.h"

#include <stdbool.h>

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

/* Adds "expected EXPECTED, found KEY" at the key itself, which is likely a slip for `meant`
 * (NULL: for none). Returns 1, or -ENOMEM. */
MUST_CHECK int config_expected_key(const struct config_reader *reader,
                                   const struct value_path *path,
                                   const struct value_path *meant, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether an error stands at just this path, or at a key that is likely a slip for it. Returns
 * 0, 1 where one does, or -ENOMEM. */
MUST_CHECK int config_was_mistaken(const struct config_reader *reader,
                                   const struct value_path *path);

/* Adds "expected EXPECTED, found nothing" at a path that is not there. Returns 1, or -ENOMEM.
 */
MUST_CHECK int config_missing(const struct config_reader *reader, const char *path,
                              const char *expected);

/* Remembers that something was wrong, and goes on unless it is fatal: folds `r` into *total,
 * and returns whether the caller must leave. */
static inline bool config_is_fatal(int *total, int r)
{
    if (r != 0)
        *total = r;
    return r < 0;
}
