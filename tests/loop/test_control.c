#include "loop/control.h"

#include "base/error.h"
#include "base/text.h"
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

enum { TURNS_MAX = 50 * 1000 };

/* A control, the program behind it, and a pump that turns the loop until a test has seen what
 * it waits for. */
struct fixture {
    struct loop *loop;
    struct control *control;
    struct control_limits limits;
    int listener;
    struct sockaddr_un address;
    socklen_t address_size;
    bool allowed;

    bool answers;     /* the program answers at once, else it holds the call */
    bool frees;       /* the program frees the control at a message */
    struct text told; /* "text|" for each message */
    size_t message_n;
    size_t largest_message;
    size_t closed_n;
    size_t drained_n;
    struct control_client *last; /* who called last */

    struct timer *pump;
    bool (*seen)(struct fixture *fixture);
    size_t turns;
    size_t wanted; /* for `seen` */
    int client;    /* for `seen` */
};

static bool on_allow(void *user, uid_t uid)
{
    struct fixture *fixture = user;
    assert_int_equal(uid, geteuid());
    return fixture->allowed;
}

static void on_message(void *user, struct control_client *client, const char *text, size_t size)
{
    struct fixture *fixture = user;
    assert_int_equal(text[size], '\0');
    if (size < 100)
        assert_int_equal(text_append(&fixture->told, text, size), 0);
    assert_int_equal(text_append(&fixture->told, "|", 1), 0);
    fixture->message_n++;
    fixture->last = client;
    if (size > fixture->largest_message)
        fixture->largest_message = size;
    if (fixture->frees) {
        control_free(fixture->control);
        fixture->control = NULL;
    } else if (fixture->answers) {
        control_send(client, text, size);
        control_done(client);
    }
}

static void on_drained(void *user, struct control_client *client)
{
    struct fixture *fixture = user;
    assert_int_equal(control_queued(client), 0);
    fixture->drained_n++;
}

static void on_closed(void *user, struct control_client *client)
{
    struct fixture *fixture = user;
    fixture->closed_n++;
    if (fixture->last == client)
        fixture->last = NULL;
}

static const struct control_handlers handlers = {
    .allow = on_allow,
    .message = on_message,
    .drained = on_drained,
    .closed = on_closed,
    .denied = "denied",
    .crowded = "crowded",
};

static void on_pump(void *user)
{
    struct fixture *fixture = user;
    if (fixture->seen(fixture) || ++fixture->turns >= TURNS_MAX)
        loop_stop(fixture->loop);
    else
        timer_set(fixture->pump, (struct instant){1});
}

/* Turns the loop until `seen`; fails where that never comes. */
static void run_until(struct fixture *fixture, bool (*seen)(struct fixture *fixture))
{
    fixture->seen = seen;
    fixture->turns = 0;
    timer_set(fixture->pump, (struct instant){1});
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_true(fixture->turns < TURNS_MAX);
}

static bool messages_seen(struct fixture *fixture)
{
    return fixture->message_n >= fixture->wanted;
}

static bool closed_seen(struct fixture *fixture)
{
    return fixture->closed_n >= fixture->wanted;
}

static bool readable_seen(struct fixture *fixture)
{
    char byte;
    return recv(fixture->client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

static bool turns_seen(struct fixture *fixture)
{
    return fixture->turns >= fixture->wanted;
}

static void run_until_messages(struct fixture *fixture, size_t n)
{
    fixture->wanted = n;
    run_until(fixture, messages_seen);
}

static void run_until_closed(struct fixture *fixture, size_t n)
{
    fixture->wanted = n;
    run_until(fixture, closed_seen);
}

/* For what must not happen: more turns than it would need. */
static void run_turns(struct fixture *fixture)
{
    fixture->wanted = 100;
    run_until(fixture, turns_seen);
}

static void control_start(struct fixture *fixture)
{
    assert_int_equal(control_new(fixture->loop, fixture->listener, &handlers, &fixture->limits,
                                 fixture, &fixture->control),
                     0);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.allowed = true, .limits = control_limits_default()};
    assert_int_equal(loop_new(&fixture.loop), 0);
    assert_int_equal(timer_new(fixture.loop, on_pump, &fixture, &fixture.pump), 0);
    fixture.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fixture.listener >= 0);
    /* No name at all: the kernel chooses an abstract one (unix(7), "Autobind"). */
    struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
    assert_int_equal(
        bind(fixture.listener, (struct sockaddr *)&unnamed, sizeof(unnamed.sun_family)), 0);
    assert_int_equal(listen(fixture.listener, 1024), 0);
    fixture.address_size = sizeof(fixture.address);
    assert_int_equal(getsockname(fixture.listener, (struct sockaddr *)&fixture.address,
                                 &fixture.address_size),
                     0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    control_free(fixture->control);
    timer_free(fixture->pump);
    loop_free(fixture->loop);
    text_release(&fixture->told);
    fixture->listener = close_fd(fixture->listener);
    return 0;
}

static int client_connect(struct fixture *fixture)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&fixture->address, fixture->address_size),
                     0);
    return fd;
}

