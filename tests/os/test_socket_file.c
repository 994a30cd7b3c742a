#include "os/socket_file.h"

#include "os/scratch.h"

#include "os/listener.h"
#include "os/unix_socket.h"

#include <errno.h>

static int open_socket(void **state, char path[static PATH_MAX])
{
    int fd = -1;

    assert_int_equal(listener_open_unix(scratch_path(state, "web.sock", path), 0600, (uid_t)-1,
                                        (gid_t)-1, 0, &fd),
                     0);
    return fd;
}

static bool is_reached(const char *path)
{
    _cleanup_fd_ int fd = -1;

    return unix_socket_connect(path, span_from_ms(1000), &fd) == 0;
}

static void restore_of_an_unlinked_file_reaches_the_same_socket(void **state)
{
    char path[PATH_MAX];
    _cleanup_fd_ int fd = open_socket(state, path);

    assert_true(fd >= 0);
    assert_int_equal(socket_file_keep(path), 0);
    assert_int_equal(socket_file_restore(path), 0);
    assert_int_equal(unlink(path), 0);
    assert_false(is_reached(path));
    assert_int_equal(socket_file_restore(path), 1);
    assert_true(is_reached(path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(socket_file_keep(path), 0); /* by its second link */
    assert_int_equal(socket_file_restore(path), 1);
    assert_true(is_reached(path));
}

static void restore_where_another_file_is_leaves_it(void **state)
{
    char path[PATH_MAX];
    _cleanup_fd_ int fd = open_socket(state, path);
    _cleanup_fd_ int other = -1;

    assert_true(fd >= 0);
    assert_int_equal(socket_file_keep(path), 0);
    assert_int_equal(unlink(path), 0);
    other = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(other >= 0);
    assert_int_equal(socket_file_restore(path), -EEXIST);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(socket_file_restore(path), 1);
}

static void keep_replaces_the_link_of_an_earlier_socket(void **state)
{
    char path[PATH_MAX];
    int first = open_socket(state, path);
    _cleanup_fd_ int second = -1;

    assert_int_equal(socket_file_keep(path), 0);
    (void)close(first);
    second = open_socket(state, path);
    assert_int_equal(socket_file_keep(path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(socket_file_restore(path), 1);
    assert_true(is_reached(path));
}

static void forgotten_it_can_not_be_restored(void **state)
{
    char path[PATH_MAX];
    _cleanup_fd_ int fd = open_socket(state, path);

    assert_true(fd >= 0);
    assert_int_equal(socket_file_keep(path), 0);
    socket_file_forget(path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(socket_file_restore(path), -ENOENT);
    assert_int_equal(socket_file_keep(path), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(restore_of_an_unlinked_file_reaches_the_same_socket),
        scratch_test(restore_where_another_file_is_leaves_it),
        scratch_test(keep_replaces_the_link_of_an_earlier_socket),
        scratch_test(forgotten_it_can_not_be_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
