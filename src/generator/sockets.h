/* The socket units of an app: one, NAME.socket, where all its listeners agree; each further
 * one, for listeners that want another backlog, file mode, owner or kind of IPv6, is
 * NAME:LISTENER.socket. No app can have such a name itself, for its name has no colon.
 *
 * The primary recognises a socket by its address. A unit of one listener gives its name, too:
 * then a drop-in may change the address.
 */
#pragma once

#include "base/text.h"
#include "wire/config.h"

enum {
    SOCKET_NAME_SIZE = 256
}; /* NAME_MAX and the terminator: longer ones systemd refuses too */

struct socket_unit {
    char name[SOCKET_NAME_SIZE]; /* "web.socket" */
    const struct listener_spec *listeners[CONFIG_LISTENER_MAX];
    size_t listener_n;
};

struct socket_plan {
    struct socket_unit *units;
    size_t n;
};

void socket_plan_release(struct socket_plan *plan);

/* Deals the listeners of the spec out; the plan borrows them. A spec without listeners has a
 * plan without units. Returns 0; 1 where one can't be written in a unit file, and *ret_unfit
 * (borrowed) is its address; -ENOMEM. */
MUST_CHECK int socket_plan_make(const char *app, const struct spec *spec,
                                struct socket_plan *ret_plan, const char **ret_unfit);

/* What all units of the app have in common. */
struct unit_origin {
    const char *app;
    const char *source; /* path of the configuration */
};

/* Adds the text of one unit. Returns 0 or -ENOMEM. */
MUST_CHECK int socket_unit_write(struct text *text, const struct unit_origin *origin,
                                 const struct spec *spec, const struct socket_unit *unit);
