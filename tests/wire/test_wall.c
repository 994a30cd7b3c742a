#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/wall.h"

static void format_known_time_writes_rfc_3339(void **state)
{
    char text[WALL_TEXT_SIZE];

    (void)state;
    assert_int_equal(wall_format((struct wall){INT64_C(1769903998000001)}, text), 0);
    assert_string_equal(text, "2026-01-31T23:59:58.000001Z");
    assert_int_equal(wall_format((struct wall){-1}, text), 0);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
}

static void format_year_of_five_digits_is_refused(void **state)
{
    char text[WALL_TEXT_SIZE];

    (void)state;
    assert_int_equal(wall_format((struct wall){INT64_MAX}, text), 1);
}

static void parse_written_time_gives_it_back(void **state)
{
    static const int64_t times[] = {0, 1, -1, 951782399999999, INT64_C(253402300799999999)};

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char text[WALL_TEXT_SIZE];
        struct wall wall;

        assert_int_equal(wall_format((struct wall){times[i]}, text), 0);
        assert_int_equal(wall_parse(text, &wall), 0);
        assert_true(wall.microseconds == times[i]);
    }
}

static void parse_other_spelling_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "2026-02-31T00:00:00.000000Z",
        "2026-01-31 23:59:58.000001Z",
        "2026-01-31T23:59:60.000000Z",
        "2026-01-31T24:00:00.000000Z",
        "2026-01-31T23:59:58.000001z",
        "2026-01-31T23:59:58.000001Z ",
        "2026-01-31T23:59:58.00000aZ",
        "+026-01-31T23:59:58.000001Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct wall wall;

        assert_int_equal(wall_parse(wrong[i], &wall), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_known_time_writes_rfc_3339),
        cmocka_unit_test(format_year_of_five_digits_is_refused),
        cmocka_unit_test(parse_written_time_gives_it_back),
        cmocka_unit_test(parse_other_spelling_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
