#include "reloadctl/captured.h"

#include "reloadctl/since.h"

#include <string.h>
#include <time.h>

/* 2026-11-21 14:30:15.5 UTC, a Saturday. */
static const struct wall now = {1795271415500000};

struct moment {
    const char *text;
    const char *utc;
};

static void set_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static void check(const struct moment *moments, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char text[WALL_TEXT_SIZE];
        struct wall since;

        if (since_parse(moments[i].text, now, &since) != 0)
            fail_msg("\"%s\" was not taken", moments[i].text);
        assert_int_equal(wall_format(since, text), 0);
        if (strcmp(text, moments[i].utc) != 0)
            fail_msg("\"%s\" is %s", moments[i].text, text);
    }
}

static void parse_of_a_span_is_so_long_before_now(void **state)
{
    static const struct moment moments[] = {
        {"-1h", "2026-11-21T13:30:15.500000Z"},
        {"1h", "2026-11-21T13:30:15.500000Z"},
        {"-15min", "2026-11-21T14:15:15.500000Z"},
        {"10 min ago", "2026-11-21T14:20:15.500000Z"},
        {"10min ago", "2026-11-21T14:20:15.500000Z"},
        {"10m", "2026-11-21T14:20:15.500000Z"},
        {"90s", "2026-11-21T14:28:45.500000Z"},
        {"1 second ago", "2026-11-21T14:30:14.500000Z"},
        {"2 hours ago", "2026-11-21T12:30:15.500000Z"},
        {"3 days ago", "2026-11-18T14:30:15.500000Z"},
        {"-1w", "2026-11-14T14:30:15.500000Z"},
        {"now", "2026-11-21T14:30:15.500000Z"},
        {"0s", "2026-11-21T14:30:15.500000Z"},
    };

    (void)state;
    set_zone("America/New_York");
    check(moments, sizeof(moments) / sizeof(moments[0]));
}

static void parse_of_a_date_is_local_time(void **state)
{
    static const struct moment moments[] = {
        {"2026-11-21 10:00", "2026-11-21T09:00:00.000000Z"},
        {"2026-11-21 10:00:07", "2026-11-21T09:00:07.000000Z"},
        {"2026-11-21T10:00:07", "2026-11-21T09:00:07.000000Z"},
        {"2026-11-21", "2026-11-20T23:00:00.000000Z"},
        {"2026-07-01 10:00", "2026-07-01T08:00:00.000000Z"}, /* summer time */
        {"10:00", "2026-11-21T09:00:00.000000Z"},
        {"10:00:07", "2026-11-21T09:00:07.000000Z"},
        {"today", "2026-11-20T23:00:00.000000Z"},
        {"yesterday", "2026-11-19T23:00:00.000000Z"},
    };

    (void)state;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    check(moments, sizeof(moments) / sizeof(moments[0]));
}

static void parse_of_a_zone_or_of_seconds_is_the_same_everywhere(void **state)
{
    static const struct moment moments[] = {
        {"2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000000Z"},
        {"2026-11-21T10:00:00+02:00", "2026-11-21T08:00:00.000000Z"},
        {"2026-11-21 10:00:00 -0530", "2026-11-21T15:30:00.000000Z"},
        {"2026-11-21 10:00Z", "2026-11-21T10:00:00.000000Z"},
        {"@1795223700", "2026-11-21T01:15:00.000000Z"},
        {"@0", "1970-01-01T00:00:00.000000Z"},
    };

    (void)state;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    check(moments, sizeof(moments) / sizeof(moments[0]));
    set_zone("UTC0");
    check(moments, sizeof(moments) / sizeof(moments[0]));
}

static void parse_where_clocks_change_stays_on_the_day(void **state)
{
    static const struct moment moments[] = {
        {"today", "2026-11-21T00:00:00.000000Z"},
        {"yesterday", "2026-11-20T00:00:00.000000Z"},
    };

    (void)state;
    /* Put forward on this day from 00:00 to 01:00, which is 00:00 UTC: there is no 00:00. */
    set_zone("AAA0BBB-1,J325/0,J360/0");
    check(moments, sizeof(moments) / sizeof(moments[0]));
}

static void parse_of_anything_else_is_refused(void **state)
{
    static const char *const others[] = {
        "",
        " ",
        "-",
        "h",
        "-1",
        "1",
        "1 fortnight ago",
        "-1h ago",
        "1h later",
        "--1h",
        "+1h",
        "1.5h",
        "tomorrow",
        "Today",
        "2026-02-31",
        "2026-13-01",
        "2026-11-21 25:00",
        "2026-11-21 10:00 o'clock",
        "21.11.2026",
        "10",
        "24:61",
        "@",
        "@-1",
        "@1x",
        "@99999999999999999999",
        "1969-12-31T23:00:00Z",
        "9999999999 weeks ago",
        "60 years ago",
        "3000w",
    };
    struct wall since = {77};

    (void)state;
    set_zone("UTC0");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (since_parse(others[i], now, &since) != 1)
            fail_msg("\"%s\" was taken for a time", others[i]);
    assert_int_equal(since.microseconds, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_of_a_span_is_so_long_before_now),
        cmocka_unit_test(parse_of_a_date_is_local_time),
        cmocka_unit_test(parse_of_a_zone_or_of_seconds_is_the_same_everywhere),
        cmocka_unit_test(parse_where_clocks_change_stays_on_the_day),
        cmocka_unit_test(parse_of_anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
