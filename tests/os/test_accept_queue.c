#include "os/lanes.h"

static void look_counts_what_nobody_accepted(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 1);
    struct accept_queue queue;
    int clients[3];
    int accepted;

    (void)state;
    assert_int_equal(accept_queue_look(lanes.fds[0], &queue), 0);
    assert_true(queue.listening);
    assert_int_equal(queue.waiting, 0);
    for (int i = 0; i < 3; i++)
        clients[i] = lanes_connect(&lanes);
    assert_int_equal(lanes_waiting(&lanes, 0), 3);
    assert_int_equal(lanes_accept(&lanes, &accepted), 0);
    assert_int_equal(lanes_waiting(&lanes, 0), 2);
    (void)close(accepted);
    for (int i = 0; i < 3; i++)
        (void)close(clients[i]);
    lanes_close(&lanes);
}

static void look_says_the_backlog(void **state)
{
    struct accept_queue queue;
    int fd;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 7, &fd), 0);
    assert_int_equal(accept_queue_look(fd, &queue), 0);
    assert_int_equal(queue.room, 7);
    (void)close(fd);
}

/* A worker's doing, seen through the descriptor of another process. */
static void look_at_shut_down_listener_says_so(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 1);
    int client = lanes_connect(&lanes);
    struct accept_queue queue;

    (void)state;
    assert_int_equal(shutdown(lanes.fds[0], SHUT_RD), 0);
    assert_int_equal(accept_queue_look(lanes.fds[0], &queue), 0);
    assert_false(queue.listening);
    assert_int_equal(queue.waiting, 0);
    (void)close(client);
    lanes_close(&lanes);
}

static void look_at_unix_socket_is_refused(void **state)
{
    struct accept_queue queue;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(accept_queue_look(fd, &queue), -EOPNOTSUPP);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_counts_what_nobody_accepted),
        cmocka_unit_test(look_says_the_backlog),
        cmocka_unit_test(look_at_shut_down_listener_says_so),
        cmocka_unit_test(look_at_unix_socket_is_refused),
    };

    return run_os_tests(tests);
}
