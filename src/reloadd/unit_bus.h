/* The service manager's bus, for what it has of one unit (org.freedesktop.systemd1(5)).
 *
 * For processes that may wait, never the primary.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <systemd/sd-bus.h>

#define UNIT_BUS_NAME    "org.freedesktop.systemd1"
#define UNIT_BUS_MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT_BUS_UNIT    "org.freedesktop.systemd1.Unit"
#define UNIT_BUS_SERVICE "org.freedesktop.systemd1.Service"
#define UNIT_BUS_JOB     "org.freedesktop.systemd1.Job"

struct unit_bus {
    sd_bus *bus;
    char *path; /* of the unit's object */
};

/* Connects to the manager, a user's own where of_user is set. Calls on it block for some
 * seconds at most. Returns 0 or -errno. */
MUST_CHECK int unit_bus_open(const char *unit, bool of_user, struct unit_bus *ret_bus);

void unit_bus_release(struct unit_bus *bus);

/* A property of the unit's, of a type that sd_bus_get_property_trivial(3) knows. Returns 0 or
 * -errno. */
MUST_CHECK int unit_bus_read_number(const struct unit_bus *bus, const char *interface,
                                    const char *name, char type, void *ret_number);

/* A string of the object at path; the caller's. Returns 0 or -errno. */
MUST_CHECK int unit_bus_read_string(const struct unit_bus *bus, const char *path,
                                    const char *interface, const char *name, char **ret_string);

/* For _cleanup_. */
void unit_bus_cleanup_message(sd_bus_message **message);
