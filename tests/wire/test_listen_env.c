#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "wire/listen_env.h"
#include "wire/strings.h"

static char http[] = "http", v6[] = "v6", admin[] = "admin";
static char http_address[] = "127.0.0.1:8080", v6_address[] = "[::1]:8081";
static char admin_address[] = "/run/web/admin.sock";

static const struct listener_spec listeners[] = {
    {.name = http, .address = http_address, .type = LISTENER_TCP},
    {.name = v6, .address = v6_address, .type = LISTENER_TCP},
    {.name = admin, .address = admin_address, .type = LISTENER_UNIX},
};

static const char *const no_environment[] = {NULL};

static struct handover sample_handover(uint32_t dialects)
{
    return (struct handover){
        .listeners = listeners,
        .listener_n = 3,
        .dialects = dialects,
        .app = "web",
        .slot = 2,
        .revision = 7,
        .environment = no_environment,
    };
}

/* The value of a name, or NULL; the name must not be there twice. */
static const char *value_of(char **environment, const char *name)
{
    size_t size = strlen(name);
    const char *value = NULL;

    for (size_t i = 0; environment[i]; i++)
        if (strncmp(environment[i], name, size) == 0 && environment[i][size] == '=') {
            assert_null(value);
            value = environment[i] + size + 1;
        }
    return value;
}

static void assert_value(char **environment, const char *name, const char *value)
{
    const char *found = value_of(environment, name);

    if (!found)
        fail_msg("%s is not there", name);
    assert_string_equal(found, value);
}

static void build_for_all_dialects_says_all(void **state)
{
    const struct handover handover = sample_handover(UINT32_MAX);
    _cleanup_strings_ char **environment = NULL;

    (void)state;
    assert_int_equal(listen_env_build(&handover, &environment), 0);
    assert_value(environment, "LISTEN_FDS", "3");
    assert_value(environment, "LISTEN_FDNAMES", "http:v6:admin");
    assert_value(environment, "SERVER_STARTER_PORT",
                 "127.0.0.1:8080=3;[::1]:8081=4;/run/web/admin.sock=5");
    assert_value(environment, "SERVER_STARTER_GENERATION", "7");
    assert_value(environment, "EINHORN_FD_COUNT", "3");
    assert_value(environment, "EINHORN_FD_0", "3");
    assert_value(environment, "EINHORN_FD_2", "5");
    assert_value(environment, "EINHORN_CHILD_INDEX", "2");
    assert_null(value_of(environment, "EINHORN_SOCK_PATH"));
    assert_value(environment, "NGINX", "3;4;5;");
    assert_value(environment, "FPM_SOCKETS",
                 "127.0.0.1:8080=3,[::1]:8081=4,/run/web/admin.sock=5");
    assert_value(environment, "UNICORN_FD", "3,4,5");
    assert_value(environment, "PUMA_INHERIT_0", "3:tcp://127.0.0.1:8080");
    assert_value(environment, "PUMA_INHERIT_1", "4:tcp://[::1]:8081");
    assert_value(environment, "PUMA_INHERIT_2", "5:unix:///run/web/admin.sock");
    assert_value(environment, "RELOADD_APP", "web");
    assert_value(environment, "RELOADD_SLOT", "2");
    assert_value(environment, "RELOADD_REVISION", "7");
    assert_null(value_of(environment, "RELOADD_RELEASE"));
    assert_null(value_of(environment, "LISTEN_PID"));
    assert_null(value_of(environment, "EINHORN_MASTER_PID"));
    assert_null(value_of(environment, "NOTIFY_SOCKET"));
    assert_null(value_of(environment, "WATCHDOG_USEC"));
}

static void build_for_one_dialect_says_no_other(void **state)
{
    static const struct {
        enum dialect dialect;
        const char *name;
    } cases[] = {
        {DIALECT_LISTEN_FDS, "LISTEN_FDS"},    {DIALECT_SERVER_STARTER, "SERVER_STARTER_PORT"},
        {DIALECT_EINHORN, "EINHORN_FD_COUNT"}, {DIALECT_NGINX, "NGINX"},
        {DIALECT_PHP_FPM, "FPM_SOCKETS"},      {DIALECT_UNICORN, "UNICORN_FD"},
        {DIALECT_PUMA, "PUMA_INHERIT_0"},
    };
    const size_t n = sizeof(cases) / sizeof(cases[0]);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const struct handover handover = sample_handover(cases[i].dialect);
        _cleanup_strings_ char **environment = NULL;

        assert_int_equal(listen_env_build(&handover, &environment), 0);
        for (size_t j = 0; j < n; j++)
            assert_int_equal(value_of(environment, cases[j].name) != NULL, i == j);
    }
}

static void build_with_all_that_is_optional_says_it(void **state)
{
    struct handover handover = sample_handover(DIALECT_EINHORN);
    _cleanup_strings_ char **environment = NULL;

    (void)state;
    handover.release = "v7";
    handover.notify_socket = "/run/reloadd/web/notify/12";
    handover.einhorn_socket = "/run/reloadd/web/einhorn";
    handover.watchdog = span_from_ms(2500);
    assert_int_equal(listen_env_build(&handover, &environment), 0);
    assert_value(environment, "RELOADD_RELEASE", "v7");
    assert_value(environment, "NOTIFY_SOCKET", "/run/reloadd/web/notify/12");
    assert_value(environment, "EINHORN_SOCK_PATH", "/run/reloadd/web/einhorn");
    assert_value(environment, "WATCHDOG_USEC", "2500000");
}

