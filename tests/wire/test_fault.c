#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/fault.h"

static void say_of_bytes_for_a_terminal_makes_them_harmless(void **state)
{
    struct fault fault;

    (void)state;
    fault_say(&fault, "event \"%s\"", "a\x1b[31m\n\xFF");
    assert_string_equal(fault.text, "event \"a?[31m??\"");
}

static void say_of_long_text_is_cut(void **state)
{
    struct fault fault;

    (void)state;
    fault_say(&fault, "%0500d", 7);
    assert_int_equal(strlen(fault.text), sizeof(fault.text) - 1);
}

static void say_to_nobody_is_ignored(void **state)
{
    (void)state;
    fault_say(NULL, "%d", 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(say_of_bytes_for_a_terminal_makes_them_harmless),
        cmocka_unit_test(say_of_long_text_is_cut),
        cmocka_unit_test(say_to_nobody_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
