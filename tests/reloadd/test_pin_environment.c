#include "reloadd/folder.h"

#include "reloadd/pin_environment.h"
#include "wire/environment.h"
#include "wire/fail_allocation.h"
#include "wire/strings.h"

static const char *const no_base[] = {NULL};

static char **pinned(const struct pin_sources *sources)
{
    char **environment = NULL;

    assert_int_equal(pin_environment(sources, &environment), 0);
    assert_non_null(environment);
    return environment;
}

static void expect_variable(char *const *environment, const char *name, const char *expected)
{
    const char *value = environment_get(environment, name);

    if (expected == NULL) {
        assert_null(value);
    } else {
        assert_non_null(value);
        assert_string_equal(value, expected);
    }
}

static void pin_nothing_gives_a_path(void **state)
{
    char **environment = pinned(&(struct pin_sources){0});

    (void)state;
    assert_int_equal(strings_count((const char *const *)environment), 1);
    expect_variable(environment, "PATH",
                    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    strings_free(environment);
}

static void pin_same_name_later_source_wins(void **state)
{
    static const char *const base[] = {"A=base", "B=base", "C=base", "PATH=/base", NULL};
    char b_file[] = "B=file", c_file[] = "C=file", c_own[] = "C=own";
    char *file[] = {b_file, c_file, NULL}, *own[] = {c_own, NULL};
    char **environment =
        pinned(&(struct pin_sources){.base = base, .file = file, .environment = own});

    (void)state;
    assert_int_equal(strings_count((const char *const *)environment), 4);
    expect_variable(environment, "A", "base");
    expect_variable(environment, "B", "file");
    expect_variable(environment, "C", "own");
    expect_variable(environment, "PATH", "/base");
    strings_free(environment);
}

static void pin_what_speaks_of_the_primary_is_left_out(void **state)
{
    static const char *const base[] = {"LISTEN_FDS=1",     "LISTEN_PID=7",
                                       "NOTIFY_SOCKET=@x", "WATCHDOG_USEC=1",
                                       "INVOCATION_ID=ab", "RELOADD_APP=x",
                                       "JOURNAL_STREAM=1", "STATE_DIRECTORY=/s",
                                       "EINHORN_FD_0=3",   "SERVER_STARTER_PORT=80=3",
                                       "LISTENER=kept",    NULL};
    char **environment = pinned(&(struct pin_sources){.base = base});

    (void)state;
    assert_int_equal(strings_count((const char *const *)environment), 2);
    expect_variable(environment, "LISTENER", "kept");
    strings_free(environment);
}

static void pin_entries_without_a_name_are_left_out(void **state)
{
    static const char *const base[] = {"=x", "nothing", "", "E=", NULL};
    char **environment = pinned(&(struct pin_sources){.base = base});

    (void)state;
    assert_int_equal(strings_count((const char *const *)environment), 2);
    expect_variable(environment, "E", "");
    strings_free(environment);
}

static void pin_user_brings_its_own_variables(void **state)
{
    static const char *const base[] = {"HOME=/base", "USER=base", "LOGNAME=base", "SHELL=/base",
                                       NULL};
    char **environment = pinned(&(struct pin_sources){.base = base, .user = "root"});

    (void)state;
    expect_variable(environment, "USER", "root");
    expect_variable(environment, "LOGNAME", "root");
    expect_variable(environment, "HOME", "/root");
    strings_free(environment);

    environment = pinned(&(struct pin_sources){.base = base, .user = "0"});
    expect_variable(environment, "USER", "root");
    strings_free(environment);

    environment = pinned(&(struct pin_sources){.base = base});
    expect_variable(environment, "USER", "base");
    strings_free(environment);
}

static void pin_user_without_shell_gets_none(void **state)
{
    static const char *const base[] = {"SHELL=/base", NULL};
    char **environment = pinned(&(struct pin_sources){.base = base, .user = "nobody"});

    (void)state;
    expect_variable(environment, "USER", "nobody");
    expect_variable(environment, "SHELL", NULL);
    strings_free(environment);
}

static void pin_unknown_user_leaves_only_its_variables_out(void **state)
{
    static const char *const base[] = {"HOME=/base", "A=b", NULL};
    char **environment =
        pinned(&(struct pin_sources){.base = base, .user = "no-such-user-here"});

    (void)state;
    expect_variable(environment, "HOME", NULL);
    expect_variable(environment, "USER", NULL);
    expect_variable(environment, "A", "b");
    strings_free(environment);
}

static void pin_own_home_wins_over_that_of_the_user(void **state)
{
    char home[] = "HOME=/srv";
    char *own[] = {home, NULL};
    char **environment =
        pinned(&(struct pin_sources){.base = no_base, .user = "root", .environment = own});

    (void)state;
    expect_variable(environment, "HOME", "/srv");
    strings_free(environment);
}

static void pin_out_of_memory_says_so(void **state)
{
    static const char *const base[] = {"A=base", "PATH=/base", NULL};
    char b_file[] = "B=file", c_own[] = "C=own";
    char *file[] = {b_file, NULL}, *own[] = {c_own, NULL};
    const struct pin_sources sources = {.base = base, .file = file, .environment = own};
    int r = -ENOMEM;
    long n;

    (void)state;
    for (n = 0; r == -ENOMEM; n++) {
        char **environment = NULL;

        assert_true(n < 100);
        fail_allocation_after(n);
        r = pin_environment(&sources, &environment);
        fail_no_allocation();
        assert_int_equal(r == 0, environment != NULL);
        strings_free(environment);
    }
    assert_int_equal(r, 0);
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_nothing_gives_a_path),
        cmocka_unit_test(pin_same_name_later_source_wins),
        cmocka_unit_test(pin_what_speaks_of_the_primary_is_left_out),
        cmocka_unit_test(pin_entries_without_a_name_are_left_out),
        cmocka_unit_test(pin_user_brings_its_own_variables),
        cmocka_unit_test(pin_user_without_shell_gets_none),
        cmocka_unit_test(pin_unknown_user_leaves_only_its_variables_out),
        cmocka_unit_test(pin_own_home_wins_over_that_of_the_user),
        cmocka_unit_test(pin_out_of_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
