#include "os/lanes.h"

#include "os/sock_diag.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visit_listeners_of_a_port_sees_all),
        cmocka_unit_test(visit_other_family_or_state_sees_none),
        cmocka_unit_test(visit_ends_where_the_visitor_says),
        cmocka_unit_test(visit_of_no_family_is_the_kernels_error),
    };

    return run_os_tests(tests);
}
