/* The environment that the workers of a revision get. Later sources win: what the primary hands
 * on; the user's HOME, USER, LOGNAME and SHELL, where the configuration names a user;
 * environment_file; environment. A PATH is always there.
 */
#pragma once

#include "wire/environment_file.h"
#include "wire/spec.h"

/* What an environment is made of; all borrowed, all may be NULL. */
struct pin_sources {
    const char *const *base;  /* what speaks of the primary alone is left out */
    const char *user;         /* name or number */
    char *const *file;        /* environment_file, decoded */
    char *const *environment; /* of the configuration */
};

/* *ret_environment is the caller's (strings_free). May ask a directory service, and block.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int pin_environment(const struct pin_sources *sources, char ***ret_environment);
