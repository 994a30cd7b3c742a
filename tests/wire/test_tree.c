#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/tree.h"

static void text_of_valid_utf8_stays_as_it_is(void **state)
{
    static const char text[] =
        "a \xC3\xA4 \xE2\x82\xAC \xED\x9F\xBF \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF";
    _cleanup_json_ json_t *value = tree_text(text);

    (void)state;
    assert_string_equal(json_string_value(value), text);
}

static void text_of_other_bytes_gets_replacements(void **state)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"a\xFFz", "a\xEF\xBF\xBDz"},
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* overlong */
        {"\xE2\x82", "\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* cut off */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* a surrogate */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xE2\xE2\x82\xAC", "\xEF\xBF\xBD\xE2\x82\xAC"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ json_t *value = tree_text(cases[i].from);
        _cleanup_free_ char *dump = json_dumps(value, JSON_ENCODE_ANY);

        assert_string_equal(json_string_value(value), cases[i].to);
        assert_non_null(dump);
    }
}

static void text_of_every_two_bytes_is_what_jansson_takes(void **state)
{
    (void)state;
    for (unsigned first = 1; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            const char text[] = {(char)first, (char)second, 0};
            _cleanup_json_ json_t *ours = tree_text(text);
            _cleanup_json_ json_t *theirs = json_string(text);

            if (theirs)
                assert_string_equal(json_string_value(ours), text);
            else
                assert_string_not_equal(json_string_value(ours), text);
        }
}

static void number_beyond_2_to_53_is_a_string(void **state)
{
    static const struct {
        uint64_t number;
        const char *text;
    } cases[] = {
        {0, "0"},
        {UINT64_C(9007199254740992), "9007199254740992"},
        {UINT64_C(9007199254740993), "\"9007199254740993\""},
        {UINT64_MAX, "\"18446744073709551615\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        _cleanup_json_ json_t *value = tree_number(cases[i].number);
        _cleanup_free_ char *dump = json_dumps(value, JSON_ENCODE_ANY);
        uint64_t again;

        assert_string_equal(dump, cases[i].text);
        assert_int_equal(tree_to_number(value, &again), 0);
        assert_true(again == cases[i].number);
    }
}

static void to_number_of_other_spellings_is_refused(void **state)
{
    static const char *const wrong[] = {
        "-1",
        "1.0",
        "null",
        "\"\"",
        "\"7\"",
        "\"18446744073709551616\"",
        "9007199254740993",
        "\"09007199254740993\"",
        "\"9007199254740993 \"",
        "\"-9007199254740993\"",
        "true",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        _cleanup_json_ json_t *value = json_loads(wrong[i], JSON_DECODE_ANY, NULL);
        uint64_t number;

        assert_non_null(value);
        assert_int_equal(tree_to_number(value, &number), 1);
    }
}

static void parse_of_no_object_says_why(void **state)
{
    static const char *const wrong[] = {
        "", "{", "[]", "{\"a\":1,\"a\":2}", "{} {}", "{\"a\":\"\\u0000\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct fault fault = {""};
        json_t *object;

        assert_int_equal(tree_parse(wrong[i], strlen(wrong[i]), &object, &fault), 1);
        assert_string_not_equal(fault.text, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_valid_utf8_stays_as_it_is),
        cmocka_unit_test(text_of_other_bytes_gets_replacements),
        cmocka_unit_test(text_of_every_two_bytes_is_what_jansson_takes),
        cmocka_unit_test(number_beyond_2_to_53_is_a_string),
        cmocka_unit_test(to_number_of_other_spellings_is_refused),
        cmocka_unit_test(parse_of_no_object_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
