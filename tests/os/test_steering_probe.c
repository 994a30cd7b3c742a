#include "os/lanes.h"

#include "os/steering_probe.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

static const struct steering_share world = {.index = 0, .weight = 1};

/* Connects; the answer comes at once over loopback, or the test's patience ends. */
static void connect_probe(const struct steering_probe_ends *ends)
{
    struct pollfd answer = {.fd = ends->fd, .events = POLLOUT};
    int failure;
    socklen_t size = sizeof failure;

    if (connect(ends->fd, (const struct sockaddr *)&ends->to, ends->size) < 0) {
        assert_int_equal(errno, EINPROGRESS);
        assert_int_equal(poll(&answer, 1, LANES_PATIENCE_MS), 1);
    }
    assert_int_equal(getsockopt(ends->fd, SOL_SOCKET, SO_ERROR, &failure, &size), 0);
    assert_int_equal(failure, 0);
}

static void apply_probe(const struct lanes *lanes, const struct steering_probe_ends *ends,
                        uint32_t index)
{
    const struct steering_probe probe = {.from = ends->from, .index = index};

    assert_int_equal(steering_apply(lanes->fds[0], &(struct steering_plan){.shares = &world,
                                                                           .share_count = 1,
                                                                           .probes = &probe,
                                                                           .probe_count = 1}),
                     0);
}

/* The candidates are asked one after the other; the world stays where it is. */
static void probe_reaches_each_lane_of(struct lanes *lanes)
{
    for (uint32_t lane = 1; lane < lanes->count; lane++) {
        struct steering_probe_ends ends;
        int accepted;

        assert_int_equal(steering_probe_open(lanes->fds[0], &ends), 0);
        apply_probe(lanes, &ends, lane);
        assert_int_equal(lanes_hit(lanes), 0);
        connect_probe(&ends);
        assert_int_equal(lanes_waiting(lanes, lane), 1);
        assert_int_equal(lanes_accept(lanes, &accepted), lane);
        assert_int_equal(lanes_hit(lanes), 0);
        (void)close(accepted);
        (void)close(ends.fd);
    }
}

static void probe_reaches_each_lane_at(const char *host)
{
    struct lanes lanes = lanes_open(host, 4);

    probe_reaches_each_lane_of(&lanes);
    lanes_close(&lanes);
}

static void open_over_ipv4_reaches_the_lane(void **state)
{
    (void)state;
    probe_reaches_each_lane_at("127.0.0.1");
    probe_reaches_each_lane_at("127.9.9.9");
    probe_reaches_each_lane_at("0.0.0.0");
}

static void open_over_ipv6_reaches_the_lane(void **state)
{
    (void)state;
    if (!lanes_has_ipv6())
        skip();
    probe_reaches_each_lane_at("::1");
    probe_reaches_each_lane_at("::");
}

/* The addresses by which the world comes, link-local ones too. */
static void open_to_real_addresses_reaches_the_lane(void **state)
{
    struct ifaddrs *all;
    unsigned count = 0;

    (void)state;
    assert_int_equal(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
        char host[64];

        if (one->ifa_addr == NULL || (one->ifa_flags & IFF_LOOPBACK) != 0 ||
            (one->ifa_flags & IFF_UP) == 0)
            continue;
        if (one->ifa_addr->sa_family != AF_INET && one->ifa_addr->sa_family != AF_INET6)
            continue;
        assert_int_equal(getnameinfo(one->ifa_addr,
                                     one->ifa_addr->sa_family == AF_INET
                                         ? sizeof(struct sockaddr_in)
                                         : sizeof(struct sockaddr_in6),
                                     host, sizeof host, NULL, 0, NI_NUMERICHOST),
                         0);
        print_message("%s\n", host);
        probe_reaches_each_lane_at(host);
        count++;
    }
    freeifaddrs(all);
    if (count == 0)
        skip();
}

/* [::] asked over IPv4, as where the machine has no ::1: the program knows it in both forms. */
static void open_dual_stack_over_ipv4_reaches_the_lane(void **state)
{
    struct lanes lanes;

    (void)state;
    if (!lanes_has_ipv6())
        skip();
    for (int mapped = 0; mapped < 2; mapped++) {
        struct steering_probe_ends ends = {.fd = -1};
        union lanes_address from = {
            .ipv4 = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}}};
        socklen_t size = sizeof from;
        int accepted;

        lanes = lanes_open("::", 3);
        ends.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(ends.fd, &from.any, sizeof from.ipv4), 0);
        assert_int_equal(getsockname(ends.fd, &from.any, &size), 0);
        ends.from = from.room;
        ends.to = from.room;
        ((struct sockaddr_in *)(void *)&ends.to)->sin_port = lanes.address.ipv6.sin6_port;
        ends.size = sizeof from.ipv4;
        if (mapped == 1) {
            struct sockaddr_in6 *form = (struct sockaddr_in6 *)(void *)&ends.from;

            *form =
                (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = from.ipv4.sin_port};
            form->sin6_addr.s6_addr[10] = 0xff;
            form->sin6_addr.s6_addr[11] = 0xff;
            memcpy(&form->sin6_addr.s6_addr[12], &from.ipv4.sin_addr, 4);
        }
        apply_probe(&lanes, &ends, 2);
        connect_probe(&ends);
        assert_int_equal(lanes_accept(&lanes, &accepted), 2);
        (void)close(accepted);
        (void)close(ends.fd);
        lanes_close(&lanes);
    }
}

