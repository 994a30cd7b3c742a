#include "reloadd/unit_bus.h"

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

/* A manager that is busy (daemon-reload) answers later; ours is not the time to hang. */
static const uint64_t call_timeout_us = 5000000;

void unit_bus_cleanup_message(sd_bus_message **message)
{
    sd_bus_message_unref(*message);
}

void unit_bus_release(struct unit_bus *bus)
{
    sd_bus_flush_close_unref(bus->bus);
    free(bus->path);
    *bus = (struct unit_bus){0};
}

/* The manager's own socket, as systemctl has it: it is there also where no message bus runs. */
static int connect_directly(bool of_user, sd_bus **ret_bus)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char address[4096];
    sd_bus *bus = NULL;
    int r;

    if (of_user && !runtime)
        return -ENXIO;
    (void)snprintf(address, sizeof(address), "unix:path=%s/systemd/private",
                   of_user ? runtime : "/run");
    r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_address(bus, address);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r < 0) {
        sd_bus_unref(bus);
        return r;
    }
    *ret_bus = bus;
    return 0;
}

static int connect_manager(bool of_user, sd_bus **ret_bus)
{
    int r = connect_directly(of_user, ret_bus);

    if (r < 0)
        r = of_user ? sd_bus_open_user(ret_bus) : sd_bus_open_system(ret_bus);
    if (r >= 0)
        r = sd_bus_set_method_call_timeout(*ret_bus, call_timeout_us);
    return r < 0 ? r : 0;
}

int unit_bus_open(const char *unit, bool of_user, struct unit_bus *ret_bus)
{
    _cleanup_(unit_bus_release) struct unit_bus bus = {0};
    int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &bus.path);

    if (r >= 0)
        r = connect_manager(of_user, &bus.bus);
    if (r < 0)
        return r;
    *ret_bus = bus;
    bus = (struct unit_bus){0};
    return 0;
}

int unit_bus_read_number(const struct unit_bus *bus, const char *interface, const char *name,
                         char type, void *ret_number)
{
    int r = sd_bus_get_property_trivial(bus->bus, UNIT_BUS_NAME, bus->path, interface, name,
                                        NULL, type, ret_number);

    return r < 0 ? r : 0;
}

int unit_bus_read_string(const struct unit_bus *bus, const char *path, const char *interface,
                         const char *name, char **ret_string)
{
    int r = sd_bus_get_property_string(bus->bus, UNIT_BUS_NAME, path, interface, name, NULL,
                                       ret_string);

    return r < 0 ? r : 0;
}
