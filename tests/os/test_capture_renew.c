#include "os/captured.h"

#include "os/capture_renew.h"
#include "os/proc.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>

enum {
    LOOKS = 100000, /* until a thread must have come to where it waits */
};

/* A worker with two threads: the first waits in epoll and counts what interrupts it, the second
 * binds. */
struct worker {
    struct sockaddr_storage address;
    socklen_t size;
    bool in_thread;
};

static int bind_here(const struct worker *worker)
{
    int fd = socket(worker->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    WORKER_CHECK(bind(fd, (const struct sockaddr *)&worker->address, worker->size) == 0);
    WORKER_CHECK(listen(fd, 1) == 0);
    return 0;
}

static void *bind_in_thread(void *argument)
{
    _exit(bind_here(argument));
}

static int run_worker(const struct child_ends *ends, void *argument)
{
    struct worker *worker = argument;
    struct epoll_event event;
    pthread_t thread;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    (void)ends;
    if (!worker->in_thread)
        return bind_here(worker);
    WORKER_CHECK(pthread_create(&thread, NULL, bind_in_thread, worker) == 0);
    (void)epoll_wait(epoll, &event, 1, -1);
    WORKER_CHECK(!"the thread that does not bind was interrupted");
    return 0;
}

/* A primary that is given the descriptor, receives, and is killed before it answers. */
static int receive_and_die(const struct child_ends *ends, void *argument)
{
    struct capture_request request;

    (void)ends;
    desk_receive(argument, &request);
    return raise(SIGKILL);
}

struct scene {
    struct desk desk;
    struct worker worker;
    struct captured captured;
};

static void scene_start(struct scene *scene, bool in_thread)
{
    *scene = (struct scene){0};
    desk_open_tcp(&scene->desk, "127.0.0.1");
    scene->worker = (struct worker){.address = scene->desk.address,
                                    .size = scene->desk.address_size,
                                    .in_thread = in_thread};
    scene->captured = captured_start(run_worker, &scene->worker);
}

/* The first primary comes and goes. */
static void scene_lose_call(struct scene *scene)
{
    struct child primary = child_start(receive_and_die, &scene->captured);
    struct capture_request request;

    assert_int_equal(WTERMSIG(child_end(&primary, false)), SIGKILL);
    assert_int_equal(capture_receive(scene->captured.notices, &request), CAPTURE_NONE);
    assert_false(capture_is_answered(scene->captured.notices));
}

static void scene_end(struct scene *scene)
{
    desk_serve_to_end(&scene->desk, &scene->captured);
    assert_int_equal(scene->desk.placed, 1);
    assert_int_equal(scene->desk.listens, 1);
    desk_close(&scene->desk);
}

/* The thread may still be on its way to where it waits. */
static void renew_one(const struct scene *scene)
{
    size_t count = 0;

    for (int i = 0; i < LOOKS && count == 0; i++)
        assert_int_equal(capture_renew(scene->captured.child.pid, &count), 0);
    assert_int_equal(count, 1);
}

static void expect_renewed(bool in_thread)
{
    struct scene scene;

    scene_start(&scene, in_thread);
    scene_lose_call(&scene);
    renew_one(&scene);
    scene_end(&scene);
}

static void renew_of_a_lost_call_has_it_told_again(void **state)
{
    (void)state;
    expect_renewed(false);
}

static void renew_of_a_threads_lost_call_disturbs_no_other_thread(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        expect_renewed(true);
}

static void renew_of_a_call_that_waits_is_harmless(void **state)
{
    struct scene scene;

    (void)state;
    scene_start(&scene, true);
    wait_readable(scene.captured.notices);
    assert_true(capture_is_answered(scene.captured.notices));
    renew_one(&scene);
    scene_end(&scene);
}

static void renew_under_a_debugger_goes_by_signals(void **state)
{
    struct scene scene;
    struct capture_request request;
    int status;
    pid_t pid;

    (void)state;
    scene_start(&scene, false);
    pid = scene.captured.child.pid;
    desk_receive(&scene.captured, &request);
    assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
    renew_one(&scene);
    /* As a debugger gives on what it sees, until the call is told of again. */
    for (;;) {
        struct pollfd item = {.fd = scene.captured.notices, .events = POLLIN};
        pid_t seen = waitpid(pid, &status, __WALL | WNOHANG);

        assert_true(seen >= 0);
        if (seen > 0)
            assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
        if (poll(&item, 1, 0) == 1)
            break;
    }
    assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, __WALL), pid);
    assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
    scene_end(&scene);
}

static void wait_for_state(pid_t pid, char wanted)
{
    struct proc_stat stat;

    do {
        assert_int_equal(proc_stat_read(pid, &stat), 0);
    } while (stat.state != wanted);
}

static void renew_of_a_stopped_worker_lets_it_be(void **state)
{
    struct scene scene;
    struct capture_request request;
    struct proc_stat stat;
    size_t count = 1;
    pid_t pid;

    (void)state;
    scene_start(&scene, false);
    pid = scene.captured.child.pid;
    desk_receive(&scene.captured, &request);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    wait_for_state(pid, 'T');
    assert_true(capture_is_answered(scene.captured.notices)); /* the stop took it out */
    assert_int_equal(capture_answer(scene.captured.notices, &request, 0), 1);
    assert_int_equal(capture_renew(pid, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(proc_stat_read(pid, &stat), 0);
    assert_int_equal(stat.state, 'T');
    assert_int_equal(kill(pid, SIGCONT), 0);
    scene_end(&scene);
}

static void renew_of_nobody_says_so(void **state)
{
    struct scene scene;
    size_t count;

    (void)state;
    scene_start(&scene, false);
    captured_kill(&scene.captured);
    assert_int_equal(capture_renew(scene.captured.child.pid, &count), 1);
    desk_close(&scene.desk);
}

static int renew_as_nobody(const struct child_ends *ends, void *argument)
{
    size_t count;
    int rv;

    (void)ends;
    if (setuid(65534) < 0)
        return 1;
    rv = capture_renew(*(const pid_t *)argument, &count);
    return rv == -EACCES || rv == -EPERM ? 0 : 2;
}

static void renew_of_another_users_worker_says_that_it_may_not(void **state)
{
    struct capture_request request;
    struct scene scene;
    struct child child;

    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    scene_start(&scene, false);
    desk_receive(&scene.captured, &request);
    child = child_start(renew_as_nobody, &scene.captured.child.pid);
    assert_int_equal(child_end(&child, false), 0);
    captured_kill(&scene.captured);
    desk_close(&scene.desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renew_of_a_lost_call_has_it_told_again),
        cmocka_unit_test(renew_of_a_threads_lost_call_disturbs_no_other_thread),
        cmocka_unit_test(renew_of_a_call_that_waits_is_harmless),
        cmocka_unit_test(renew_under_a_debugger_goes_by_signals),
        cmocka_unit_test(renew_of_a_stopped_worker_lets_it_be),
        cmocka_unit_test(renew_of_nobody_says_so),
        cmocka_unit_test(renew_of_another_users_worker_says_that_it_may_not),
    };

    return run_capture_tests(tests);
}
