#include "reloadd/unit_fate.h"

#include "base/error.h"
#include "reloadd/unit_bus.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <systemd/sd-login.h>

void unit_view_release(struct unit_view *view)
{
    free(view->name);
    *view = (struct unit_view){0};
}

/* Whether a job that ends the unit waits or runs. A restart by hand is such a job until the
 * unit has stopped; the one by which the manager itself starts a service again comes later. */
static int read_is_stopping(const struct unit_bus *bus, bool *ret_is_stopping)
{
    _cleanup_(unit_bus_cleanup_message) sd_bus_message *message = NULL;
    _cleanup_free_ char *type = NULL;
    const char *path;
    uint32_t id;
    int r = sd_bus_get_property(bus->bus, UNIT_BUS_NAME, bus->path, UNIT_BUS_UNIT, "Job", NULL,
                                &message, "(uo)");

    if (r >= 0)
        r = sd_bus_message_read(message, "(uo)", &id, &path);
    if (r < 0)
        return r;
    *ret_is_stopping = false;
    if (id == 0)
        return 0;
    r = unit_bus_read_string(bus, path, UNIT_BUS_JOB, "JobType", &type);
    if (r == 0)
        *ret_is_stopping = strcmp(type, "stop") == 0 || strcmp(type, "restart") == 0 ||
                           strcmp(type, "try-restart") == 0;
    return r;
}

/* Whether the array of numbers that comes next in the message has this one. */
static int array_has(sd_bus_message *message, int32_t number, bool *ret_has)
{
    int32_t each;
    int r = sd_bus_message_enter_container(message, 'a', "i");

    *ret_has = false;
    while (r >= 0 && (r = sd_bus_message_read(message, "i", &each)) > 0)
        *ret_has |= each == number;
    return r < 0 ? r : sd_bus_message_exit_container(message);
}

/* Whether the end of the main process is in a set such as RestartPreventExitStatus=. */
static int read_is_in_set(const struct unit_bus *bus, const char *property, int32_t code,
                          int32_t status, bool *ret_is)
{
    _cleanup_(unit_bus_cleanup_message) sd_bus_message *message = NULL;
    bool in_statuses;
    bool in_signals;
    int r = sd_bus_get_property(bus->bus, UNIT_BUS_NAME, bus->path, UNIT_BUS_SERVICE, property,
                                NULL, &message, "(aiai)");

    if (r >= 0)
        r = sd_bus_message_enter_container(message, 'r', "aiai");
    if (r >= 0)
        r = array_has(message, status, &in_statuses);
    if (r >= 0)
        r = array_has(message, status, &in_signals);
    if (r < 0)
        return r;
    *ret_is = code == CLD_EXITED ? in_statuses : in_signals;
    return 0;
}

/* The table of Restart= in systemd.service(5). */
static bool setting_restarts(const char *setting, const char *result)
{
    bool success = strcmp(result, "success") == 0;
    bool by_exit = strcmp(result, "exit-code") == 0;
    bool by_signal = strcmp(result, "signal") == 0 || strcmp(result, "core-dump") == 0;

    if (strcmp(setting, "always") == 0)
        return true;
    if (strcmp(setting, "on-success") == 0)
        return success;
    if (strcmp(setting, "on-failure") == 0)
        return !success;
    if (strcmp(setting, "on-abnormal") == 0)
        return !success && !by_exit;
    if (strcmp(setting, "on-abort") == 0)
        return by_signal;
    return strcmp(setting, "on-watchdog") == 0 && strcmp(result, "watchdog") == 0;
}

/* As service_shall_restart() of systemd decides it. */
static int read_will_restart(const struct unit_bus *bus, bool *ret_will)
{
    _cleanup_free_ char *setting = NULL;
    _cleanup_free_ char *result = NULL;
    bool prevented;
    bool forced;
    int32_t status;
    int32_t code;
    int r = unit_bus_read_string(bus, bus->path, UNIT_BUS_SERVICE, "Restart", &setting);

    if (r == 0)
        r = unit_bus_read_string(bus, bus->path, UNIT_BUS_SERVICE, "Result", &result);
    if (r == 0)
        r = unit_bus_read_number(bus, UNIT_BUS_SERVICE, "ExecMainCode", 'i', &code);
    if (r == 0)
        r = unit_bus_read_number(bus, UNIT_BUS_SERVICE, "ExecMainStatus", 'i', &status);
    if (r == 0)
        r = read_is_in_set(bus, "RestartPreventExitStatus", code, status, &prevented);
    if (r == 0)
        r = read_is_in_set(bus, "RestartForceExitStatus", code, status, &forced);
    if (r == 0)
        *ret_will = !prevented && (forced || setting_restarts(setting, result));
    return r;
}

static int read_never_ready(const struct unit_bus *bus, bool *ret_never)
{
    uint64_t active;
    uint64_t began;
    int r =
        unit_bus_read_number(bus, UNIT_BUS_UNIT, "ActiveEnterTimestampMonotonic", 't', &active);

    if (r == 0)
        r = unit_bus_read_number(bus, UNIT_BUS_SERVICE, "ExecMainStartTimestampMonotonic", 't',
                                 &began);
    if (r == 0)
        *ret_never = active < began;
    return r;
}

/* A manager before 254 has no such property. */
static bool read_has_subgroup(const struct unit_bus *bus)
{
    _cleanup_free_ char *subgroup = NULL;

    return unit_bus_read_string(bus, bus->path, UNIT_BUS_SERVICE, "DelegateSubgroup",
                                &subgroup) == 0 &&
           subgroup[0] != '\0';
}

static int read_view(const struct unit_bus *bus, struct unit_view *view)
{
    bool stopping = false;
    bool restarts = false;
    int r = read_is_stopping(bus, &stopping);

    if (r == 0)
        r = read_will_restart(bus, &restarts);
    if (r == 0)
        r = read_never_ready(bus, &view->never_ready);
    if (r < 0)
        return r;
    view->fate = stopping ? UNIT_STOPS : restarts ? UNIT_RESTARTS : UNIT_ENDS;
    view->has_subgroup = read_has_subgroup(bus);
    return 0;
}

static bool is_service(const char *unit)
{
    const char *dot = strrchr(unit, '.');

    return dot && strcmp(dot, ".service") == 0;
}

int unit_ask(struct unit_view *ret_view)
{
    _cleanup_(unit_bus_release) struct unit_bus bus = {0};
    _cleanup_free_ char *unit = NULL;
    bool of_user = sd_pid_get_user_unit(0, &unit) >= 0;
    int r = of_user ? 0 : sd_pid_get_unit(0, &unit);

    if (r == -ENOMEM)
        return r;
    if (r < 0 || !is_service(unit))
        return 1;
    *ret_view = (struct unit_view){.name = take_ptr(unit), .of_user = of_user};
    r = unit_bus_open(ret_view->name, of_user, &bus);
    return r < 0 ? r : read_view(&bus, ret_view);
}
