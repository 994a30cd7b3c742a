/* The `check` command of a configuration, run before a revision is accepted (as `nginx -t`):
 * with the revision's directory, user and environment, and no listener.
 */
#pragma once

#include "base/own.h"
#include "wire/spec.h"

#include <stdbool.h>

struct app;
struct check;

/* How it went; lines are borrowed for the call. */
struct check_result {
    bool passed;
    const char *text; /* where it did not: "exited with status 1" */
    const char *const *lines;
    size_t line_n;
};

/* Starts it. `finished` is called once, from the loop, and the check is freed after it. Returns
 * 0 or -errno. */
MUST_CHECK int check_start(struct app *app, const struct spec *spec,
                           void (*finished)(void *user, const struct check_result *result),
                           void *user, struct check **ret_check);

/* Kills it, and calls nobody. NULL is ignored. */
void check_free(struct check *check);

/* Whether this pid is that of the check, not reaped yet. `check` may be NULL. */
bool check_is_ours(const struct check *check, pid_t pid);
