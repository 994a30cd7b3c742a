/* The second half of the tests of os/capture.c: what ends a call, and who may. */
#include "os/captured.h"

#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/ioctl.h>

static int bind_and_tell_error(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    int fd = make_socket(place);

    (void)ends;
    return bind_to(fd, place) == 0 ? 0 : errno;
}

static void answer_with_an_error_is_what_the_program_sees(void **state)
{
    struct capture_request request;
    struct captured captured;
    struct desk desk;
    struct place place;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_and_tell_error, &place);
    desk_receive(&captured, &request);
    assert_int_equal(request.call, CAPTURE_BIND);
    assert_int_equal(request.address_error, 0);
    assert_int_equal(request.address_size, place.size);
    assert_memory_equal(&request.address, &place.address, place.size);
    assert_int_equal(capture_answer(captured.notices, &request, -EADDRNOTAVAIL), 0);
    assert_int_equal(WEXITSTATUS(child_end(&captured.child, false)), EADDRNOTAVAIL);
    wait_readable(captured.notices); /* its end, for nobody is under the filter any more */
    assert_int_equal(capture_receive(captured.notices, &request), CAPTURE_ENDED);
    (void)close(captured.notices);
    desk_close(&desk);
}

static void answer_after_the_worker_was_killed_says_so(void **state)
{
    struct capture_request request;
    struct captured captured;
    struct desk desk;
    struct place place;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_and_tell_error, &place);
    desk_receive(&captured, &request);
    (void)child_end(&captured.child, true);
    assert_int_equal(capture_place(captured.notices, &request, desk.lane), 1);
    assert_int_equal(capture_answer(captured.notices, &request, 0), 1);
    assert_int_equal(capture_pass(captured.notices, &request), 1);
    (void)close(captured.notices);
    desk_close(&desk);
}

static void place_something_that_is_not_open_is_refused_and_the_worker_waits_on(void **state)
{
    struct capture_request request;
    struct captured captured;
    struct desk desk;
    struct place place;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_and_tell_error, &place);
    desk_receive(&captured, &request);
    assert_int_equal(capture_place(captured.notices, &request, -1), -EBADF);
    assert_int_equal(capture_place(captured.notices, &request, desk.lane), 0);
    assert_int_equal(child_end(&captured.child, false), 0);
    (void)close(captured.notices);
    desk_close(&desk);
}

static int set_option_and_bind(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    int fd = make_socket(place);
    int on = 1;

    (void)ends;
    WORKER_CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    WORKER_CHECK(bind_to(fd, place) == 0);
    return 0;
}

static void *set_option_in_thread(void *argument)
{
    return set_option_and_bind(NULL, argument) == 0 ? argument : NULL;
}

static int set_option_and_bind_by_thread(const struct child_ends *ends, void *argument)
{
    pthread_t thread;
    void *result = NULL;

    (void)ends;
    WORKER_CHECK(pthread_create(&thread, NULL, set_option_in_thread, argument) == 0);
    WORKER_CHECK(pthread_join(thread, &result) == 0 && result != NULL);
    return 0;
}

static void borrow_shows_what_the_program_had_set(void **state)
{
    struct capture_request request;
    struct captured captured;
    struct desk desk;
    struct place place;
    int on = 0;
    socklen_t size = sizeof on;
    int fd;
    int rv;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(set_option_and_bind_by_thread, &place);
    desk_receive(&captured, &request);
    rv = capture_borrow(&request, &fd);
    if (rv == -EPERM && geteuid() == 0) {
        print_message("a sandbox around this test forbids pidfd_getfd(2)\n");
        captured_kill(&captured);
        desk_close(&desk);
        skip();
    }
    assert_int_equal(rv, 0);
    assert_int_equal(inode_of(fd), request.socket.inode);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    assert_int_equal(on, 1);
    (void)close(fd);
    assert_int_equal(capture_place(captured.notices, &request, desk.lane), 0);
    assert_int_equal(child_end(&captured.child, false), 0);
    assert_int_equal(capture_borrow(&request, &fd), 1);
    (void)close(captured.notices);
    desk_close(&desk);
}

static void ignore_signal(int signal_number)
{
    (void)signal_number;
}

/* With a handler for SIGUSR1 that has `flags`. */
static int bind_under_signals(const struct place *place, int flags)
{
    const struct sigaction action = {.sa_handler = ignore_signal, .sa_flags = flags};
    int fd = make_socket(place);

    WORKER_CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    return bind_to(fd, place) == 0 && is_bound_to(fd, place) ? 0 : errno;
}

static int bind_with_restart(const struct child_ends *ends, void *argument)
{
    (void)ends;
    return bind_under_signals(argument, SA_RESTART);
}

static int bind_without_restart(const struct child_ends *ends, void *argument)
{
    (void)ends;
    return bind_under_signals(argument, 0);
}

static void signal_without_restart_ends_the_call_for_both(void **state)
{
    struct capture_request request;
    struct captured captured;
    struct desk desk;
    struct place place;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_without_restart, &place);
    desk_receive(&captured, &request);
    assert_int_equal(kill(captured.child.pid, SIGUSR1), 0);
    assert_int_equal(WEXITSTATUS(child_end(&captured.child, false)), EINTR);
    assert_int_equal(capture_answer(captured.notices, &request, 0), 1);
    (void)close(captured.notices);
    desk_close(&desk);
}

/* The one moment in which the worker has our socket, and does not know: between the two
 * requests of capture_place(), made by hand here. */
