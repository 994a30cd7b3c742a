#include "reloadctl/printable.h"

#include "reloadctl/captured.h"

#include <string.h>

static void assert_written(const char *text, size_t size, enum escape escape,
                           const char *expected)
{
    struct captured captured;

    captured_open(&captured);
    printable_write(captured.stream, text, size, escape);
    captured_assert(&captured, expected);
}

static void assert_shown(const char *text, const char *expected)
{
    assert_written(text, strlen(text), ESCAPE_TEXT, expected);
    assert_int_equal(printable_width(text), strlen(expected));
}

static void write_of_controls_escapes_them(void **state)
{
    (void)state;
    assert_shown("a\033[2Jb", "a\\x1b[2Jb");
    assert_shown("\007\r\n\x7f", "\\x07\\x0d\\x0a\\x7f");
    assert_shown("\xc2\x9b", "\\x9b");       /* CSI as U+009B */
    assert_shown("\xe2\x80\xae", "\\u202e"); /* right-to-left override */
    assert_shown("\xe2\x81\xa9", "\\u2069");
    assert_written("a\0b", 3, ESCAPE_TEXT, "a\\x00b");
}

static void write_of_no_utf8_escapes_bytes(void **state)
{
    (void)state;
    assert_shown("\x9b", "\\x9b");                            /* CSI in Latin-1 */
    assert_shown("\xc3", "\\xc3");                            /* cut */
    assert_shown("\xc0\xaf", "\\xc0\\xaf");                   /* too long a form of "/" */
    assert_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* a surrogate */
    assert_shown("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
    assert_shown("\xff", "\\xff");
}

static void write_of_plain_text_keeps_it(void **state)
{
    const char *text = "tab\t, Grüße, 日本, 🙂";

    (void)state;
    assert_written(text, strlen(text), ESCAPE_TEXT, text);
    assert_int_equal(printable_width("Grüße"), 5);
}

static void write_of_json_stays_json(void **state)
{
    const char *text = "{\"a\":\"\x7f\xe2\x80\xae\xc2\x9b\"}";

    (void)state;
    assert_written(text, strlen(text), ESCAPE_JSON, "{\"a\":\"\\u007f\\u202e\\u009b\"}");
}

static void write_of_every_byte_shows_no_control(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        const char text[] = {(char)byte, '\0'};
        struct captured captured;
        captured_open(&captured);
        printable_write(captured.stream, text, 1, ESCAPE_TEXT);
        assert_int_equal(fclose(captured.stream), 0);
        for (size_t i = 0; i < captured.size; i++)
            assert_true(captured.text[i] == '\t' ||
                        (captured.text[i] >= ' ' && captured.text[i] < 0x7f));
        free(captured.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(write_of_controls_escapes_them),
        cmocka_unit_test(write_of_no_utf8_escapes_bytes),
        cmocka_unit_test(write_of_plain_text_keeps_it),
        cmocka_unit_test(write_of_json_stays_json),
        cmocka_unit_test(write_of_every_byte_shows_no_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
