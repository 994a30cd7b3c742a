#include "reloadd/unit_watch.h"

#include "base/error.h"

#include <stdint.h>
#include <string.h>

static const char manager_path[] = "/org/freedesktop/systemd1";

static int take_change(sd_bus_message *message, void *data, sd_bus_error *error)
{
    struct unit_watch *watch = data;

    (void)message;
    (void)error;
    watch->changed = true;
    return 0;
}

int unit_watch_open(struct unit_watch *watch, const char *unit, bool of_user)
{
    int r;

    *watch = (struct unit_watch){.unit = strdup(unit)};
    if (!watch->unit)
        return -ENOMEM;
    r = unit_bus_open(unit, of_user, &watch->bus);
    if (r < 0)
        return r;
    /* No sender: on the manager's own socket its messages have none. */
    r = sd_bus_match_signal(watch->bus.bus, NULL, NULL, watch->bus.path,
                            "org.freedesktop.DBus.Properties", "PropertiesChanged", take_change,
                            watch);
    /* Over a message bus, the manager tells only if somebody has asked for it. */
    if (r >= 0)
        r = sd_bus_call_method(watch->bus.bus, UNIT_BUS_NAME, manager_path, UNIT_BUS_MANAGER,
                               "Subscribe", NULL, NULL, "");
    return r < 0 ? r : 0;
}

void unit_watch_release(struct unit_watch *watch)
{
    unit_bus_release(&watch->bus);
    free(watch->unit);
    watch->unit = NULL;
}

static enum unit_standing judge(const char *active_state, uint32_t job)
{
    if (strcmp(active_state, "inactive") == 0 || strcmp(active_state, "failed") == 0)
        return job == 0 ? UNIT_IS_DOWN : UNIT_UNSETTLED;
    if (strcmp(active_state, "activating") == 0 || strcmp(active_state, "deactivating") == 0)
        return UNIT_UNSETTLED;
    return UNIT_IS_UP;
}

/* State and job in one answer: asked for one after the other, a start could come between. */
int unit_watch_look(struct unit_watch *watch, enum unit_standing *ret_standing)
{
    _cleanup_(unit_bus_cleanup_message) sd_bus_message *message = NULL;
    const char *active_state;
    uint32_t job;
    int r;

    watch->changed = false;
    r = sd_bus_call_method(watch->bus.bus, UNIT_BUS_NAME, manager_path, UNIT_BUS_MANAGER,
                           "ListUnitsByNames", NULL, &message, "as", 1, watch->unit);
    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'a', "(ssssssouso)");
    if (r >= 0)
        r = sd_bus_message_read(message, "(ssssssouso)", NULL, NULL, NULL, &active_state, NULL,
                                NULL, NULL, &job, NULL, NULL);
    if (r <= 0)
        return r < 0 ? r : -EBADMSG;
    *ret_standing = judge(active_state, job);
    return 0;
}

static int process_all(sd_bus *bus)
{
    int r;

    do
        r = sd_bus_process(bus, NULL);
    while (r > 0);
    return r;
}

int unit_watch_wait(struct unit_watch *watch, struct span limit)
{
    int r = process_all(watch->bus.bus);

    if (r < 0 || watch->changed)
        return r;
    r = sd_bus_wait(watch->bus.bus, limit.nanoseconds / 1000);
    if (r < 0)
        return r == -EINTR ? 0 : r;
    return process_all(watch->bus.bus);
}
