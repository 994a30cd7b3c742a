/* What the service manager has of the unit that this process belongs to: asked over its bus, in
 * a process that may wait (ExecStopPost=), never in the primary.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

/* What follows the end of a main process. */
enum unit_fate {
    UNIT_STOPS,    /* somebody has asked for a stop, or for a restart by hand: all of it ends */
    UNIT_ENDS,     /* it ended by itself, and will not be started again */
    UNIT_RESTARTS, /* the manager starts it again */
};

struct unit_view {
    char *name;   /* "web.service" */
    bool of_user; /* its manager is a user's own */
    enum unit_fate fate;
    bool never_ready;  /* the main process that has ended had not said READY=1 */
    bool has_subgroup; /* DelegateSubgroup=: main processes are born in a cgroup below the
                          unit's */
};

void unit_view_release(struct unit_view *view);

/* Asks. Blocks for at most some seconds. *ret_view is the caller's. Returns 0; 1 where this
 * process belongs to no service; -errno where the manager can't be asked, and then name and
 * of_user alone are set. */
MUST_CHECK int unit_ask(struct unit_view *ret_view);
