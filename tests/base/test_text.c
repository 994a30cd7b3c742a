#include "base/text.h"

#include "base/error.h"

#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void string_of_zeroed_text_is_empty(void **state)
{
    (void)state;
    struct text text = {0};
    assert_string_equal(text_string(&text), "");
    text_truncate(&text, 0);
    text_drop_front(&text, 3);
    text_release(&text);
    text_release(NULL);
}

static void append_many_keeps_all_bytes_and_a_nul(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(text_append(&text, "a\0b", 3), 0);
    assert_int_equal(text.size, 3000);
    assert_memory_equal(text.data + 2997, "a\0b\0", 4);
}

static void append_too_much_returns_enomem_and_keeps_text(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    assert_int_equal(text_append_string(&text, "kept"), 0);
    assert_int_equal(text_reserve(&text, SIZE_MAX), -ENOMEM);
    assert_int_equal(text_reserve(&text, SIZE_MAX / 2), -ENOMEM);
    assert_int_equal(text_append_visible(&text, "x", SIZE_MAX / 4), -ENOMEM);
    assert_string_equal(text_string(&text), "kept");
}

static void appendf_formats_behind_what_is_there(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    assert_int_equal(text_appendf(&text, "%s-%d", "worker", 12), 0);
    assert_int_equal(text_appendf(&text, "%0100d", 7), 0);
    assert_int_equal(text.size, 109);
    assert_int_equal(strncmp(text.data, "worker-12000", 12), 0);
    assert_string_equal(text.data + 106, "007");
}

static void append_visible_escapes_control_bytes_alone(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    static const char raw[] = "a\nb\tc\\d\033[1m\0\177é";
    assert_int_equal(text_append_visible(&text, raw, sizeof(raw) - 1), 0);
    assert_string_equal(text_string(&text), "a\\nb\\tc\\\\d\\x1b[1m\\x00\\x7fé");
}

static void truncate_cuts_the_end_and_never_grows(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    assert_int_equal(text_append_string(&text, "abcdef"), 0);
    text_truncate(&text, 10);
    assert_string_equal(text_string(&text), "abcdef");
    text_truncate(&text, 2);
    assert_string_equal(text_string(&text), "ab");
    assert_int_equal(text.size, 2);
}

static void drop_front_moves_the_rest_up(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    assert_int_equal(text_append_string(&text, "abcdef"), 0);
    text_drop_front(&text, 4);
    assert_string_equal(text_string(&text), "ef");
    text_drop_front(&text, 40);
    assert_string_equal(text_string(&text), "");
    assert_int_equal(text.size, 0);
}

static void take_moves_the_string_out(void **state)
{
    (void)state;
    _cleanup_text_ struct text text = {0};
    _cleanup_free_ char *first = NULL;
    _cleanup_free_ char *second = NULL;
    assert_int_equal(text_append_string(&text, "mine"), 0);
    assert_int_equal(text_take(&text, &first), 0);
    assert_string_equal(first, "mine");
    assert_int_equal(text.size, 0);
    assert_int_equal(text_take(&text, &second), 0);
    assert_string_equal(second, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(string_of_zeroed_text_is_empty),
        cmocka_unit_test(append_many_keeps_all_bytes_and_a_nul),
        cmocka_unit_test(append_too_much_returns_enomem_and_keeps_text),
        cmocka_unit_test(appendf_formats_behind_what_is_there),
        cmocka_unit_test(append_visible_escapes_control_bytes_alone),
        cmocka_unit_test(truncate_cuts_the_end_and_never_grows),
        cmocka_unit_test(drop_front_moves_the_rest_up),
        cmocka_unit_test(take_moves_the_string_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
