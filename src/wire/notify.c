#include "wire/notify.h"

#include <stdint.h>
#include <string.h>

/* The value of a line: not NUL-ended. */
struct value {
    const char *data;
    size_t size;
};

static bool value_is(struct value value, const char *text)
{
    return value.size == strlen(text) && memcmp(value.data, text, value.size) == 0;
}

/* A decimal number up to `max`, and nothing else. */
static bool value_number(struct value value, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (value.size == 0)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        char digit = value.data[i];

        if (digit < '0' || digit > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(digit - '0'), &number))
            return false;
    }
    if (number > max)
        return false;
    *ret_number = number;
    return true;
}

/* Each take_…() adds what the value says to the notice, or does nothing. */

static void take_ready(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_READY;
}

static void take_stopping(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_STOPPING;
}

static void take_reloading(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_RELOADING;
}

static void take_status(struct value value, struct notice *notice)
{
    notice->said |= NOTICE_STATUS;
    notice->status = value.data;
    notice->status_size = value.size;
}

static void take_errno(struct value value, struct notice *notice)
{
    uint64_t number;

    if (value_number(value, INT32_MAX, &number)) {
        notice->said |= NOTICE_ERRNO;
        notice->error = (int32_t)number;
    }
}

static void take_main_pid(struct value value, struct notice *notice)
{
    uint64_t number;

    if (value_number(value, INT32_MAX, &number) && number > 0) {
        notice->said |= NOTICE_MAIN_PID;
        notice->pid = (int32_t)number;
    }
}

static void take_watchdog(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_PING;
    else if (value_is(value, "trigger"))
        notice->said |= NOTICE_TRIGGER;
}

static void take_watchdog_usec(struct value value, struct notice *notice)
{
    uint64_t number;

    if (value_number(value, UINT64_MAX, &number)) {
        notice->said |= NOTICE_WATCHDOG_SET;
        notice->watchdog = span_from_us(number);
    }
}

static void take_extend(struct value value, struct notice *notice)
{
    uint64_t number;

    if (value_number(value, UINT64_MAX, &number)) {
        notice->said |= NOTICE_EXTEND;
        notice->extend = span_from_us(number);
    }
}

static void take_fd_store(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_FD_STORE;
}

static void take_fd_store_remove(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_FD_STORE_REMOVE;
}

static void take_fd_name(struct value value, struct notice *notice)
{
    notice->said |= NOTICE_FD_NAME;
    notice->name = value.data;
    notice->name_size = value.size;
}

static void take_barrier(struct value value, struct notice *notice)
{
    if (value_is(value, "1"))
        notice->said |= NOTICE_BARRIER;
}

static void take_monotonic(struct value value, struct notice *notice)
{
    uint64_t number;

    if (value_number(value, UINT64_MAX / 1000u, &number)) {
        notice->said |= NOTICE_MONOTONIC;
        notice->monotonic = (struct instant){number * 1000u};
    }
}

static const struct {
    const char *name;
    void (*take)(struct value value, struct notice *notice);
} lines[] = {
    {"READY", take_ready},
    {"STOPPING", take_stopping},
    {"RELOADING", take_reloading},
    {"STATUS", take_status},
    {"ERRNO", take_errno},
    {"MAINPID", take_main_pid},
    {"WATCHDOG", take_watchdog},
    {"WATCHDOG_USEC", take_watchdog_usec},
    {"EXTEND_TIMEOUT_USEC", take_extend},
    {"FDSTORE", take_fd_store},
    {"FDSTOREREMOVE", take_fd_store_remove},
    {"FDNAME", take_fd_name},
    {"BARRIER", take_barrier},
    {"MONOTONIC_USEC", take_monotonic},
};

static void take_line(const char *line, size_t size, struct notice *notice)
{
    const char *equals = memchr(line, '=', size);
    size_t name_size;
    struct value value;

    if (!equals)
        return;
    name_size = (size_t)(equals - line);
    value = (struct value){equals + 1, size - name_size - 1};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (strlen(lines[i].name) == name_size && memcmp(lines[i].name, line, name_size) == 0)
            lines[i].take(value, notice);
}

struct notice notice_parse(const char *datagram, size_t size)
{
    struct notice notice = {0};

    while (size > 0) {
        const char *newline = memchr(datagram, '\n', size);
        size_t line_size = newline ? (size_t)(newline - datagram) : size;

        take_line(datagram, line_size, &notice);
        line_size += newline ? 1 : 0;
        datagram += line_size;
        size -= line_size;
    }
    return notice;
}