static void client_say(int fd, const char *data, size_t size)
{
    assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

/* Reads a reply of `size` bytes or up to the end, turning the loop meanwhile; returns its
 * bytes. */
static size_t client_hear(struct fixture *fixture, int fd, char *ret_reply, size_t size)
{
    size_t total = 0;
    fixture->client = fd;
    while (total < size) {
        run_until(fixture, readable_seen);
        ssize_t n = recv(fd, ret_reply + total, size - total, MSG_DONTWAIT);
        if (n <= 0)
            break;
        total += (size_t)n;
    }
    return total;
}

static void message_whole_is_answered(void **state)
{
    struct fixture *fixture = *state;
    fixture->answers = true;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "hello", 6);
    char reply[7];
    assert_int_equal(client_hear(fixture, fd, reply, 6), 6);
    assert_string_equal(reply, "hello");
    assert_string_equal(text_string(&fixture->told), "hello|");
}

static void message_in_pieces_is_joined(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "he", 2);
    run_turns(fixture);
    assert_int_equal(fixture->message_n, 0);
    client_say(fd, "llo", 4);
    run_until_messages(fixture, 1);
    assert_string_equal(text_string(&fixture->told), "hello|");
}

static void messages_pipelined_come_one_at_a_time_in_order(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "one\0two\0\0three", 15);
    for (size_t i = 1; i <= 4; i++) {
        run_until_messages(fixture, i);
        run_turns(fixture);
        assert_int_equal(fixture->message_n, i); /* the next one waits for control_done() */
        control_done(fixture->last);
    }
    assert_string_equal(text_string(&fixture->told), "one|two||three|");
}

static void messages_pipelined_wait_until_the_client_has_read_its_reply(void **state)
{
    struct fixture *fixture = *state;
    enum { REPLY_SIZE = 900 * 1024 }; /* more than a socket holds by itself */
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "one\0two", 8);
    run_until_messages(fixture, 1);
    _cleanup_free_ char *reply = calloc(1, REPLY_SIZE);
    assert_non_null(reply);
    control_send(fixture->last, reply, REPLY_SIZE - 1);
    control_done(fixture->last);
    run_turns(fixture);
    assert_int_equal(fixture->message_n, 1);
    enum { PART = REPLY_SIZE / 2 };
    assert_int_equal(client_hear(fixture, fd, reply, PART), PART);
    run_turns(fixture);
    assert_int_equal(fixture->message_n, 1);
    assert_int_equal(client_hear(fixture, fd, reply, REPLY_SIZE - PART), REPLY_SIZE - PART);
    run_until_messages(fixture, 2);
}

static void message_of_the_limit_passes_and_one_more_byte_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    size_t limit = fixture->limits.message_size;
    _cleanup_free_ char *data = calloc(1, limit + 2);
    assert_non_null(data);
    memset(data, 'x', limit);
    _cleanup_fd_ int good = client_connect(fixture);
    client_say(good, data, limit + 1);
    run_until_messages(fixture, 1);
    assert_int_equal(fixture->largest_message, limit);
    data[limit] = 'x';
    _cleanup_fd_ int bad = client_connect(fixture);
    client_say(bad, data, limit + 2);
    run_until_closed(fixture, 1);
    assert_int_equal(fixture->message_n, 1);
}

static void message_without_end_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    char block[4096];
    memset(block, 'x', sizeof(block));
    size_t said = 0;
    while (fixture->closed_n == 0 && said < 10 * 1024 * 1024) {
        ssize_t n = send(fd, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);
        said += n > 0 ? (size_t)n : 0;
        fixture->wanted = 1;
        run_until(fixture, turns_seen);
    }
    assert_int_equal(fixture->closed_n, 1);
    assert_int_equal(fixture->message_n, 0);
    assert_true(said < 1024 * 1024);
}

static void connect_not_allowed_is_told_so_and_never_read(void **state)
{
    struct fixture *fixture = *state;
    fixture->allowed = false;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "hello", 6);
    char reply[16];
    assert_int_equal(client_hear(fixture, fd, reply, sizeof(reply)), sizeof("denied"));
    assert_string_equal(reply, "denied");
    assert_int_equal(fixture->message_n, 0);
    assert_int_equal(fixture->closed_n, 0);
}

