#include "loop/descriptor.h"

#include "base/error.h"
#include "loop/timer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct descriptor *descriptor;
    int notices;
    int unwatch_at; /* the notice at which it is unwatched; 0: the loop is stopped at the first
                     */
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
    descriptor_unwatch(fixture->descriptor);
    loop_free(fixture->loop);
    return 0;
}

static void on_readable(void *user, int fd)
{
    struct fixture *fixture = user;
    (void)fd;
    fixture->notices++;
    if (fixture->unwatch_at == 0)
        loop_stop(fixture->loop);
    if (fixture->unwatch_at == fixture->notices) {
        descriptor_unwatch(fixture->descriptor);
        fixture->descriptor = NULL;
    }
}

static void on_time(void *user)
{
    struct fixture *fixture = user;
    loop_stop(fixture->loop);
}

static void watch_writable_tells_when_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    static const char bytes[65536];
    struct timer *timer;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], bytes, sizeof(bytes)) > 0)
        ;
    assert_int_equal(descriptor_watch_writable(fixture->loop, ends[1], on_readable, fixture,
                                               &fixture->descriptor),
                     0);
    assert_int_equal(timer_new(fixture->loop, on_time, fixture, &timer), 0);
    timer_set(timer, loop_now(fixture->loop));
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->notices, 0);
    timer_free(timer);
    while (read(ends[0], (char[65536]){0}, 65536) > 0)
        ;
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->notices, 1);
    descriptor_unwatch(fixture->descriptor);
    fixture->descriptor = NULL;
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void watch_pidfd_tells_when_the_child_ends(void **state)
{
    struct fixture *fixture = *state;
    int hold[2];
    assert_int_equal(pipe2(hold, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char byte;
        (void)close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 0 ? 7 : 8); /* until the parent lets go */
    }
    (void)close_fd(hold[0]);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    assert_true(pidfd >= 0);
    assert_int_equal(
        descriptor_watch_take(fixture->loop, pidfd, on_readable, fixture, &fixture->descriptor),
        0);
    (void)close_fd(hold[1]);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->notices, 1);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void watch_unread_data_is_told_again(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    fixture->unwatch_at = 3;
    assert_int_equal(
        descriptor_watch(fixture->loop, ends[0], on_readable, fixture, &fixture->descriptor),
        0);
    assert_int_equal(loop_run(fixture->loop), 1);
    assert_int_equal(fixture->notices, 3);
    assert_true(fcntl(ends[0], F_GETFD) >= 0); /* borrowed: still open */
    (void)close_fd(ends[0]);
    (void)close_fd(ends[1]);
}

static void watch_end_of_file_is_told(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close_fd(ends[1]);
    assert_int_equal(
        descriptor_watch(fixture->loop, ends[0], on_readable, fixture, &fixture->descriptor),
        0);
    assert_int_equal(loop_run(fixture->loop), 0);
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 0);
    descriptor_unwatch(fixture->descriptor);
    fixture->descriptor = NULL;
    (void)close_fd(ends[0]);
}

static void unwatch_taken_closes_it(void **state)
{
    struct fixture *fixture = *state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(descriptor_watch_take(fixture->loop, ends[0], on_readable, fixture,
                                           &fixture->descriptor),
                     0);
    descriptor_unwatch(fixture->descriptor);
    fixture->descriptor = NULL;
    assert_int_equal(fcntl(ends[0], F_GETFD), -1);
    (void)close_fd(ends[1]);
    assert_int_equal(loop_run(fixture->loop), 1);
    assert_int_equal(fixture->notices, 0);
}

static void watch_what_cannot_be_watched_returns_its_errno(void **state)
{
    struct fixture *fixture = *state;
    struct descriptor *second = NULL;
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0);
    assert_int_equal(descriptor_watch_take(fixture->loop, file, on_readable, fixture, &second),
                     -EPERM);
    assert_true(fcntl(file, F_GETFD) >= 0); /* not taken on failure */
    (void)close_fd(file);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(descriptor_watch_take(fixture->loop, ends[0], on_readable, fixture,
                                           &fixture->descriptor),
                     0);
    assert_int_equal(descriptor_watch(fixture->loop, ends[0], on_readable, fixture, &second),
                     -EEXIST);
    assert_null(second);
    (void)close_fd(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(watch_writable_tells_when_there_is_room, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(watch_pidfd_tells_when_the_child_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(watch_unread_data_is_told_again, setup, teardown),
        cmocka_unit_test_setup_teardown(watch_end_of_file_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(unwatch_taken_closes_it, setup, teardown),
        cmocka_unit_test_setup_teardown(watch_what_cannot_be_watched_returns_its_errno, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
