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

/* A process that is not our child but our child's, which reaps it when the test lets go of it.
 * The grandchild exits with 7 where its own leash is let go. */
struct stranger {
    struct child reaper;
    pid_t pid;
    int leash; /* of the grandchild */
    int pidfd;
};

static int be_stranger(int news, int leash)
{
    pid_t pid = getpid();
    char byte;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (write(news, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
        return 99;
    while (read(leash, &byte, 1) > 0)
        continue;
    return 7;
}

/* Has a grandchild of the test as its child; reaps it once it is let go. */
static int have_and_reap(const struct child_ends *ends, void *argument)
{
    const int *leash = argument;
    pid_t pid;

    (void)close(leash[1]);
    pid = fork();
    if (pid < 0)
        return 98;
    if (pid == 0)
        _exit(be_stranger(ends->news, leash[0]));
    (void)close(leash[0]);
    child_wait_for_end(ends);
    return waitpid(pid, NULL, 0) == pid ? 0 : 97;
}

static struct stranger stranger_start(void)
{
    struct stranger stranger;
    int leash[2];

    assert_int_equal(pipe2(leash, O_CLOEXEC), 0);
    stranger.leash = leash[1];
    stranger.reaper = child_start(have_and_reap, leash);
    (void)close(leash[0]);
    assert_int_equal(read(stranger.reaper.news, &stranger.pid, sizeof(stranger.pid)),
                     sizeof(stranger.pid));
    assert_int_equal(pidfd_open_process(stranger.pid, 0, &stranger.pidfd), 0);
    return stranger;
}

static void stranger_release(struct stranger *stranger)
{
    (void)close_fd(stranger->leash);
    (void)close_fd(stranger->pidfd);
}

/* Skipped where the kernel can't tell (before Linux 6.15), once that has been said as such. */
static void check_stranger(struct stranger *stranger, struct pidfd_exit *ret_ended)
{
    const struct span none = {0};
    struct pidfd_exit ended = {.code = -1};
    int r;

    wait_for_end(stranger->pidfd);
    assert_int_equal(pidfd_reap(stranger->pidfd, &ended), -ECHILD);
    r = pidfd_exit_of_stranger(stranger->pidfd, none, &ended); /* a zombie */
    if (r != -EOPNOTSUPP)
        assert_int_equal(r, 1);
    assert_int_equal(pidfd_exit_of_stranger(stranger->pidfd, span_from_ms(1), &ended), r);
    assert_int_equal(ended.code, -1);
    assert_int_equal(child_end(&stranger->reaper, false), 0); /* reaped now */
    r = pidfd_exit_of_stranger(stranger->pidfd, none, &ended);
    stranger_release(stranger);
    if (r == -EOPNOTSUPP)
        skip();
    assert_int_equal(r, 0);
    *ret_ended = ended;
}

static void stranger_that_was_killed_tells_its_signal_once_reaped(void **state)
{
    struct stranger stranger = stranger_start();
    struct pidfd_exit ended;

    (void)state;
    assert_int_equal(pidfd_kill(stranger.pidfd, SIGTERM), 0);
    check_stranger(&stranger, &ended);
    assert_true(ended.signaled);
    assert_false(ended.dumped);
    assert_int_equal(ended.code, SIGTERM);
}

static void stranger_that_ended_by_itself_tells_its_status(void **state)
{
    struct stranger stranger = stranger_start();
    struct pidfd_exit ended;
    struct pidfd_exit early;
    int r = pidfd_exit_of_stranger(stranger.pidfd, (struct span){0}, &early);

    (void)state;
    if (r != -EOPNOTSUPP)
        assert_int_equal(r, 1); /* it runs */
    stranger.leash = close_fd(stranger.leash);
    check_stranger(&stranger, &ended);
    assert_false(ended.signaled);
    assert_int_equal(ended.code, 7);
}

/* The reaper acts while the caller waits: it is told at once, long before its patience ends. */
static void stranger_is_waited_for_until_it_is_reaped(void **state)
{
    struct stranger stranger = stranger_start();
    struct pidfd_exit ended;
    int r;

    (void)state;
    assert_int_equal(pidfd_kill(stranger.pidfd, SIGKILL), 0);
    wait_for_end(stranger.pidfd);
    child_release(&stranger.reaper);
    r = pidfd_exit_of_stranger(stranger.pidfd, span_from_ms(60000), &ended);
    assert_int_equal(waitpid(stranger.reaper.pid, NULL, 0), stranger.reaper.pid);
    stranger_release(&stranger);
    if (r == -EOPNOTSUPP)
        skip();
    assert_int_equal(r, 0);
    assert_true(ended.signaled);
    assert_int_equal(ended.code, SIGKILL);
}

static void stranger_of_no_pidfd_is_refused(void **state)
{
    _cleanup_fd_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct pidfd_exit ended;

    (void)state;
    assert_int_equal(pidfd_exit_of_stranger(fd, (struct span){0}, &ended), -EOPNOTSUPP);
    assert_int_equal(pidfd_exit_of_stranger(-1, (struct span){0}, &ended), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reap_exited_child_gives_its_code),
        cmocka_unit_test(reap_killed_child_gives_the_signal),
        cmocka_unit_test(open_with_right_start_time_is_believed),
        cmocka_unit_test(open_no_pid_at_all_is_gone),
        cmocka_unit_test(reap_of_no_child_says_so),
        cmocka_unit_test(stranger_that_was_killed_tells_its_signal_once_reaped),
        cmocka_unit_test(stranger_that_ended_by_itself_tells_its_status),
        cmocka_unit_test(stranger_is_waited_for_until_it_is_reaped),
        cmocka_unit_test(stranger_of_no_pidfd_is_refused),
    };

    return run_os_tests(tests);
}
