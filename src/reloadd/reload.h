/* From a wish to an accepted revision: what `reloadctl reload` and SIGHUP ask for.
 *
 * The configuration is read and checked again, the `check` command is run, new listeners are
 * opened, and the revision is pinned and journaled; only then the core hears of it. Wishes are
 * taken one after another, in the order they came. A wish that fails on the way changes
 * nothing.
 */
#pragma once

#include "core/event.h"
#include "wire/config_error.h"
#include "wire/spec.h"
#include "wire/view.h"

#include <stdbool.h>
#include <sys/types.h>

struct app;
struct reload;

/* How a wish ended before its rollout. */
struct reload_answer {
    uint64_t revision;       /* accepted as this; 0: refused */
    struct error_view error; /* why it was refused; borrowed for the call */
};

struct reload_wish {
    const char *release; /* copied; NULL: none */
    enum conflict conflict;
    void (*answered)(void *user, const struct reload_answer *answer); /* NULL: nobody waits */
    void *user;
};

/* Reads the configuration and the flags, as they are now, into a pinned spec: load_spec(),
 * whose results these are. */
MUST_CHECK int reload_read(const struct app *app, const char *release, struct spec *ret_spec,
                           struct config_errors *errors);

/* Queues a wish. Its answer may come within the call, or later from the loop. Not to be called
 * from within app_pump(). */
void reload_wish(struct app *app, const struct reload_wish *wish);

/* Nobody waits for the answer any more; the wish goes on. */
void reload_orphan(struct app *app, const void *user);

/* Whether this pid is that of a `check` command under way. */
bool reload_is_ours(const struct app *app, pid_t pid);

/* Drops all wishes, unanswered. */
void reload_release_all(struct app *app);
