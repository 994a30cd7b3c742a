#include "wire/names.h"

#include <ctype.h>
#include <signal.h>
#include <string.h>

const char *const dialect_names[] = {
    "listen_fds", "server_starter", "einhorn", "nginx", "php_fpm",
    "unicorn",    "puma",           "stdin",   NULL,
};

_Static_assert(DIALECT_STDIN == 1 << (sizeof(dialect_names) / sizeof(dialect_names[0]) - 2),
               "every dialect has a name");

const char *const dispatch_names[DISPATCH_N] = {
    [DISPATCH_AUTO] = "auto",
    [DISPATCH_SHARED] = "shared",
};

/* The number after "RTMIN+" or "RTMAX-", or -1. */
static int realtime_offset(const char *digits)
{
    int offset = 0;

    if (*digits == '\0' || strlen(digits) > 2)
        return -1;
    for (; *digits != '\0'; digits++) {
        if (!isdigit((unsigned char)*digits))
            return -1;
        offset = offset * 10 + (*digits - '0');
    }
    return offset;
}

static int realtime_from_name(const char *name)
{
    bool from_least = strncmp(name, "RTMIN", 5) == 0;
    int offset = 0;

    if (!from_least && strncmp(name, "RTMAX", 5) != 0)
        return 0;
    if (name[5] != '\0')
        offset = name[5] == (from_least ? '+' : '-') ? realtime_offset(name + 6) : -1;
    if (offset < 0 || offset > SIGRTMAX - SIGRTMIN)
        return 0;
    return from_least ? SIGRTMIN + offset : SIGRTMAX - offset;
}

int signal_from_name(const char *name)
{
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (int number = 1; number < SIGRTMIN; number++) {
        const char *known = sigabbrev_np(number);

        if (known != NULL && strcmp(known, name) == 0)
            return number;
    }
    return realtime_from_name(name);
}

uint32_t dialect_from_name(const char *name)
{
    for (unsigned i = 0; dialect_names[i] != NULL; i++)
        if (strcmp(dialect_names[i], name) == 0)
            return UINT32_C(1) << i;
    return 0;
}

enum dispatch dispatch_from_name(const char *name)
{
    unsigned i = 0;

    while (i < DISPATCH_N && strcmp(dispatch_names[i], name) != 0)
        i++;
    return (enum dispatch)i;
}

const char *delivery_name(enum delivery delivery)
{
    static const char *const names[DELIVERY_N] = {
        [DELIVERY_INHERIT] = "inherit",
        [DELIVERY_AUTO] = "auto",
        [DELIVERY_CAPTURE] = "capture",
    };

    return names[delivery];
}

enum delivery delivery_from_name(const char *name)
{
    unsigned i = 0;

    while (i < DELIVERY_N && strcmp(delivery_name((enum delivery)i), name) != 0)
        i++;
    return (enum delivery)i;
}

enum readiness readiness_from_name(const char *name)
{
    unsigned i = 0;

    while (i < READINESS_N && strcmp(readiness_name((enum readiness)i), name) != 0)
        i++;
    return (enum readiness)i;
}

const char *drain_wait_name(enum drain_wait wait)
{
    static const char *const names[DRAIN_WAIT_N] = {
        [DRAIN_WAIT_AUTO] = "auto",
        [DRAIN_WAIT_QUEUE] = "queue",
        [DRAIN_WAIT_QUIET] = "quiet",
    };

    return names[wait];
}

enum drain_wait drain_wait_from_name(const char *name)
{
    unsigned i = 0;

    while (i < DRAIN_WAIT_N && strcmp(drain_wait_name((enum drain_wait)i), name) != 0)
        i++;
    return (enum drain_wait)i;
}
