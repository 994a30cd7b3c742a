/* Waiting for what becomes of a unit whose main process has ended.
 *
 * The manager's signals say only that something has changed; what, is asked then. They are
 * subscribed to before the first look, so that nothing falls in between.
 */
#pragma once

#include "base/mono.h"
#include "reloadd/unit_bus.h"

enum unit_standing {
    UNIT_UNSETTLED, /* stops, waits to be started again, or starts */
    UNIT_IS_UP,     /* its main process is ready */
    UNIT_IS_DOWN,   /* stopped or failed, and no job is under way that would start it */
};

/* Stays where it is from unit_watch_open() on. */
struct unit_watch {
    struct unit_bus bus;
    char *unit;
    bool changed; /* since it was looked at last */
};

/* Connects and subscribes. Returns 0 or -errno; released by unit_watch_release() either way. */
MUST_CHECK int unit_watch_open(struct unit_watch *watch, const char *unit, bool of_user);

void unit_watch_release(struct unit_watch *watch);

/* How the unit stands. Blocks for some seconds at most. Returns 0 or -errno. */
MUST_CHECK int unit_watch_look(struct unit_watch *watch, enum unit_standing *ret_standing);

/* Blocks until something may have changed, or for `limit`. Returns 0 or -errno (the connection
 * has ended). */
MUST_CHECK int unit_watch_wait(struct unit_watch *watch, struct span limit);
