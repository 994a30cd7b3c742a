#include "reloadctl/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void span_of_any_size_reads_short(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {-3, "0.0 s"},           {0, "0.0 s"},           {0.34, "0.3 s"},
        {9.94, "9.9 s"},         {9.96, "10 s"},         {119, "119 s"},
        {120, "2 min 0 s"},      {7199, "119 min 59 s"}, {7200, "2 h 0 min"},
        {172799, "47 h 59 min"}, {172800, "2 d 0 h"},    {1e300, "very long"},
    };
    char text[WORDS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(words_span(cases[i].seconds, text), cases[i].text);
    assert_string_equal(words_span(__builtin_nan(""), text), "0.0 s");
}

static void bytes_of_any_size_read_short(void **state)
{
    char text[WORDS_SIZE];

    (void)state;
    assert_string_equal(words_bytes(0, text), "0 KiB");
    assert_string_equal(words_bytes(1024 * 1024 - 1, text), "1023 KiB");
    assert_string_equal(words_bytes(1024 * 1024 * 3 / 2, text), "1.5 MiB");
    assert_string_equal(words_bytes(INT64_C(3) << 30, text), "3.0 GiB");
}

static void time_beyond_every_calendar_still_reads(void **state)
{
    char text[WORDS_SIZE];

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    assert_string_equal(words_time(0, text), "1970-01-01 00:00:00");
    assert_string_equal(words_time(1e300, text), "1970-01-01 00:00:00");
    assert_string_equal(words_time(1790000000.9, text), "2026-09-21 14:13:20");
}

static void connections_read_as_counts(void **state)
{
    static const struct {
        struct connections_view connections;
        const char *text;
    } cases[] = {
        {{0}, "no connections"},
        {{.open = 15, .active = 3, .idle = 12, .oldest_seconds = {true, 41}},
         "3 active, 12 idle (oldest 41 s)"},
        {{.open = 1, .active = 1, .queued = {true, 2}, .oldest_seconds = {true, 0.25}},
         "1 active, 2 queued (oldest 0.2 s)"},
        {{.queued = {true, 0}}, "no connections"},
        {{.open = 4}, "4 on a unix socket"},
    };
    struct connections_view most = {.open = INT64_MAX,
                                    .active = INT64_MAX,
                                    .idle = INT64_MAX,
                                    .queued = {true, INT64_MAX},
                                    .oldest_seconds = {true, 1e300}};
    char text[WORDS_CONNECTIONS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(words_connections(&cases[i].connections, text), cases[i].text);
    assert_non_null(strstr(words_connections(&most, text), "(oldest very long)"));
}

static void rollout_in_each_state_has_words(void **state)
{
    struct app_view app = {.desired = 2, .admitted = 2, .rollout = {.target = 8}};
    static const struct {
        const char *state;
        const char *words;
    } cases[] = {
        {"steady", "running"},
        {"forward", "rolling out revision 8"},
        {"settling", "revision 8 serves, the old workers drain"},
        {"reverting", "reverting to revision 8"},
        {"stopping", "stopping"},
        {"stopped", "stopped"},
    };
    char text[96];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        app.rollout.state = cases[i].state;
        assert_string_equal(words_rollout(&app, text, sizeof(text)), cases[i].words);
    }
    app.rollout.state = "steady";
    app.admitted = 1;
    assert_string_equal(words_rollout(&app, text, sizeof(text)), "degraded");
    app.admitted = 0;
    assert_string_equal(words_rollout(&app, text, sizeof(text)), "down");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(span_of_any_size_reads_short),
        cmocka_unit_test(bytes_of_any_size_read_short),
        cmocka_unit_test(time_beyond_every_calendar_still_reads),
        cmocka_unit_test(connections_read_as_counts),
        cmocka_unit_test(rollout_in_each_state_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
