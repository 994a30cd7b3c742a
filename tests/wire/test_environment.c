#include "wire/environment.h"

#include "wire/strings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void put_known_name_replaces_in_place(void **state)
{
    char **environment = NULL;

    (void)state;
    assert_int_equal(environment_put(&environment, "A=1"), 0);
    assert_int_equal(environment_put(&environment, "AB=2"), 0);
    assert_int_equal(environment_put(&environment, "A=3"), 0);
    assert_string_equal(environment[0], "A=3");
    assert_string_equal(environment[1], "AB=2");
    assert_null(environment[2]);
    strings_free(environment);
}

static void append_known_name_keeps_both(void **state)
{
    char **environment = NULL;

    (void)state;
    assert_int_equal(environment_append(&environment, "A=1"), 0);
    assert_int_equal(environment_append(&environment, "A=2"), 0);
    assert_string_equal(environment[1], "A=2");
    strings_free(environment);
}

static void merge_later_wins(void **state)
{
    char first[] = "A=1", second[] = "B=2", third[] = "A=3";
    char *from[] = {first, second, third, NULL};
    char **environment = NULL;

    (void)state;
    assert_int_equal(environment_merge(&environment, from), 0);
    assert_int_equal(environment_merge(&environment, NULL), 0);
    assert_string_equal(environment_get(environment, "A"), "3");
    assert_string_equal(environment_get(environment, "B"), "2");
    assert_null(environment_get(environment, "C"));
    assert_null(environment_get(NULL, "A"));
    strings_free(environment);
}

static void is_reserved_of_the_primary_own_only(void **state)
{
    static const char *const reserved[] = {
        "LISTEN_FDS",     "LISTEN_PID=1", "NOTIFY_SOCKET=",      "WATCHDOG_USEC",
        "RELOADD_SLOT=1", "EINHORN_FD_0", "SERVER_STARTER_PORT", "STATE_DIRECTORY=/x"};
    static const char *const others[] = {"LISTEN",  "LISTEN_FDS_X=1", "PATH=LISTEN_FDS",
                                         "RELOADD", "NODE_ENV",       ""};

    (void)state;
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        assert_true(environment_is_reserved(reserved[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(environment_is_reserved(others[i]));
}

static void name_is_valid_for_identifiers_only(void **state)
{
    (void)state;
    assert_true(environment_name_is_valid("A_1", 3));
    assert_true(environment_name_is_valid("_", 1));
    assert_false(environment_name_is_valid("", 0));
    assert_false(environment_name_is_valid("1A", 2));
    assert_false(environment_name_is_valid("A=B", 3));
    assert_false(environment_name_is_valid("A\0B", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_known_name_replaces_in_place),
        cmocka_unit_test(append_known_name_keeps_both),
        cmocka_unit_test(merge_later_wins),
        cmocka_unit_test(is_reserved_of_the_primary_own_only),
        cmocka_unit_test(name_is_valid_for_identifiers_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
