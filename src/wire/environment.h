/* Environments as vectors: NULL-ended arrays of "NAME=value", as execve(2) takes them.
 *
 * A zeroed (NULL) vector is empty. All strings and the array are the vector's owner's.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

/* Frees a NULL-ended vector of owned strings. NULL is ignored. */
void vector_free(char **vector);

static inline void cleanup_vector(char ***vector)
{
    vector_free(*vector);
}

#define _cleanup_vector_ _cleanup_(cleanup_vector)

/* How many strings are in it. */
size_t vector_length(char *const *vector);

/* Puts a copy of `string` at the end. Returns 0 or -ENOMEM. */
MUST_CHECK int vector_append(char ***vector, const char *string);

/* A copy; *ret_copy is NULL where `vector` is, else the caller's. Returns 0 or -ENOMEM. */
MUST_CHECK int vector_copy(char *const *vector, char ***ret_copy);

/* Whether `n` bytes are a name that every shell and program can use: letters, digits and "_",
 * no digit first. */
bool environment_name_is_valid(const char *name, size_t n);

/* Whether reloadd gives this variable to each worker by itself, or must keep it from them since
 * it speaks of the primary: LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*, RELOADD_* and so on. `entry` is
 * a name or "NAME=value". */
bool environment_is_reserved(const char *entry);

/* The value of a variable, or NULL. Borrowed. */
const char *environment_get(char *const *environment, const char *name);

/* Puts a copy of "NAME=value" in the place of the variable's old value, or at the end. Returns 0
 * or -ENOMEM. */
MUST_CHECK int environment_put(char ***environment, const char *entry);

/* environment_put() for every entry of `from`, which may be NULL. */
MUST_CHECK int environment_merge(char ***environment, char *const *from);
