#include "loop/signals.h"

#include "base/error.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct signals *signals;
    int received[4];
    size_t received_n;
    size_t stop_at; /* notices of any kind, after which the loop is stopped */
    pid_t ours;     /* a child whose status this test wants; 0: none, or it was reaped */
    pid_t reaped[4];
    int status[4];
    size_t reaped_n;
    int ours_seen;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    assert_int_equal(loop_new(&fixture.loop), 0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    signals_free(fixture->signals);
    loop_free(fixture->loop);
    return 0;
}

static void on_received(void *user, int number)
{
    struct fixture *fixture = user;
    assert_true(fixture->received_n < 4);
    fixture->received[fixture->received_n++] = number;
    if (fixture->received_n >= fixture->stop_at)
        loop_stop(fixture->loop);
}

/* Asked about the child in front: stands for the pidfd watcher, which reaps ours by its pid in
 * another callback of the same turn or a later one; here, when it is asked the second time. */
static bool on_is_ours(void *user, pid_t pid)
{
    struct fixture *fixture = user;
    if (pid != fixture->ours)
        return false;
    fixture->ours_seen++;
    return true;
}

static void on_reaped(void *user, pid_t pid, int status)
{
    struct fixture *fixture = user;
    assert_true(fixture->reaped_n < 4);
    fixture->reaped[fixture->reaped_n] = pid;
    fixture->status[fixture->reaped_n++] = status;
    if (fixture->reaped_n >= fixture->stop_at)
        loop_stop(fixture->loop);
}

static const struct signals_handlers plain_handlers = {.received = on_received};
static const struct signals_handlers reaping_handlers = {
    .received = on_received, .is_ours = on_is_ours, .reaped = on_reaped};

static pid_t child_that_exits(int status)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(status);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0); /* it is dead */
    return pid;
}

static void receive_watched_signals_tells_each(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT, SIGUSR1, 0};
    assert_int_equal(
        signals_new(fixture->loop, numbers, &plain_handlers, fixture, &fixture->signals), 0);
    fixture->stop_at = 4;
    for (const int *number = numbers; *number; number++)
        assert_int_equal(raise(*number), 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(fixture->received[i], numbers[i]);
}

static void new_ignores_sigpipe(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {SIGHUP, 0};
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    assert_int_equal(
        signals_new(fixture->loop, numbers, &plain_handlers, fixture, &fixture->signals), 0);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close_fd(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    (void)close_fd(ends[1]);
}

static void new_with_unwatchable_signal_returns_einval(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {SIGHUP, SIGKILL, 0};
    assert_int_equal(
        signals_new(fixture->loop, numbers, &plain_handlers, fixture, &fixture->signals),
        -EINVAL);
    assert_null(fixture->signals);
}

static void reap_stranger_takes_its_status(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {0};
    assert_int_equal(
        signals_new(fixture->loop, numbers, &reaping_handlers, fixture, &fixture->signals), 0);
    fixture->stop_at = 1;
    pid_t pid = child_that_exits(3);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->reaped[0], pid);
    assert_int_equal(WEXITSTATUS(fixture->status[0]), 3);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void reap_child_dead_before_the_start_is_not_missed(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {0};
    pid_t pid = child_that_exits(0);
    assert_int_equal(
        signals_new(fixture->loop, numbers, &reaping_handlers, fixture, &fixture->signals), 0);
    fixture->stop_at = 1;
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->reaped[0], pid);
}

/* SIGUSR1 stands for the pidfd's notice: reaps ours by its pid. */
static void on_usr1_reap_ours(void *user, int number)
{
    struct fixture *fixture = user;
    int status = 0;
    assert_int_equal(number, SIGUSR1);
    assert_true(fixture->ours_seen > 0); /* it stood in front, and was left alone */
    assert_int_equal(fixture->reaped_n, 0);
    assert_int_equal(waitpid(fixture->ours, &status, WNOHANG), fixture->ours);
    assert_int_equal(WEXITSTATUS(status), 42);
    fixture->ours = 0;
}

static void reap_stranger_behind_ours_waits_until_ours_is_reaped(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {SIGUSR1, 0};
    static const struct signals_handlers handlers = {
        .received = on_usr1_reap_ours, .is_ours = on_is_ours, .reaped = on_reaped};
    fixture->ours = child_that_exits(42);
    pid_t strangers[] = {child_that_exits(1), child_that_exits(2)};
    assert_int_equal(signals_new(fixture->loop, numbers, &handlers, fixture, &fixture->signals),
                     0);
    fixture->stop_at = 2;
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_true(fixture->reaped[i] == strangers[0] || fixture->reaped[i] == strangers[1]);
        assert_int_equal(waitpid(strangers[i], NULL, WNOHANG), -1);
    }
}

static void reap_orphan_of_a_subreaper_leaves_no_zombie(void **state)
{
    struct fixture *fixture = *state;
    static const int numbers[] = {0};
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(
        signals_new(fixture->loop, numbers, &reaping_handlers, fixture, &fixture->signals), 0);
    fixture->stop_at = 2; /* the child, and its child */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (fork() == 0)
            _exit(5);
        _exit(6);
    }
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->reaped_n, 2);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receive_watched_signals_tells_each, setup, teardown),
        cmocka_unit_test_setup_teardown(new_ignores_sigpipe, setup, teardown),
        cmocka_unit_test_setup_teardown(new_with_unwatchable_signal_returns_einval, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(reap_stranger_takes_its_status, setup, teardown),
        cmocka_unit_test_setup_teardown(reap_child_dead_before_the_start_is_not_missed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(reap_stranger_behind_ours_waits_until_ours_is_reaped,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(reap_orphan_of_a_subreaper_leaves_no_zombie, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