static void build_over_an_environment_keeps_what_is_its_own(void **state)
{
    static const char *const before[] = {"PATH=/usr/bin",          "EMPTY=",       "NGINX=9;",
                                         "LISTEN_ADDRESS=0.0.0.0", "UNICORN_FD=8", NULL};
    struct handover handover = sample_handover(DIALECT_NGINX);
    _cleanup_strings_ char **environment = NULL;

    (void)state;
    handover.environment = before;
    assert_int_equal(listen_env_build(&handover, &environment), 0);
    assert_value(environment, "PATH", "/usr/bin");
    assert_value(environment, "EMPTY", "");
    assert_value(environment, "LISTEN_ADDRESS", "0.0.0.0");
    assert_value(environment, "NGINX", "3;4;5;");
    assert_value(environment, "UNICORN_FD", "8");
}

static void build_over_an_environment_drops_what_another_master_said(void **state)
{
    static const char *const before[] = {
        "LISTEN_FDS=9",          "LISTEN_PID=1",         "LISTEN_FDNAMES=x",
        "LISTEN_PIDFDID=7",      "NOTIFY_SOCKET=/run/n", "WATCHDOG_USEC=1",
        "WATCHDOG_PID=1",        "EINHORN_FD_9=12",      "EINHORN_MASTER_PID=1",
        "SERVER_STARTER_PORT=x", "RELOADD_RELEASE=old",  NULL};
    struct handover handover = sample_handover(0);
    _cleanup_strings_ char **environment = NULL;

    (void)state;
    handover.environment = before;
    assert_int_equal(listen_env_build(&handover, &environment), 0);
    assert_int_equal(strings_count((const char *const *)environment), 3);
    assert_value(environment, "RELOADD_APP", "web");
}

static void late_names_are_those_of_the_dialects(void **state)
{
    struct handover handover = sample_handover(0);

    (void)state;
    assert_int_equal(listen_env_late_names(&handover), 0);
    handover.dialects = DIALECT_LISTEN_FDS;
    assert_int_equal(listen_env_late_names(&handover), LATE_LISTEN_PID);
    handover.dialects = DIALECT_EINHORN;
    assert_int_equal(listen_env_late_names(&handover), LATE_EINHORN_MASTER_PID);
    handover.watchdog = span_from_ms(1);
    assert_int_equal(listen_env_late_names(&handover),
                     LATE_EINHORN_MASTER_PID | LATE_WATCHDOG_PID);
}

static void expand_of_known_names_gives_descriptors(void **state)
{
    static const char *const argv[] = {"uvicorn", "--fd", "{fd:http}", "fd@{fd:admin},{fd:1}",
                                       "{fd",     "{}",   "",          NULL};
    static const char *const expected[] = {"uvicorn", "--fd", "3", "fd@5,4", "{fd", "{}", ""};
    _cleanup_strings_ char **expanded = NULL;

    (void)state;
    assert_int_equal(listen_env_check(argv, listeners, 3, NULL), 0);
    assert_int_equal(listen_env_expand(argv, listeners, 3, &expanded, NULL), 0);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_string_equal(expanded[i], expected[i]);
    assert_null(expanded[7]);
}

static void expand_of_a_name_of_digits_prefers_the_name(void **state)
{
    static char one[] = "1", other[] = "x";
    static const struct listener_spec odd[] = {{.name = one}, {.name = other}};
    static const char *const argv[] = {"{fd:1}", NULL};
    _cleanup_strings_ char **expanded = NULL;

    (void)state;
    assert_int_equal(listen_env_expand(argv, odd, 2, &expanded, NULL), 0);
    assert_string_equal(expanded[0], "3");
}

static void expand_of_unknown_name_tells_the_known_ones(void **state)
{
    static const char *const argv[] = {"a", "--fd={fd:https}", NULL};
    struct fault fault = {""};
    char **expanded;

    (void)state;
    assert_int_equal(listen_env_expand(argv, listeners, 3, &expanded, &fault), 1);
    assert_string_equal(fault.text, "{fd:https} names no listener; there are: http, v6, admin");
    assert_int_equal(listen_env_check(argv, listeners, 3, &fault), 1);
    assert_int_equal(listen_env_check(argv, NULL, 0, &fault), 1);
    assert_string_equal(fault.text, "{fd:https} names no listener; there are: none");
}

static void check_of_wrong_braces_is_refused(void **state)
{
    static const char *const wrong[] = {
        "{fd:http",   "{fd:",           "{fd:}",
        "{fd:3}",     "{fd:-1}",        "{fd:18446744073709551616}",
        "{fd: http}", "{fd:{fd:http}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *const argv[] = {wrong[i], NULL};
        struct fault fault = {""};

        assert_int_equal(listen_env_check(argv, listeners, 3, &fault), 1);
        assert_string_not_equal(fault.text, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_for_all_dialects_says_all),
        cmocka_unit_test(build_for_one_dialect_says_no_other),
        cmocka_unit_test(build_with_all_that_is_optional_says_it),
        cmocka_unit_test(build_over_an_environment_keeps_what_is_its_own),
        cmocka_unit_test(build_over_an_environment_drops_what_another_master_said),
        cmocka_unit_test(late_names_are_those_of_the_dialects),
        cmocka_unit_test(expand_of_known_names_gives_descriptors),
        cmocka_unit_test(expand_of_a_name_of_digits_prefers_the_name),
        cmocka_unit_test(expand_of_unknown_name_tells_the_known_ones),
        cmocka_unit_test(check_of_wrong_braces_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
