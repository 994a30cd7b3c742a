/* Environments as vectors: NULL-ended arrays of "NAME=value", as execve(2) takes them.
 *
 * NULL is an empty one. strings_free() of wire/strings.h ends it.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

/* Puts a copy of "NAME=value" at the end, whatever is there already. Returns 0 or -ENOMEM. */
MUST_CHECK int environment_append(char ***environment, const char *entry);

/* Whether `n` bytes are a name that every shell and program can use: letters, digits and "_",
 * no digit first. */
bool environment_name_is_valid(const char *name, size_t n);

/* Whether reloadd gives this variable to each worker by itself, or must keep it from them since
 * it speaks of the primary: LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*, RELOADD_* and so on. `entry`
 * is a name or "NAME=value". */
bool environment_is_reserved(const char *entry);

/* The value of a variable, or NULL. Borrowed. */
const char *environment_get(char *const *environment, const char *name);

/* Puts a copy of "NAME=value" in the place of the variable's old value, or at the end. Returns
 * 0 or -ENOMEM. */
MUST_CHECK int environment_put(char ***environment, const char *entry);

/* environment_put() for every entry of `from`, which may be NULL. */
MUST_CHECK int environment_merge(char ***environment, char *const *from);