static void connect_to_full_control_cuts_the_longest_idle(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.clients = 3;
    fixture->answers = true;
    control_start(fixture);
    int fds[4];
    for (size_t i = 0; i < 4; i++) {
        fds[i] = client_connect(fixture);
        client_say(fds[i], "hi", 3);
        run_until_messages(fixture, i + 1);
        if (i == 2) {
            client_say(fds[0], "again", 6); /* the first is now the youngest */
            char reply[9];
            assert_int_equal(client_hear(fixture, fds[0], reply, 9), 9);
            fixture->message_n--;
        }
    }
    assert_int_equal(fixture->closed_n, 1);
    char reply[4];
    assert_int_equal(client_hear(fixture, fds[1], reply, 4), 3); /* its answer, then the end */
    for (size_t i = 0; i < 4; i++)
        (void)close_fd(fds[i]);
}

static void connect_where_all_have_calls_is_told_so(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.clients = 3;
    fixture->limits.clients_of_uid = 2; /* the third place is for somebody else */
    control_start(fixture);
    int fds[3];
    for (size_t i = 0; i < 2; i++) {
        fds[i] = client_connect(fixture);
        client_say(fds[i], "wait", 5);
        run_until_messages(fixture, i + 1);
    }
    fds[2] = client_connect(fixture);
    char reply[16];
    assert_int_equal(client_hear(fixture, fds[2], reply, sizeof(reply)), sizeof("crowded"));
    assert_string_equal(reply, "crowded");
    assert_int_equal(fixture->closed_n, 0);
    for (size_t i = 0; i < 3; i++)
        (void)close_fd(fds[i]);
}

static void connect_hundreds_at_once_answers_every_one(void **state)
{
    struct fixture *fixture = *state;
    enum { STORM = 300 };
    fixture->answers = true;
    control_start(fixture);
    int fds[STORM];
    for (size_t i = 0; i < STORM; i++) {
        fds[i] = client_connect(fixture);
        client_say(fds[i], "hi", 3);
    }
    run_until_messages(fixture, STORM);
    for (size_t i = 0; i < STORM; i++) {
        char reply[3];
        assert_int_equal(client_hear(fixture, fds[i], reply, 3), 3);
        (void)close_fd(fds[i]);
    }
    run_until_closed(fixture, STORM);
}

static void idle_client_is_cut_off_and_one_with_a_call_is_not(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.idle = span_from_ms(1);
    control_start(fixture);
    _cleanup_fd_ int calling = client_connect(fixture);
    client_say(calling, "wait", 5);
    run_until_messages(fixture, 1);
    _cleanup_fd_ int silent = client_connect(fixture);
    _cleanup_fd_ int half = client_connect(fixture);
    assert_true(silent >= 0);
    client_say(half, "{\"meth", 6);
    run_until_closed(fixture, 2);
    assert_non_null(fixture->last);
    control_done(fixture->last); /* now it is idle as well */
    run_until_closed(fixture, 3);
}

static void send_to_client_that_reads_nothing_cuts_it_off(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.idle = span_from_ms(3600 * 1000);
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "events", 7);
    run_until_messages(fixture, 1);
    char block[4096];
    memset(block, 'x', sizeof(block));
    size_t most = 0;
    for (size_t i = 0; i < 10000 && fixture->last; i++) {
        control_send(fixture->last, block, sizeof(block));
        if (control_queued(fixture->last) > most)
            most = control_queued(fixture->last);
        fixture->wanted = 1;
        run_until(fixture, turns_seen);
    }
    assert_int_equal(fixture->closed_n, 1);
    assert_in_range(most, fixture->limits.queued_size,
                    fixture->limits.queued_size + sizeof(block) + 1);
}

static void send_of_huge_reply_to_a_reader_arrives_whole(void **state)
{
    struct fixture *fixture = *state;
    enum { HUGE_SIZE = 5 * 1024 * 1024 };
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "dump", 5);
    run_until_messages(fixture, 1);
    _cleanup_free_ char *reply = malloc(HUGE_SIZE);
    _cleanup_free_ char *heard = malloc(HUGE_SIZE + 1);
    assert_true(reply && heard);
    for (size_t i = 0; i < HUGE_SIZE; i++)
        reply[i] = (char)('a' + i % 23);
    control_send(fixture->last, reply, HUGE_SIZE);
    assert_int_equal(client_hear(fixture, fd, heard, HUGE_SIZE + 1), HUGE_SIZE + 1);
    assert_memory_equal(reply, heard, HUGE_SIZE);
    assert_int_equal(heard[HUGE_SIZE], '\0');
    run_turns(fixture);
    assert_int_equal(fixture->drained_n, 1);
    assert_int_equal(fixture->closed_n, 0);
}