/* The same port at another address of this machine is the world. */
static void open_is_not_taken_for_its_namesake(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    union lanes_address from = {.ipv4 = {.sin_family = AF_INET}};
    struct steering_probe_ends ends;
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int accepted;

    (void)state;
    assert_int_equal(steering_probe_open(lanes.fds[0], &ends), 0);
    apply_probe(&lanes, &ends, 2);
    from.ipv4.sin_port = ((const struct sockaddr_in *)(const void *)&ends.from)->sin_port;
    from.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 7);
    assert_int_equal(bind(other, &from.any, sizeof from.ipv4), 0);
    assert_int_equal(connect(other, &lanes.address.any, lanes.size), 0);
    assert_int_equal(lanes_accept(&lanes, &accepted), 0);
    (void)close(accepted);
    (void)close(other);
    (void)close(ends.fd);
    lanes_close(&lanes);
}

static void open_keeps_its_port_for_itself(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 1);
    struct steering_probe_ends ends;
    int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;

    (void)state;
    assert_int_equal(steering_probe_open(lanes.fds[0], &ends), 0);
    assert_int_equal(setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(setsockopt(other, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(bind(other, (const struct sockaddr *)&ends.from, ends.size), -1);
    assert_int_equal(errno, EADDRINUSE);
    (void)close(other);
    (void)close(ends.fd);
    lanes_close(&lanes);
}

/* Two at a time, each to its own. */
static void open_twice_reaches_two_lanes(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    struct steering_probe_ends ends[2];
    struct steering_probe probes[2];
    int accepted;

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(steering_probe_open(lanes.fds[0], &ends[i]), 0);
        probes[i] = (struct steering_probe){.from = ends[i].from, .index = 2 + i};
    }
    assert_int_equal(steering_apply(lanes.fds[0], &(struct steering_plan){.shares = &world,
                                                                          .share_count = 1,
                                                                          .probes = probes,
                                                                          .probe_count = 2}),
                     0);
    for (uint32_t i = 0; i < 2; i++) {
        connect_probe(&ends[i]);
        assert_int_equal(lanes_accept(&lanes, &accepted), 2 + i);
        (void)close(accepted);
        (void)close(ends[i].fd);
    }
    lanes_close(&lanes);
}

static void open_to_listener_of_a_device_says_so(void **state)
{
    struct lanes lanes = lanes_open("0.0.0.0", 1);
    struct if_nameindex *all = if_nameindex();
    struct steering_probe_ends ends;
    int device = 0;

    (void)state;
    assert_non_null(all);
    for (const struct if_nameindex *one = all; one->if_index != 0; one++)
        if (one->if_index != 1)
            device = (int)one->if_index;
    if_freenameindex(all);
    if (device == 0) {
        lanes_close(&lanes);
        skip();
    }
    assert_int_equal(
        setsockopt(lanes.fds[0], SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof device), 0);
    assert_int_equal(steering_probe_open(lanes.fds[0], &ends), 1);
    device = 1;
    assert_int_equal(
        setsockopt(lanes.fds[0], SOL_SOCKET, SO_BINDTOIFINDEX, &device, sizeof device), 0);
    assert_int_equal(steering_probe_open(lanes.fds[0], &ends), 0);
    (void)close(ends.fd);
    lanes_close(&lanes);
}

static void open_to_unix_socket_is_refused(void **state)
{
    struct steering_probe_ends ends;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(steering_probe_open(fd, &ends), -EAFNOSUPPORT);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_over_ipv4_reaches_the_lane),
        cmocka_unit_test(open_over_ipv6_reaches_the_lane),
        cmocka_unit_test(open_to_real_addresses_reaches_the_lane),
        cmocka_unit_test(open_dual_stack_over_ipv4_reaches_the_lane),
        cmocka_unit_test(open_is_not_taken_for_its_namesake),
        cmocka_unit_test(open_keeps_its_port_for_itself),
        cmocka_unit_test(open_twice_reaches_two_lanes),
        cmocka_unit_test(open_to_listener_of_a_device_says_so),
        cmocka_unit_test(open_to_unix_socket_is_refused),
    };

    return run_os_tests(tests);
}
