#include "os/scratch.h"

#include "os/lock.h"

#include <errno.h>

static int hold_lock(const struct child_ends *ends, void *path)
{
    pid_t holder;
    int fd;

    if (lock_take(path, &fd, &holder) != 0)
        return 1;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static void take_held_lock_names_the_holder_until_it_is_killed(void **state)
{
    char path[PATH_MAX];
    struct child child;
    pid_t holder = 0;
    int fd = -1;

    child = child_start(hold_lock, (void *)(uintptr_t)scratch_path(state, "lock", path));
    child_listen(&child);
    assert_int_equal(lock_take(path, &fd, &holder), 1);
    assert_int_equal(holder, child.pid);
    (void)child_end(&child, true);
    assert_int_equal(lock_take(path, &fd, &holder), 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(fd);
}

static void take_lock_twice_in_one_process_is_refused(void **state)
{
    char path[PATH_MAX];
    pid_t holder = 0;
    int second;
    int fd;

    assert_int_equal(lock_take(scratch_path(state, "lock", path), &fd, &holder), 0);
    assert_int_equal(lock_take(path, &second, &holder), 1);
    assert_int_equal(holder, getpid());
    (void)close(fd);
    assert_int_equal(lock_take(path, &second, &holder), 0);
    (void)close(second);
}

static void take_lock_by_symbolic_link_is_refused(void **state)
{
    char path[PATH_MAX];
    pid_t holder;
    int fd;

    assert_int_equal(symlink("/dev/null", scratch_path(state, "lock", path)), 0);
    assert_int_equal(lock_take(path, &fd, &holder), -ELOOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(take_held_lock_names_the_holder_until_it_is_killed),
        scratch_test(take_lock_twice_in_one_process_is_refused),
        scratch_test(take_lock_by_symbolic_link_is_refused),
    };

    return run_os_tests(tests);
}
