#include "wire/size.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void parse_number_with_or_without_unit(void **state)
{
    static const struct {
        const char *text;
        uint64_t number;
    } sizes[] = {
        {"0", 0},
        {"65536", 65536},
        {"1K", 1024},
        {"512M", UINT64_C(512) << 20},
        {"3G", UINT64_C(3) << 30},
        {"2T", UINT64_C(2) << 40},
        {"8388607T", UINT64_C(8388607) << 40},
        {"9223372036854775807", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t number;

        assert_int_equal(size_parse(sizes[i].text, strlen(sizes[i].text), true, &number), 0);
        assert_int_equal(number, sizes[i].number);
    }
}

static void parse_other_text_is_refused(void **state)
{
    static const char *const texts[] = {
        "",    "K",    "-1",  "+1",   " 1",       "1 ",
        "1k",  "1.5G", "1KB", "0x10", "8388608T", "9223372036854775808",
        "1MM",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t number = 77;

        assert_int_equal(size_parse(texts[i], strlen(texts[i]), true, &number), 1);
        assert_int_equal(number, 77);
    }
}

static void parse_unit_where_there_is_none_is_refused(void **state)
{
    uint64_t number;

    (void)state;
    assert_int_equal(size_parse("1K", 2, false, &number), 1);
    assert_int_equal(size_parse("1K", 1, false, &number), 0);
    assert_int_equal(number, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_number_with_or_without_unit),
        cmocka_unit_test(parse_other_text_is_refused),
        cmocka_unit_test(parse_unit_where_there_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
