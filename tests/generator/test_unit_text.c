#include "os/scratch.h"

#include "generator/unit_text.h"

static void value_is_plain_tells_what_a_line_can_hold(void **state)
{
    (void)state;
    assert_true(unit_value_is_plain("/run/a b.sock"));
    assert_true(unit_value_is_plain("[::]:80"));
    assert_false(unit_value_is_plain(""));
    assert_false(unit_value_is_plain(" /run/x"));
    assert_false(unit_value_is_plain("/run/x "));
    assert_false(unit_value_is_plain("/run/x\\"));
    assert_false(unit_value_is_plain("/run/x\nExecStart=/bin/sh"));
    assert_false(unit_value_is_plain("/run/\x7f"));
}

static void set_with_specifiers_doubles_them(void **state)
{
    _cleanup_text_ struct text text = {0};

    (void)state;
    assert_int_equal(unit_text_set(&text, "ListenStream", "/run/%h 100%.sock"), 0);
    assert_string_equal(text_string(&text), "ListenStream=/run/%%h 100%%.sock\n");
}

static void command_with_harmless_words_has_no_quotes(void **state)
{
    const char *const words[] = {"/usr/bin/reloadd", "--config", "/etc/reloadd/a@b.json", NULL};
    _cleanup_text_ struct text text = {0};

    (void)state;
    assert_int_equal(unit_text_command(&text, "ExecStopPost", "-", words), 0);
    assert_string_equal(text_string(&text),
                        "ExecStopPost=-/usr/bin/reloadd --config /etc/reloadd/a@b.json\n");
}

static void command_with_odd_words_quotes_them(void **state)
{
    const char *const words[] = {"/a b", "\"$HOME\\%i\"", "", "x\ny", NULL};
    _cleanup_text_ struct text text = {0};

    (void)state;
    assert_int_equal(unit_text_command(&text, "ExecStart", "", words), 0);
    assert_string_equal(text_string(&text),
                        "ExecStart=\"/a b\" \"\\\"$$HOME\\\\%%i\\\"\" \"\" \"x\\x0ay\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_plain_tells_what_a_line_can_hold),
        cmocka_unit_test(set_with_specifiers_doubles_them),
        cmocka_unit_test(command_with_harmless_words_has_no_quotes),
        cmocka_unit_test(command_with_odd_words_quotes_them),
    };

    return run_os_tests(tests);
}
