#include "os/scratch.h"

#include "os/pidfd.h"
#include "os/proc.h"

#include <errno.h>
#include <poll.h>

static int wait_and_exit_3(const struct child_ends *ends, void *unused)
{
    (void)unused;
    child_wait_for_end(ends);
    return 3;
}

static void wait_for_end(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&item, 1, -1), 1);
}

static void reap_exited_child_gives_its_code(void **state)
{
    struct child child = child_start(wait_and_exit_3, NULL);
    struct pidfd_exit ended;
    int fd;

    (void)state;
    assert_int_equal(pidfd_open_process(child.pid, 0, &fd), 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_false(pidfd_has_ended(fd));
    assert_int_equal(pidfd_reap(fd, &ended), 1);
    assert_int_equal(pidfd_kill(fd, 0), 0);
    child_release(&child);
    wait_for_end(fd);
    assert_true(pidfd_has_ended(fd));
    assert_int_equal(pidfd_kill(fd, SIGTERM), 0); /* a zombie */
    assert_int_equal(pidfd_reap(fd, &ended), 0);
    assert_false(ended.signaled);
    assert_int_equal(ended.code, 3);
    assert_true(pidfd_has_ended(fd));
    assert_int_equal(pidfd_kill(fd, SIGTERM), 1);
    assert_int_equal(pidfd_reap(fd, &ended), -ECHILD);
    (void)close(fd);
}

static void reap_killed_child_gives_the_signal(void **state)
{
    struct child child = child_start(wait_and_exit_3, NULL);
    struct pidfd_exit ended;
    int fd;

    (void)state;
    assert_int_equal(pidfd_open_process(child.pid, 0, &fd), 0);
    assert_int_equal(pidfd_kill(fd, SIGTERM), 0);
    wait_for_end(fd);
    assert_int_equal(pidfd_reap(fd, &ended), 0);
    assert_true(ended.signaled);
    assert_int_equal(ended.code, SIGTERM);
    child_release(&child);
    (void)close(fd);
}

static void open_with_right_start_time_is_believed(void **state)
{
    struct child child = child_start(wait_and_exit_3, NULL);
    struct proc_stat stat;
    int fd = -1;

    (void)state;
    assert_int_equal(proc_stat_read(child.pid, &stat), 0);
    assert_int_equal(pidfd_open_process(child.pid, stat.start_time + 1, &fd), 1);
    assert_int_equal(fd, -1);
    assert_int_equal(pidfd_open_process(child.pid, stat.start_time, &fd), 0);
    (void)close(fd);
    (void)child_end(&child, true);
    assert_int_equal(pidfd_open_process(child.pid, stat.start_time, &fd), 1);
}

static void open_no_pid_at_all_is_gone(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(pidfd_open_process(0, 0, &fd), 1);
    assert_int_equal(pidfd_open_process(-1, 0, &fd), 1);
}

static void reap_of_no_child_says_so(void **state)
{
    struct pidfd_exit ended;
    int fd;

    (void)state;
    assert_int_equal(pidfd_open_process(getpid(), 0, &fd), 0);
    assert_int_equal(pidfd_reap(fd, &ended), -ECHILD);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reap_exited_child_gives_its_code),
        cmocka_unit_test(reap_killed_child_gives_the_signal),
        cmocka_unit_test(open_with_right_start_time_is_believed),
        cmocka_unit_test(open_no_pid_at_all_is_gone),
        cmocka_unit_test(reap_of_no_child_says_so),
    };

    return run_os_tests(tests);
}
