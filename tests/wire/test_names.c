#include "wire/names.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void signal_from_each_spelling_gives_its_number(void **state)
{
    (void)state;
    assert_int_equal(signal_from_name("SIGTERM"), SIGTERM);
    assert_int_equal(signal_from_name("TERM"), SIGTERM);
    assert_int_equal(signal_from_name("USR2"), SIGUSR2);
    assert_int_equal(signal_from_name("SIGWINCH"), SIGWINCH);
    assert_int_equal(signal_from_name("RTMIN"), SIGRTMIN);
    assert_int_equal(signal_from_name("SIGRTMIN+3"), SIGRTMIN + 3);
    assert_int_equal(signal_from_name("RTMAX-1"), SIGRTMAX - 1);
}

static void signal_from_anything_else_gives_none(void **state)
{
    static const char *const wrong[] = {"",       "SIG",      "term",    "SIGNOPE",   "RTMIN-1",
                                        "RTMIN+", "RTMIN+99", "RTMAX-x", "RTMIN+001", "15"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(signal_from_name(wrong[i]), 0);
}

static void dialect_from_name_gives_the_bit_of_its_place(void **state)
{
    (void)state;
    for (unsigned i = 0; dialect_names[i] != NULL; i++)
        assert_int_equal(dialect_from_name(dialect_names[i]), 1u << i);
    assert_int_equal(dialect_from_name("puma"), DIALECT_PUMA);
    assert_int_equal(dialect_from_name("php_fpm"), DIALECT_PHP_FPM);
    assert_int_equal(dialect_from_name(""), 0);
}

static void delivery_from_name_is_the_inverse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DELIVERY_N; i++)
        assert_int_equal(delivery_from_name(delivery_name((enum delivery)i)), i);
    assert_int_equal(delivery_from_name("node"), DELIVERY_N);
}

static void readiness_from_name_is_the_inverse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < READINESS_N; i++)
        assert_int_equal(readiness_from_name(readiness_name((enum readiness)i)), i);
    assert_int_equal(readiness_from_name("https"), READINESS_N);
}

static void drain_wait_from_name_is_the_inverse(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DRAIN_WAIT_N; i++)
        assert_int_equal(drain_wait_from_name(drain_wait_name(i)), i);
    assert_int_equal(drain_wait_from_name("long"), DRAIN_WAIT_N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signal_from_each_spelling_gives_its_number),
        cmocka_unit_test(signal_from_anything_else_gives_none),
        cmocka_unit_test(dialect_from_name_gives_the_bit_of_its_place),
        cmocka_unit_test(delivery_from_name_is_the_inverse),
        cmocka_unit_test(readiness_from_name_is_the_inverse),
        cmocka_unit_test(drain_wait_from_name_is_the_inverse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
