#include "os/lanes.h"

#include "os/handshakes.h"

static void take_sees_a_handshake_under_way(const char *host)
{
    struct lanes lanes = lanes_open(host, 2);
    struct handshakes handshakes;
    int client = lanes_connect_halfway(&lanes);
    int accepted;

    assert_int_equal(handshakes_take(lanes.fds[1], &handshakes), 0);
    assert_int_equal(handshakes.count, 1);
    assert_false(handshakes.truncated);
    assert_int_equal(lanes_waiting(&lanes, 0), 0);
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(lanes_accept(&lanes, &accepted), 0);
    assert_int_equal(handshakes_refresh(&handshakes), 0);
    assert_int_equal(handshakes.count, 0);
    handshakes_release(&handshakes);
    (void)close(accepted);
    (void)close(client);
    lanes_close(&lanes);
}

static void take_over_ipv4_sees_it(void **state)
{
    (void)state;
    take_sees_a_handshake_under_way("127.0.0.1");
}

static void take_over_ipv6_sees_it(void **state)
{
    (void)state;
    if (!lanes_has_ipv6())
        skip();
    take_sees_a_handshake_under_way("::1");
}

/* [::] that is talked to over IPv4. */
static void take_of_dual_stack_sees_ipv4(void **state)
{
    struct lanes lanes;
    struct handshakes handshakes;
    int client;

    (void)state;
    if (!lanes_has_ipv6())
        skip();
    lanes = lanes_open("::", 2);
    lanes.address.ipv4 = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = lanes.address.ipv6.sin6_port,
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
    lanes.size = sizeof lanes.address.ipv4;
    client = lanes_connect_halfway(&lanes);
    assert_int_equal(handshakes_take(lanes.fds[0], &handshakes), 0);
    assert_int_equal(handshakes.count, 1);
    handshakes_release(&handshakes);
    (void)close(client);
    lanes_close(&lanes);
}

/* One that begins later is none of ours. */
static void refresh_leaves_later_ones_out(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);
    struct handshakes handshakes;
    int first = lanes_connect_halfway(&lanes);
    int accepted;
    int second;

    (void)state;
    assert_int_equal(handshakes_take(lanes.fds[0], &handshakes), 0);
    assert_int_equal(write(first, "x", 1), 1);
    (void)lanes_accept(&lanes, &accepted);
    second = lanes_connect_halfway(&lanes);
    assert_int_equal(handshakes_refresh(&handshakes), 0);
    assert_int_equal(handshakes.count, 0);
    handshakes_release(&handshakes);
    (void)close(accepted);
    (void)close(first);
    (void)close(second);
    lanes_close(&lanes);
}

static void take_of_idle_listener_finds_nothing(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 1);
    struct lanes other = lanes_open("127.0.0.1", 1);
    struct handshakes handshakes;
    int client = lanes_connect_halfway(&other);

    (void)state;
    assert_int_equal(handshakes_take(lanes.fds[0], &handshakes), 0);
    assert_int_equal(handshakes.count, 0);
    assert_null(handshakes.cookies);
    assert_int_equal(handshakes_refresh(&handshakes), 0);
    handshakes_release(&handshakes);
    (void)close(client);
    lanes_close(&other);
    lanes_close(&lanes);
}

static void take_of_unix_socket_is_refused(void **state)
{
    struct handshakes handshakes;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(handshakes_take(fd, &handshakes), -EAFNOSUPPORT);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_over_ipv4_sees_it),
        cmocka_unit_test(take_over_ipv6_sees_it),
        cmocka_unit_test(take_of_dual_stack_sees_ipv4),
        cmocka_unit_test(refresh_leaves_later_ones_out),
        cmocka_unit_test(take_of_idle_listener_finds_nothing),
        cmocka_unit_test(take_of_unix_socket_is_refused),
    };

    return run_os_tests(tests);
}