static void signal_between_placing_and_answer_makes_it_ask_again(void **state)
{
    struct capture_request request;
    struct capture_request again;
    struct captured captured;
    struct desk desk;
    struct place place;
    struct seccomp_notif_addfd placement;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_with_restart, &place);
    desk_receive(&captured, &request);
    assert_int_not_equal(request.socket.inode, desk.inode);
    placement = (struct seccomp_notif_addfd){
        .id = request.id,
        .flags = SECCOMP_ADDFD_FLAG_SETFD,
        .srcfd = (uint32_t)desk.lane,
        .newfd = (uint32_t)request.fd,
    };
    assert_int_equal(ioctl(captured.notices, SECCOMP_IOCTL_NOTIF_ADDFD, &placement),
                     request.fd);
    assert_int_equal(kill(captured.child.pid, SIGUSR1), 0);
    desk_receive(&captured, &again);
    assert_int_not_equal(again.id, request.id);
    assert_int_equal(again.fd, request.fd);
    assert_int_equal(again.socket.inode, desk.inode);
    assert_int_equal(capture_answer(captured.notices, &request, 0), 1);
    assert_int_equal(capture_answer(captured.notices, &again, 0), 0);
    assert_int_equal(child_end(&captured.child, false), 0);
    (void)close(captured.notices);
    desk_close(&desk);
}

/* As another user, it knows that something is asked, but not what; it can let it pass. */
static int pass_as_nobody(const struct child_ends *ends, void *argument)
{
    const struct captured *captured = argument;
    struct capture_request request;

    (void)ends;
    WORKER_CHECK(setuid(65534) == 0);
    desk_receive(captured, &request);
    WORKER_CHECK(request.address_error == -EPERM && request.address_size == 0);
    WORKER_CHECK(request.socket.family == AF_UNSPEC && request.socket.inode == 0);
    WORKER_CHECK(capture_pass(captured->notices, &request) == 0);
    return 0;
}

static void receive_of_another_users_worker_says_that_memory_may_not_be_read(void **state)
{
    struct captured captured;
    struct desk desk;
    struct place place;
    struct child child;

    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_and_tell_error, &place);
    child = child_start(pass_as_nobody, &captured);
    assert_int_equal(child_end(&child, false), 0);
    /* What the kernel says while the lane has the port. */
    assert_int_equal(WEXITSTATUS(child_end(&captured.child, false)), EADDRINUSE);
    (void)close(captured.notices);
    desk_close(&desk);
}

static void take_from_a_closed_channel_says_so(void **state)
{
    int channel[2];
    int fd;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    assert_int_equal(capture_take(channel[0], &fd), 1);
    (void)close(channel[1]);
    assert_int_equal(capture_take(channel[0], &fd), -EPIPE);
    (void)close(channel[0]);
}

static void take_of_what_was_declined_says_why(void **state)
{
    int channel[2];
    int fd;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    assert_int_equal(capture_filter_decline(channel[1], -EBUSY), 0);
    (void)close(channel[1]);
    assert_int_equal(capture_take(channel[0], &fd), -EBUSY);
    (void)close(channel[0]);
}

static int bind_nothing(const struct child_ends *ends, void *argument)
{
    (void)ends;
    (void)argument;
    return 0;
}

/* Whoever takes it may die before it is in safety. */
static void take_leaves_it_in_the_channel(void **state)
{
    struct captured_start start = {.scope = CAPTURE_FILTER_ALL, .body = bind_nothing};
    int channel[2];
    int fds[2];
    struct child child;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    start.channel = channel[1];
    child = child_start(captured_body, &start);
    (void)close(channel[1]);
    wait_readable(channel[0]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(capture_take(channel[0], &fds[i]), 0);
        (void)close(fds[i]);
    }
    assert_int_equal(child_end(&child, false), 0);
    (void)close(channel[0]);
}

static void take_of_something_else_is_refused(void **state)
{
    int channel[2];
    char byte;
    int fd;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
    assert_int_equal(write(channel[1], "x", 1), 1);
    assert_int_equal(capture_take(channel[0], &fd), -EBADMSG);
    assert_int_equal(read(channel[0], &byte, 1), 1); /* it was only looked at */
    assert_int_equal(capture_filter_hand_over(channel[1], channel[1]), 0);
    assert_int_equal(capture_take(channel[0], &fd), -EBADMSG);
    (void)close(channel[0]);
    assert_int_equal(capture_filter_hand_over(channel[1], channel[1]), -EPIPE);
    assert_int_equal(capture_check(channel[0]), -EBADF);
    (void)close(channel[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_with_an_error_is_what_the_program_sees),
        cmocka_unit_test(answer_after_the_worker_was_killed_says_so),
        cmocka_unit_test(place_something_that_is_not_open_is_refused_and_the_worker_waits_on),
        cmocka_unit_test(borrow_shows_what_the_program_had_set),
        cmocka_unit_test(signal_without_restart_ends_the_call_for_both),
        cmocka_unit_test(signal_between_placing_and_answer_makes_it_ask_again),
        cmocka_unit_test(receive_of_another_users_worker_says_that_memory_may_not_be_read),
        cmocka_unit_test(take_from_a_closed_channel_says_so),
        cmocka_unit_test(take_of_what_was_declined_says_why),
        cmocka_unit_test(take_leaves_it_in_the_channel),
        cmocka_unit_test(take_of_something_else_is_refused),
    };

    return run_capture_tests(tests);
}
