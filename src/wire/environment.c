#include "wire/environment.h"

#include "base/error.h"
#include "wire/strings.h"

#include <ctype.h>
#include <string.h>

/* What systemd.exec(5), sd_notify(3) and the dialects of delivery hand to one process alone. A
 * star stands at the end only. */
static const char *const reserved[] = {
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "NOTIFY_SOCKET",
    "FDSTORE",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "MAINPID",
    "MANAGERPID",
    "MANAGERPIDFDID",
    "SYSTEMD_EXEC_PID",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "CACHE_DIRECTORY",
    "LOGS_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "TRIGGER_UNIT",
    "TRIGGER_PATH",
    "TRIGGER_TIMER_REALTIME_USEC",
    "TRIGGER_TIMER_MONOTONIC_USEC",
    "SERVER_STARTER_*",
    "EINHORN_*",
    "RELOADD_*",
};

static int append_consume(char ***environment, char *entry)
{
    size_t n = strings_count((const char *const *)*environment);
    char **longer = NULL;

    if (entry != NULL)
        longer = reallocarray(*environment, n + 2, sizeof(*longer));
    if (longer == NULL) {
        free(entry);
        return -ENOMEM;
    }
    longer[n] = entry;
    longer[n + 1] = NULL;
    *environment = longer;
    return 0;
}

int environment_append(char ***environment, const char *entry)
{
    return append_consume(environment, strdup(entry));
}

bool environment_name_is_valid(const char *name, size_t n)
{
    if (n == 0 || isdigit((unsigned char)*name))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

static size_t name_length(const char *entry)
{
    return strcspn(entry, "=");
}

bool environment_is_reserved(const char *entry)
{
    size_t n = name_length(entry);

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        size_t length = strlen(reserved[i]);
        bool starred = reserved[i][length - 1] == '*';

        if (starred ? n >= length - 1 && strncmp(entry, reserved[i], length - 1) == 0
                    : n == length && strncmp(entry, reserved[i], length) == 0)
            return true;
    }
    return false;
}

/* The index of the variable that has the name of `entry`, or the length of the vector. */
static size_t environment_find(char *const *environment, const char *entry)
{
    size_t n = name_length(entry);
    size_t i = 0;

    while (environment != NULL && environment[i] != NULL) {
        if (name_length(environment[i]) == n && strncmp(environment[i], entry, n) == 0)
            break;
        i++;
    }
    return i;
}

const char *environment_get(char *const *environment, const char *name)
{
    size_t i = environment_find(environment, name);

    if (environment == NULL || environment[i] == NULL || environment[i][strlen(name)] != '=')
        return NULL;
    return environment[i] + strlen(name) + 1;
}

int environment_put(char ***environment, const char *entry)
{
    size_t i = environment_find(*environment, entry);
    char *copy = strdup(entry);

    if (copy == NULL)
        return -ENOMEM;
    if (*environment == NULL || (*environment)[i] == NULL)
        return append_consume(environment, copy);
    free((*environment)[i]);
    (*environment)[i] = copy;
    return 0;
}

int environment_merge(char ***environment, char *const *from)
{
    for (; from != NULL && *from != NULL; from++) {
        int r = environment_put(environment, *from);

        if (r < 0)
            return r;
    }
    return 0;
}