static void hang_up_during_a_call_is_told(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    int fd = client_connect(fixture);
    client_say(fd, "follow", 7);
    run_until_messages(fixture, 1);
    fd = close_fd(fd);
    run_until_closed(fixture, 1);
}

static void half_close_during_a_call_is_still_answered(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "status", 7);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    run_until_messages(fixture, 1);
    run_turns(fixture);
    assert_int_equal(fixture->closed_n, 0);
    control_send(fixture->last, "fine", 4);
    control_done(fixture->last);
    char reply[16];
    assert_int_equal(client_hear(fixture, fd, reply, sizeof(reply)), 5);
    assert_string_equal(reply, "fine");
    assert_int_equal(fixture->closed_n, 1);
}

static void calls_of_a_client_that_left_are_still_done(void **state)
{
    struct fixture *fixture = *state;
    fixture->answers = false;
    control_start(fixture);
    int fd = client_connect(fixture);
    client_say(fd, "reload", 7);
    fd = close_fd(fd);
    run_until_closed(fixture, 1);
    assert_string_equal(text_string(&fixture->told), "reload|");
}

static void close_after_send_sends_all_and_takes_no_more(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "garbage\0more", 13);
    run_until_messages(fixture, 1);
    control_send(fixture->last, "go away", 7);
    control_close_after_send(fixture->last);
    char reply[16];
    assert_int_equal(client_hear(fixture, fd, reply, sizeof(reply)), 8);
    assert_string_equal(reply, "go away");
    assert_int_equal(fixture->closed_n, 1);
    assert_int_equal(fixture->message_n, 1);
}

static void client_keeps_the_program_s_pointer_and_its_peer(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "x", 2);
    run_until_messages(fixture, 1);
    assert_null(control_client_user(fixture->last));
    control_client_set_user(fixture->last, fixture);
    assert_ptr_equal(control_client_user(fixture->last), fixture);
    assert_int_equal(control_client_uid(fixture->last), geteuid());
    assert_int_equal(control_client_pid(fixture->last), getpid());
}

static void free_in_a_message_closes_every_client(void **state)
{
    struct fixture *fixture = *state;
    control_start(fixture);
    _cleanup_fd_ int other = client_connect(fixture);
    client_say(other, "first", 6);
    run_until_messages(fixture, 1);
    fixture->frees = true;
    _cleanup_fd_ int fd = client_connect(fixture);
    client_say(fd, "free", 5);
    run_until_closed(fixture, 2);
    assert_null(fixture->control);
}

static void connect_without_free_descriptors_is_served_later(void **state)
{
    struct fixture *fixture = *state;
    fixture->limits.idle = span_from_ms(50); /* the next sweep, which listens again */
    fixture->answers = true;
    control_start(fixture);
    _cleanup_fd_ int first = client_connect(fixture);
    client_say(first, "one", 4);
    run_until_messages(fixture, 1);
    _cleanup_fd_ int second = client_connect(fixture);
    client_say(second, "two", 4);
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)second + 1, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    run_turns(fixture);
    assert_int_equal(fixture->message_n, 1);
    run_until_messages(fixture, 2); /* in the place of the first, which was idle */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(message_whole_is_answered),
        TEST(message_in_pieces_is_joined),
        TEST(messages_pipelined_come_one_at_a_time_in_order),
        TEST(messages_pipelined_wait_until_the_client_has_read_its_reply),
        TEST(message_of_the_limit_passes_and_one_more_byte_is_cut_off),
        TEST(message_without_end_is_cut_off),
        TEST(connect_not_allowed_is_told_so_and_never_read),
        TEST(connect_to_full_control_cuts_the_longest_idle),
        TEST(connect_where_all_have_calls_is_told_so),
        TEST(connect_hundreds_at_once_answers_every_one),
        TEST(idle_client_is_cut_off_and_one_with_a_call_is_not),
        TEST(send_to_client_that_reads_nothing_cuts_it_off),
        TEST(send_of_huge_reply_to_a_reader_arrives_whole),
        TEST(hang_up_during_a_call_is_told),
        TEST(half_close_during_a_call_is_still_answered),
        TEST(calls_of_a_client_that_left_are_still_done),
        TEST(close_after_send_sends_all_and_takes_no_more),
        TEST(client_keeps_the_program_s_pointer_and_its_peer),
        TEST(free_in_a_message_closes_every_client),
        TEST(connect_without_free_descriptors_is_served_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
