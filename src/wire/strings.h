/* NULL-ended vectors of strings, as argv and environments are. */
#pragma once

#include "base/own.h"

#include <stddef.h>

/* Frees the strings and the vector; NULL is ignored. */
void strings_free(char **strings);

/* NULL counts as empty. */
size_t strings_count(const char *const *strings);

/* A copy of `n` strings, NULL-ended; *ret_strings is the caller's (strings_free).
 * Returns 0 or -ENOMEM. */
MUST_CHECK int strings_copy(const char *const *strings, size_t n, char ***ret_strings);

static inline void cleanup_strings(char ***strings)
{
    strings_free(*strings);
}

#define _cleanup_strings_ _cleanup_(cleanup_strings)
