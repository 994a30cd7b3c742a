/* Other programs that a verb has do a part of its work, one at a time, and waits for. */
#pragma once

#include "base/own.h"

#include <stdbool.h>

enum {
    CHILD_LOST = 255, /* it could not be run, or was ended by a signal; which has been said */
};

/* Runs a program, found by PATH, with our own standard descriptors. `words` is NULL-ended.
 * Returns its exit status, or CHILD_LOST. */
MUST_CHECK int child_run(const char *const *words);

/* Runs `body` in a child whose stdout is /dev/null, and which has the environment and the
 * working directory of a service where `as_service`. Returns what the body does, or CHILD_LOST.
 */
MUST_CHECK int child_call(int (*body)(void *user), void *user, bool as_service);
