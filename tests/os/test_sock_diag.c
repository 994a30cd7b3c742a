#include "os/lanes.h"

#include "os/sock_diag.h"

#include <poll.h>
#include <sys/un.h>

static int count_one(const struct inet_diag_msg *message, void *context)
{
    unsigned *count = context;

    if (message->idiag_state != TCP_LISTEN)
        return -EPROTO;
    (*count)++;
    return 0;
}

static int refuse(const struct inet_diag_msg *message, void *context)
{
    (void)message;
    (*(unsigned *)context)++;
    return -ECANCELED;
}

/* More than one answer of the kernel has room for. */
static void visit_listeners_of_a_port_sees_all(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", LANES_MAX);
    uint16_t port = ntohs(lanes.address.ipv4.sin_port);
    unsigned count = 0;

    (void)state;
    assert_int_equal(sock_diag_visit_tcp(AF_INET, 1 << TCP_LISTEN, port, count_one, &count), 0);
    assert_int_equal(count, LANES_MAX);
    lanes_close(&lanes);
}

static void visit_other_family_or_state_sees_none(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);
    uint16_t port = ntohs(lanes.address.ipv4.sin_port);
    unsigned count = 0;

    (void)state;
    assert_int_equal(sock_diag_visit_tcp(AF_INET6, 1 << TCP_LISTEN, port, count_one, &count),
                     0);
    assert_int_equal(
        sock_diag_visit_tcp(AF_INET, 1 << TCP_ESTABLISHED, port, count_one, &count), 0);
    assert_int_equal(count, 0);
    lanes_close(&lanes);
}

static void visit_ends_where_the_visitor_says(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    uint16_t port = ntohs(lanes.address.ipv4.sin_port);
    unsigned count = 0;

    (void)state;
    assert_int_equal(sock_diag_visit_tcp(AF_INET, 1 << TCP_LISTEN, port, refuse, &count),
                     -ECANCELED);
    assert_int_equal(count, 1);
    lanes_close(&lanes);
}

static void visit_of_no_family_is_the_kernels_error(void **state)
{
    unsigned count = 0;

    (void)state;
    assert_int_equal(sock_diag_visit_tcp(AF_MAX, 1 << TCP_LISTEN, 0, count_one, &count),
                     -EINVAL);
}

struct seen {
    struct sock_diag_traffic traffic;
    unsigned count;
};

static int take_traffic(const struct inet_diag_msg *message,
                        const struct sock_diag_traffic *traffic, void *context)
{
    struct seen *seen = context;

    assert_int_equal(message->idiag_state, TCP_ESTABLISHED);
    seen->traffic = *traffic;
    seen->count++;
    return 0;
}

static void visit_traffic_counts_what_has_gone_over(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 1);
    uint16_t port = ntohs(lanes.address.ipv4.sin_port);
    _cleanup_fd_ int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_fd_ int server = -1;
    struct seen seen = {0};

    (void)state;
    assert_int_equal(connect(client, &lanes.address.any, lanes.size), 0);
    assert_int_equal(poll(&(struct pollfd){.fd = lanes.fds[0], .events = POLLIN}, 1, -1), 1);
    server = accept4(lanes.fds[0], NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    assert_int_equal(write(client, "hello", 5), 5);
    assert_int_equal(write(server, "hi", 2), 2);
    assert_int_equal(
        sock_diag_visit_traffic(AF_INET, 1 << TCP_ESTABLISHED, port, take_traffic, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.traffic.bytes_received, 5);
    assert_int_equal(seen.traffic.bytes_sent, 2);
    lanes_close(&lanes);
}

static int take_named(const struct sock_diag_unix *socket, void *context)
{
    unsigned *unread = context;

    if (socket->name != NULL && socket->name_size >= 9 &&
        memcmp(socket->name, "\0sock-diag", 9) == 0)
        *unread += socket->unread;
    return 0;
}

/* Who accepts bears the listener's name; an abstract one is as good as any. */
static void visit_unix_tells_name_and_queue(void **state)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0sock-diag"};
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 10;
    _cleanup_fd_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_fd_ int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_fd_ int server = -1;
    unsigned unread = 0;

    (void)state;
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, size), 0);
    server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    assert_int_equal(write(client, "hello", 5), 5);
    assert_int_equal(sock_diag_visit_unix(take_named, &unread), 0);
    assert_int_equal(unread, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visit_listeners_of_a_port_sees_all),
        cmocka_unit_test(visit_other_family_or_state_sees_none),
        cmocka_unit_test(visit_ends_where_the_visitor_says),
        cmocka_unit_test(visit_of_no_family_is_the_kernels_error),
        cmocka_unit_test(visit_traffic_counts_what_has_gone_over),
        cmocka_unit_test(visit_unix_tells_name_and_queue),
    };

    return run_os_tests(tests);
}
