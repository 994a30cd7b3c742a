#include "reloadd/unit_fate.h"

#include "base/error.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>

#define UNIT_INTERFACE    "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"
#define JOB_INTERFACE     "org.freedesktop.systemd1.Job"
#define DESTINATION       "org.freedesktop.systemd1"

/* A manager that is busy (daemon-reload) answers later; ours is not the time to hang. */
static const uint64_t call_timeout_us = 5000000;

struct question {
    sd_bus *bus;
    char *path; /* of the unit's object */
};

static void question_release(struct question *question)
{
    sd_bus_flush_close_unref(question->bus);
    free(question->path);
}

static void cleanup_message(sd_bus_message **message)
{
    sd_bus_message_unref(*message);
}

void unit_view_release(struct unit_view *view)
{
    free(view->name);
    *view = (struct unit_view){0};
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

static int read_number(const struct question *question, const char *interface, const char *name,
                       char type, void *ret_number)
{
    int r = sd_bus_get_property_trivial(question->bus, DESTINATION, question->path, interface,
                                        name, NULL, type, ret_number);

    return r < 0 ? r : 0;
}

static int read_string(const struct question *question, const char *path, const char *interface,
                       const char *name, char **ret_string)
{
    int r = sd_bus_get_property_string(question->bus, DESTINATION, path, interface, name, NULL,
                                       ret_string);

    return r < 0 ? r : 0;
}

/* Whether a job that ends the unit waits or runs. A restart by hand is such a job until the
 * unit has stopped; the one by which the manager itself starts a service again comes later. */
static int read_is_stopping(const struct question *question, bool *ret_is_stopping)
{
    _cleanup_(cleanup_message) sd_bus_message *message = NULL;
    _cleanup_free_ char *type = NULL;
    const char *path;
    uint32_t id;
    int r = sd_bus_get_property(question->bus, DESTINATION, question->path, UNIT_INTERFACE,
                                "Job", NULL, &message, "(uo)");

    if (r >= 0)
        r = sd_bus_message_read(message, "(uo)", &id, &path);
    if (r < 0)
        return r;
    *ret_is_stopping = false;
    if (id == 0)
        return 0;
    r = read_string(question, path, JOB_INTERFACE, "JobType", &type);
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
static int read_is_in_set(const struct question *question, const char *property, int32_t code,
                          int32_t status, bool *ret_is)
{
    _cleanup_(cleanup_message) sd_bus_message *message = NULL;
    bool in_statuses;
    bool in_signals;
    int r = sd_bus_get_property(question->bus, DESTINATION, question->path, SERVICE_INTERFACE,
                                property, NULL, &message, "(aiai)");

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
static int read_will_restart(const struct question *question, bool *ret_will)
{
    _cleanup_free_ char *setting = NULL;
    _cleanup_free_ char *result = NULL;
    bool prevented;
    bool forced;
    int32_t status;
    int32_t code;
    int r = read_string(question, question->path, SERVICE_INTERFACE, "Restart", &setting);

    if (r == 0)
        r = read_string(question, question->path, SERVICE_INTERFACE, "Result", &result);
    if (r == 0)
        r = read_number(question, SERVICE_INTERFACE, "ExecMainCode", 'i', &code);
    if (r == 0)
        r = read_number(question, SERVICE_INTERFACE, "ExecMainStatus", 'i', &status);
    if (r == 0)
        r = read_is_in_set(question, "RestartPreventExitStatus", code, status, &prevented);
    if (r == 0)
        r = read_is_in_set(question, "RestartForceExitStatus", code, status, &forced);
    if (r == 0)
        *ret_will = !prevented && (forced || setting_restarts(setting, result));
    return r;
}

static int read_never_ready(const struct question *question, bool *ret_never)
{
    uint64_t active;
    uint64_t began;
    int r =
        read_number(question, UNIT_INTERFACE, "ActiveEnterTimestampMonotonic", 't', &active);

    if (r == 0)
        r = read_number(question, SERVICE_INTERFACE, "ExecMainStartTimestampMonotonic", 't',
                        &began);
    if (r == 0)
        *ret_never = active < began;
    return r;
}

/* A manager before 254 has no such property. */
static bool read_has_subgroup(const struct question *question)
{
    _cleanup_free_ char *subgroup = NULL;

    return read_string(question, question->path, SERVICE_INTERFACE, "DelegateSubgroup",
                       &subgroup) == 0 &&
           subgroup[0] != '\0';
}

static int read_view(const struct question *question, struct unit_view *view)
{
    bool stopping = false;
    bool restarts = false;
    int r = read_is_stopping(question, &stopping);

    if (r == 0)
        r = read_will_restart(question, &restarts);
    if (r == 0)
        r = read_never_ready(question, &view->never_ready);
    if (r < 0)
        return r;
    view->fate = stopping ? UNIT_STOPS : restarts ? UNIT_RESTARTS : UNIT_ENDS;
    view->has_subgroup = read_has_subgroup(question);
    return 0;
}

static bool is_service(const char *unit)
{
    const char *dot = strrchr(unit, '.');

    return dot && strcmp(dot, ".service") == 0;
}

int unit_ask(struct unit_view *ret_view)
{
    _cleanup_(question_release) struct question question = {0};
    _cleanup_free_ char *unit = NULL;
    bool of_user = sd_pid_get_user_unit(0, &unit) >= 0;
    int r = of_user ? 0 : sd_pid_get_unit(0, &unit);

    if (r == -ENOMEM)
        return r;
    if (r < 0 || !is_service(unit))
        return 1;
    *ret_view = (struct unit_view){.name = take_ptr(unit)};
    r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", ret_view->name, &question.path);
    if (r >= 0)
        r = connect_manager(of_user, &question.bus);
    return r < 0 ? r : read_view(&question, ret_view);
}
