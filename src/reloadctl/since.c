#include "reloadctl/since.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

static const int64_t microseconds = 1000000;

enum {
    SPAN_MAX_SECONDS = INT32_MAX, /* more than 60 years: before 1970 */
};

/* The seconds of a unit's name; 0: there is none such. */
static int64_t unit_seconds(const char *name, size_t size)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {
        {"s", 1},         {"sec", 1},        {"second", 1},   {"seconds", 1},  {"m", 60},
        {"min", 60},      {"minute", 60},    {"minutes", 60}, {"h", 3600},     {"hour", 3600},
        {"hours", 3600},  {"d", 86400},      {"day", 86400},  {"days", 86400}, {"w", 604800},
        {"week", 604800}, {"weeks", 604800},
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strlen(units[i].name) == size && memcmp(units[i].name, name, size) == 0)
            return units[i].seconds;
    return 0;
}

/* "-15min", "15 min ago", "15min": so long before `now`. */
static int parse_span(const char *text, struct wall now, struct wall *ret_since)
{
    bool is_signed = text[0] == '-';
    const char *number = text + (is_signed ? 1 : 0);
    const char *unit;
    size_t unit_size;
    char *end;
    long long count;
    int64_t seconds;

    if (!isdigit((unsigned char)number[0]))
        return 1;
    errno = 0;
    count = strtoll(number, &end, 10);
    unit = end + strspn(end, " ");
    unit_size = strcspn(unit, " ");
    seconds = unit_seconds(unit, unit_size);
    if (errno != 0 || seconds == 0 || count > SPAN_MAX_SECONDS / seconds)
        return 1;
    unit += unit_size;
    if (*unit != '\0' && (is_signed || strcmp(unit + strspn(unit, " "), "ago") != 0))
        return 1;
    ret_since->microseconds = now.microseconds - count * seconds * microseconds;
    return 0;
}

/* The moment that the local date and time are, which must exist: mktime(3) turns a 31st of
 * February into a day of March. */
static int local_time(const struct tm *wanted, struct wall *ret_since)
{
    struct tm tm = *wanted;
    time_t seconds;

    tm.tm_isdst = -1;
    seconds = mktime(&tm);
    if (seconds == -1 || tm.tm_mday != wanted->tm_mday || tm.tm_mon != wanted->tm_mon)
        return 1;
    ret_since->microseconds = (int64_t)seconds * microseconds;
    return 0;
}

static int time_of_zone(const struct tm *wanted, struct wall *ret_since)
{
    struct tm tm = *wanted;
    time_t seconds = timegm(&tm);

    if (seconds == -1 || tm.tm_mday != wanted->tm_mday || tm.tm_mon != wanted->tm_mon)
        return 1;
    ret_since->microseconds = ((int64_t)seconds - wanted->tm_gmtoff) * microseconds;
    return 0;
}

/* 00:00 of today; `days` later. */
static struct tm midnight(struct wall now, int days)
{
    time_t seconds = (time_t)(now.microseconds / microseconds);
    struct tm tm = {0};

    (void)localtime_r(&seconds, &tm);
    tm.tm_hour = 0;
    tm.tm_min = 0;
    tm.tm_sec = 0;
    if (days != 0) {
        tm.tm_mday += days;
        tm.tm_hour = 12; /* at noon no clock is put forward: the date is right */
        tm.tm_isdst = -1;
        (void)mktime(&tm);
        tm.tm_hour = 0;
    }
    return tm;
}

static int parse_word(const char *text, struct wall now, struct wall *ret_since)
{
    struct tm day;
    time_t seconds;

    if (strcmp(text, "now") == 0) {
        *ret_since = now;
        return 0;
    }
    if (strcmp(text, "today") == 0)
        day = midnight(now, 0);
    else if (strcmp(text, "yesterday") == 0)
        day = midnight(now, -1);
    else
        return 1;
    /* Where clocks are put forward at midnight, there is no such moment, and any beside it
     * does. */
    day.tm_isdst = -1;
    seconds = mktime(&day);
    if (seconds == -1)
        return 1;
    ret_since->microseconds = (int64_t)seconds * microseconds;
    return 0;
}

static int parse_date(const char *text, struct wall now, struct wall *ret_since)
{
    static const struct {
        const char *format; /* strptime(3) */
        bool has_zone;
    } formats[] = {
        {"%Y-%m-%dT%H:%M:%S%z", true},
        {"%Y-%m-%d %H:%M:%S%z", true},
        {"%Y-%m-%dT%H:%M%z", true},
        {"%Y-%m-%d %H:%M%z", true},
        {"%Y-%m-%dT%H:%M:%S", false},
        {"%Y-%m-%d %H:%M:%S", false},
        {"%Y-%m-%dT%H:%M", false},
        {"%Y-%m-%d %H:%M", false},
        {"%Y-%m-%d", false},
        {"%H:%M:%S", false},
        {"%H:%M", false},
    };

    if (!isdigit((unsigned char)text[0]))
        return 1;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct tm tm = midnight(now, 0); /* what the format leaves out is today's */
        const char *end = strptime(text, formats[i].format, &tm);

        if (end && *end == '\0')
            return formats[i].has_zone ? time_of_zone(&tm, ret_since)
                                       : local_time(&tm, ret_since);
    }
    return 1;
}

static int parse_epoch(const char *text, struct wall *ret_since)
{
    char *end;
    long long seconds;

    if (text[0] != '@' || !isdigit((unsigned char)text[1]))
        return 1;
    errno = 0;
    seconds = strtoll(text + 1, &end, 10);
    if (errno != 0 || *end != '\0' || seconds > INT64_MAX / microseconds)
        return 1;
    ret_since->microseconds = seconds * microseconds;
    return 0;
}

int since_parse(const char *text, struct wall now, struct wall *ret_since)
{
    struct wall since;

    if (parse_word(text, now, &since) != 0 && parse_span(text, now, &since) != 0 &&
        parse_epoch(text, &since) != 0 && parse_date(text, now, &since) != 0)
        return 1;
    if (since.microseconds < 0)
        return 1;
    *ret_since = since;
    return 0;
}
