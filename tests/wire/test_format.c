#include "wire/fail_allocation.h"
#include "wire/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void format_string_writes_what_printf_would(void **state)
{
    _cleanup_free_ char *string = NULL;

    (void)state;
    assert_int_equal(format_string(&string, "%s-%d", "a", 7), 0);
    assert_string_equal(string, "a-7");
}

static void format_string_of_nothing_is_empty(void **state)
{
    _cleanup_free_ char *string = NULL;

    (void)state;
    assert_int_equal(format_string(&string, "%s", ""), 0);
    assert_string_equal(string, "");
}

/* Lengths around those that buffers have. */
static void format_string_out_of_memory_says_so(void **state)
{
    char text[256];

    (void)state;
    for (size_t size = 1; size < sizeof(text); size++) {
        int r = -ENOMEM;

        memset(text, 'x', size);
        text[size] = '\0';
        for (long n = 0; r == -ENOMEM; n++) {
            _cleanup_free_ char *string = NULL;

            assert_true(n < 10);
            fail_allocation_after(n);
            r = format_string(&string, "%s", text);
            fail_no_allocation();
            assert_true(n > 0 || r == -ENOMEM);
            if (r == 0)
                assert_string_equal(string, text);
            else
                assert_null(string);
        }
        assert_int_equal(r, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_string_writes_what_printf_would),
        cmocka_unit_test(format_string_of_nothing_is_empty),
        cmocka_unit_test(format_string_out_of_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
