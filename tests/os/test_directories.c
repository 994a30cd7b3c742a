#include "os/scratch.h"

#include "os/directories.h"
#include "os/unix_socket.h"

#include <errno.h>

/* A user of whom nothing is known here, and who has no folder in /tmp. */
static const uid_t some_user = 3999999999;

static int clear_environment(void **state)
{
    static const char *const names[] = {"STATE_DIRECTORY", "RUNTIME_DIRECTORY",
                                        "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "HOME"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (unsetenv(names[i]) < 0)
            return -1;
    return scratch_setup(state);
}

#define directories_test(f)                                                                    \
    cmocka_unit_test_setup_teardown(f, clear_environment, scratch_teardown)

static void expect_found(uid_t uid, const char *state_folder, const char *runtime_folder)
{
    struct directories directories;

    assert_int_equal(directories_find(uid, "web", &directories), 0);
    assert_string_equal(directories.state, state_folder);
    assert_string_equal(directories.runtime, runtime_folder);
    directories_release(&directories);
    directories_release(&directories);
}

static void find_for_root_is_in_var_and_run(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_STATE_HOME", "/x", 1), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/y", 1), 0);
    expect_found(0, "/var/lib/reloadd/web", "/run/reloadd/web");
}

static void find_with_service_manager_takes_its_first_folder(void **state)
{
    (void)state;
    assert_int_equal(setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b", 1), 0);
    assert_int_equal(setenv("RUNTIME_DIRECTORY", "/run/a", 1), 0);
    expect_found(0, "/var/lib/a", "/run/a");
    expect_found(some_user, "/var/lib/a", "/run/a");
}

static void find_for_user_follows_xdg(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_STATE_HOME", "/x", 1), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "/y", 1), 0);
    expect_found(some_user, "/x/reloadd/web", "/y/reloadd/web");
}

static void find_for_user_without_xdg_is_at_home_and_in_tmp(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/home/u", 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", "", 1), 0);
    expect_found(some_user, "/home/u/.local/state/reloadd/web", "/tmp/reloadd-3999999999/web");
}

static void find_for_user_without_home_is_refused(void **state)
{
    struct directories directories;

    (void)state;
    assert_int_equal(directories_find(some_user, "web", &directories), -ENOENT);
}

/* Somebody else has made the folder in /tmp first. */
static void find_in_tmp_of_another_owner_is_refused(void **state)
{
    struct directories directories;
    int rv;

    (void)state;
    assert_int_equal(setenv("HOME", "/home/u", 1), 0);
    assert_int_equal(mkdir("/tmp/reloadd-3999999999", 0700), 0);
    rv = directories_find(some_user, "web", &directories);
    assert_int_equal(rmdir("/tmp/reloadd-3999999999"), 0);
    assert_int_equal(rv, -EPERM);
}

static void expect_mode(const char *path, mode_t mode)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFDIR | mode);
}

static void create_missing_folders_makes_them_with_their_modes(void **state)
{
    struct directories directories;
    char path[PATH_MAX];
    mode_t mask;

    assert_int_equal(setenv("XDG_STATE_HOME", scratch_path(state, "a/state", path), 1), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", scratch_path(state, "a/run", path), 1), 0);
    assert_int_equal(directories_find(some_user, "web", &directories), 0);
    mask = umask(0077);
    assert_int_equal(directories_create(&directories), 0);
    (void)umask(mask);
    expect_mode(directories.state, 0700);
    expect_mode(directories.runtime, 0711);
    expect_mode(scratch_path(state, "a/run/reloadd", path), geteuid() == 0 ? 0755 : 0700);
    assert_int_equal(chmod(directories.state, 0750), 0);
    assert_int_equal(directories_create(&directories), 0);
    expect_mode(directories.state, 0750); /* somebody wanted it so */
    directories_release(&directories);
}

static void create_over_a_file_is_refused(void **state)
{
    struct directories directories = {0};
    char path[PATH_MAX];
    int fd = open(scratch_path(state, "file", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
    directories.state = path;
    directories.runtime = path;
    assert_int_equal(directories_create(&directories), -ENOTDIR);
}

static void make_app(void **state, const char *app, bool with_socket)
{
    struct unix_socket_options options = {
        .type = SOCK_STREAM,
        .mode = 0600,
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
    };
    char name[PATH_MAX];
    char path[PATH_MAX];
    int fd;

    (void)snprintf(name, sizeof name, "reloadd/%s", app);
    assert_int_equal(mkdir(scratch_path(state, name, path), 0711), 0);
    (void)snprintf(name, sizeof name, "reloadd/%s/control", app);
    options.path = scratch_path(state, name, path);
    if (with_socket) {
        assert_int_equal(unix_socket_listen(&options, 0, &fd), 0);
        (void)close(fd);
    }
}

static void list_apps_gives_those_with_a_socket_sorted(void **state)
{
    char path[PATH_MAX];
    char **names = NULL;

    assert_int_equal(setenv("XDG_RUNTIME_DIR", *state, 1), 0);
    assert_int_equal(directories_list(some_user, &names), 0);
    assert_null(names[0]);
    directories_free_names(names);

    assert_int_equal(mkdir(scratch_path(state, "reloadd", path), 0700), 0);
    make_app(state, "web", true);
    make_app(state, "api", true);
    make_app(state, "dead", false);
    make_app(state, ".hidden", true);
    assert_int_equal(directories_list(some_user, &names), 0);
    assert_string_equal(names[0], "api");
    assert_string_equal(names[1], "web");
    assert_null(names[2]);
    directories_free_names(names);
    directories_free_names(NULL);
}

static void validate_app_names_knows_good_from_bad(void **state)
{
    static const char *const good[] = {"a", "web", "9.x_y@z-1", "A"};
    static const char *const bad[] = {"", ".", "..", "-a", "a/b", "a b", "ä", "@a", "a\n"};
    char longest[APP_NAME_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(app_name_is_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(app_name_is_valid(bad[i]));
    memset(longest, 'x', sizeof longest);
    longest[APP_NAME_MAX + 1] = '\0';
    assert_false(app_name_is_valid(longest));
    longest[APP_NAME_MAX] = '\0';
    assert_true(app_name_is_valid(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        directories_test(find_for_root_is_in_var_and_run),
        directories_test(find_with_service_manager_takes_its_first_folder),
        directories_test(find_for_user_follows_xdg),
        directories_test(find_for_user_without_xdg_is_at_home_and_in_tmp),
        directories_test(find_for_user_without_home_is_refused),
        directories_test(find_in_tmp_of_another_owner_is_refused),
        directories_test(create_missing_folders_makes_them_with_their_modes),
        directories_test(create_over_a_file_is_refused),
        directories_test(list_apps_gives_those_with_a_socket_sorted),
        cmocka_unit_test(validate_app_names_knows_good_from_bad),
    };

    return run_os_tests(tests);
}
