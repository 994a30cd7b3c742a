#include "os/scratch.h"

#include "os/config_folder.h"

static void expect_file(bool of_user, const char *wanted)
{
    _cleanup_free_ char *path = NULL;

    assert_int_equal(config_folder_file(of_user, "web", &path), 0);
    assert_string_equal(path, wanted);
}

static void find_of_the_system_is_in_etc(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_CONFIG_HOME", "/elsewhere", 1), 0);
    expect_file(false, "/etc/reloadd/web.json");
}

static void find_of_a_user_follows_xdg(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/alice", 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", "/elsewhere", 1), 0);
    expect_file(true, "/elsewhere/reloadd/web.json");
    assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
    expect_file(true, "/home/alice/.config/reloadd/web.json");
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    expect_file(true, "/home/alice/.config/reloadd/web.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_of_the_system_is_in_etc),
        cmocka_unit_test(find_of_a_user_follows_xdg),
    };

    return run_os_tests(tests);
}
