#include "os/scratch.h"

#include "os/guard.h"

#include <errno.h>

/* What a primary in a process of its own is to do. */
struct scene {
    bool forget; /* takes the worker out of the guard's list again */
    bool leave;  /* ends by itself, rather than waiting to be killed */
};

/* A worker that outlives its parent, in a group of its own; the test is told its pid. */
static pid_t start_worker(const struct child_ends *ends, int guard_fd)
{
    pid_t pid = fork();

    if (pid != 0) {
        (void)setpgid(pid, pid);
        if (write(ends->news, &pid, sizeof(pid)) != sizeof(pid))
            _exit(1);
        return pid;
    }
    (void)close(ends->leash);
    (void)close(guard_fd); /* as exec would: it is the primary's alone */
    for (;;)
        (void)pause();
}

static int run_primary(const struct child_ends *ends, void *argument)
{
    const struct scene *scene = argument;
    int fd = -1;
    pid_t guard;
    pid_t worker;

    if (guard_start(NULL, &fd, &guard) != 0)
        return 1;
    worker = start_worker(ends, fd);
    if (guard_add(fd, worker) != 0 || (scene->forget && guard_remove(fd, worker) != 0))
        return 2;
    if (scene->leave) {
        (void)close(fd);
        return waitpid(guard, NULL, 0) == guard ? 0 : 3;
    }
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static pid_t hear_worker(const struct child *child)
{
    pid_t worker = 0;

    assert_int_equal(read(child->news, &worker, sizeof(worker)), sizeof(worker));
    return worker;
}

/* The primary and the worker hold the other end: end of file says that both are gone. */
static void wait_for_nobody(const struct child *child)
{
    char byte;

    while (read(child->news, &byte, 1) > 0)
        continue;
}

static void kill_primary_ends_guarded_worker(void **state)
{
    struct scene scene = {0};
    struct child child = child_start(run_primary, &scene);

    (void)state;
    (void)hear_worker(&child);
    child_listen(&child);
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    wait_for_nobody(&child);
    (void)child_end(&child, false);
}

static void leave_with_guarded_worker_ends_it(void **state)
{
    struct scene scene = {.leave = true};
    struct child child = child_start(run_primary, &scene);
    int status;

    (void)state;
    wait_for_nobody(&child);
    status = child_end(&child, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void leave_after_forgetting_worker_spares_it(void **state)
{
    struct scene scene = {.forget = true, .leave = true};
    struct child child = child_start(run_primary, &scene);
    pid_t worker = hear_worker(&child);
    int status = -1;

    (void)state;
    /* The primary has waited for the guard's end, so whatever it was to kill is dead by now. */
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_int_equal(status, 0);
    assert_int_equal(kill(worker, 0), 0);
    assert_int_equal(kill(worker, SIGKILL), 0);
    wait_for_nobody(&child);
    child_release(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kill_primary_ends_guarded_worker),
        cmocka_unit_test(leave_with_guarded_worker_ends_it),
        cmocka_unit_test(leave_after_forgetting_worker_spares_it),
    };

    return run_os_tests(tests);
}
