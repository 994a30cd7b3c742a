#include "os/lanes_load.h"

#include "os/handshakes.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

enum {
    NOBODY = 65534,
};

static bool is_root(void)
{
    if (geteuid() != 0)
        print_message("needs root\n");
    return geteuid() == 0;
}

static int read_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void set_option(int fd, int level, int name, int value)
{
    assert_int_equal(setsockopt(fd, level, name, &value, sizeof value), 0);
}

static void prepare_what_is_no_tcp_listener_is_refused(void **state)
{
    char path[PATH_MAX];
    int fd;

    (void)scratch_path(state, "socket", path);
    assert_int_equal(listener_open_unix(path, 0600, (uid_t)-1, (gid_t)-1, 0, &fd), 0);
    assert_int_equal(steering_prepare(fd), STEERING_NOT_TCP);
    (void)close(fd);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(steering_prepare(fd), STEERING_NOT_TCP);
    (void)close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(steering_prepare(fd), STEERING_NOT_LISTENING);
    (void)close(fd);
}

/* Bound without SO_REUSEPORT, with a connection that waits and one that was accepted. */
static void prepare_late_leaves_connections_alone(void **state)
{
    struct lanes lanes = {.count = 1, .size = sizeof lanes.address};
    int clients[2];
    int accepted;
    int waited;
    char byte;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &lanes.fds[0]), 0);
    assert_int_equal(getsockname(lanes.fds[0], &lanes.address.any, &lanes.size), 0);
    clients[0] = lanes_connect(&lanes);
    assert_int_equal(lanes_accept(&lanes, &accepted), 0);
    clients[1] = lanes_connect(&lanes);
    assert_int_equal(steering_prepare(lanes.fds[0]), 0);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 0), STEERING_NO_GROUP);
    lanes_add(&lanes);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    assert_int_equal(lanes_accept(&lanes, &waited), 0);
    assert_int_equal(write(clients[1], "x", 1), 1);
    assert_int_equal(read(waited, &byte, 1), 1);
    assert_int_equal(write(clients[0], "x", 1), 1);
    assert_int_equal(read(accepted, &byte, 1), 1);
    assert_int_equal(lanes_hit(&lanes), 1);
    (void)close(waited);
    (void)close(accepted);
    (void)close(clients[0]);
    (void)close(clients[1]);
    lanes_close(&lanes);
}

/* With SO_REUSEPORT from the beginning: a group of one, which takes a plan at once. */
static void prepare_of_shared_base_makes_a_group(void **state)
{
    union lanes_address address = {.ipv4 = {.sin_family = AF_INET}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    assert_int_equal(bind(fd, &address.any, sizeof address.ipv4), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(steering_prepare(fd), 0);
    assert_int_equal(lanes_apply_one(fd, 0), 0);
    (void)close(fd);
}

static int prepare_as_nobody(const struct child_ends *ends, void *fd)
{
    (void)ends;
    return seteuid(NOBODY) < 0 ? 99 : steering_prepare(*(const int *)fd);
}

static void prepare_socket_of_another_user_is_refused(void **state)
{
    struct child child;
    int status;
    int fd;

    (void)state;
    if (!is_root())
        skip();
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    child = child_start(prepare_as_nobody, &fd);
    status = child_end(&child, false);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STEERING_OTHER_USER);
    (void)close(fd);
}

/* Root may act for the owner. */
static void open_lane_as_root_joins_another_users_group(void **state)
{
    struct lanes lanes = {.count = 1, .size = sizeof lanes.address};
    struct stat status;

    (void)state;
    if (!is_root())
        skip();
    assert_int_equal(seteuid(NOBODY), 0);
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &lanes.fds[0]), 0);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(getsockname(lanes.fds[0], &lanes.address.any, &lanes.size), 0);
    assert_int_equal(steering_prepare(lanes.fds[0]), 0);
    lanes_add(&lanes);
    assert_int_equal(fstat(lanes.fds[1], &status), 0);
    assert_int_equal(status.st_uid, NOBODY);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    assert_int_equal(lanes_hit(&lanes), 1);
    lanes_close(&lanes);
}

static int accept_as_nobody(const struct child_ends *ends, void *fd)
{
    if (seteuid(NOBODY) < 0 || accept4(*(const int *)fd, NULL, NULL, SOCK_CLOEXEC) < 0)
        return 99;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

/* The worker's connections are its user's, and at the address of the new lane. */
static void open_lane_beside_connections_of_another_user_works(void **state)
{
    struct lanes lanes = {.count = 1, .size = sizeof lanes.address};
    struct child child;
    int client;

    (void)state;
    if (!is_root())
        skip();
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &lanes.fds[0]), 0);
    assert_int_equal(getsockname(lanes.fds[0], &lanes.address.any, &lanes.size), 0);
    client = lanes_connect(&lanes);
    child = child_start(accept_as_nobody, &lanes.fds[0]);
    child_listen(&child);
    assert_int_equal(steering_prepare(lanes.fds[0]), 0);
    lanes_add(&lanes);
    assert_int_equal(child_end(&child, false), 0);
    (void)close(client);
    lanes_close(&lanes);
}

static void open_lane_without_prepare_says_taken(void **state)
{
    int lane;
    int fd;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(steering_open_lane(fd, &lane), STEERING_TAKEN);
    (void)close(fd);
}

static void open_lane_takes_over_what_the_base_has(void **state)
{
    int base;
    int lane;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 37, &base), 0);
    set_option(base, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(base, SOL_SOCKET, SO_RCVBUF, 20000);
    set_option(base, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(base, IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
    set_option(base, IPPROTO_TCP, TCP_KEEPIDLE, 77);
    set_option(base, IPPROTO_IP, IP_TOS, 0x10);
    assert_int_equal(setsockopt(base, IPPROTO_TCP, TCP_CONGESTION, "reno", sizeof "reno" - 1),
                     0);
    assert_int_equal(steering_prepare(base), 0);
    assert_int_equal(steering_open_lane(base, &lane), 0);
    assert_int_equal(read_option(lane, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(read_option(lane, SOL_SOCKET, SO_RCVBUF), 40000);
    assert_int_equal(read_option(lane, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(read_option(lane, IPPROTO_TCP, TCP_DEFER_ACCEPT),
                     read_option(base, IPPROTO_TCP, TCP_DEFER_ACCEPT));
    assert_int_equal(read_option(lane, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(read_option(lane, IPPROTO_IP, IP_TOS), 0x10);
    assert_int_equal(read_option(lane, SOL_SOCKET, SO_ACCEPTCONN), 1);
    assert_int_equal(fcntl(lane, F_GETFL), fcntl(base, F_GETFL));
    assert_true((fcntl(lane, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(lane);
    (void)close(base);
}

static void open_lane_has_the_backlog_of_the_base(void **state)
{
    struct accept_queue queue;
    int base;
    int lane;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 37, &base), 0);
    assert_int_equal(listener_set_nonblocking(base, false), 0);
    assert_int_equal(steering_prepare(base), 0);
    assert_int_equal(steering_open_lane(base, &lane), 0);
    assert_int_equal(accept_queue_look(lane, &queue), 0);
    assert_int_equal(queue.room, 37);
    assert_int_equal(fcntl(lane, F_GETFL) & O_NONBLOCK, 0);
    (void)close(lane);
    (void)close(base);
}

/* The group's array starts with 128 places (INIT_SOCKS). */
static void open_lane_beyond_128_keeps_plan_and_order(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);

    (void)state;
    assert_int_equal(lanes_apply_range(&lanes, 2, 3), 0);
    while (lanes.count < 200)
        lanes_add(&lanes);
    for (int i = 0; i < 50; i++)
        assert_in_range(lanes_hit(&lanes), 2, 3);
    assert_int_equal(lanes_apply_one(lanes.fds[7], 199), 0);
    assert_int_equal(lanes_hit(&lanes), 199);
    lanes_close(&lanes);
}

static void apply_steers_each_lane(const char *host)
{
    struct lanes lanes = lanes_open(host, 6);

    for (uint32_t lane = 0; lane < lanes.count; lane++) {
        assert_int_equal(lanes_apply_one(lanes.fds[lane], lane), 0);
        for (int i = 0; i < 20; i++)
            assert_int_equal(lanes_hit(&lanes), lane);
    }
    lanes_close(&lanes);
}

static void apply_over_ipv4_steers(void **state)
{
    (void)state;
    apply_steers_each_lane("127.0.0.1");
    apply_steers_each_lane("0.0.0.0");
}

static void apply_over_ipv6_steers(void **state)
{
    (void)state;
    if (!lanes_has_ipv6())
        skip();
    apply_steers_each_lane("::1");
    apply_steers_each_lane("::");
}

/* IPv4 clients of [::]. */
static void apply_to_dual_stack_steers_ipv4(void **state)
{
    struct lanes lanes;

    (void)state;
    if (!lanes_has_ipv6())
        skip();
    lanes = lanes_open("::", 3);
    lanes.address.ipv4 = (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = lanes.address.ipv6.sin6_port,
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
    lanes.size = sizeof lanes.address.ipv4;
    for (uint32_t lane = 0; lane < lanes.count; lane++) {
        assert_int_equal(lanes_apply_one(lanes.fds[0], lane), 0);
        for (int i = 0; i < 20; i++)
            assert_int_equal(lanes_hit(&lanes), lane);
    }
    lanes_close(&lanes);
}

/* Same port, other address: another group, with a plan of its own. */
static void apply_leaves_other_groups_alone(void **state)
{
    struct lanes one = lanes_open("127.0.0.1", 3);
    struct lanes two = {.count = 1, .size = one.size, .address = one.address};

    (void)state;
    two.address.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    assert_int_equal(
        listener_open_tcp("127.0.0.2", ntohs(one.address.ipv4.sin_port), false, 0, &two.fds[0]),
        0);
    assert_int_equal(steering_prepare(two.fds[0]), 0);
    lanes_add(&two);
    assert_int_equal(lanes_apply_one(one.fds[0], 2), 0);
    assert_int_equal(lanes_apply_one(two.fds[0], 1), 0);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(lanes_hit(&one), 2);
        assert_int_equal(lanes_hit(&two), 1);
    }
    lanes_close(&two);
    lanes_close(&one);
}

static void apply_equal_shares_is_fair(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 6);
    unsigned hits[6] = {0};
    unsigned least = UINT_MAX;
    unsigned most = 0;

    (void)state;
    assert_int_equal(lanes_apply_range(&lanes, 1, 4), 0);
    for (int i = 0; i < 10000; i++)
        hits[lanes_hit(&lanes)]++;
    for (int i = 1; i <= 4; i++) {
        least = hits[i] < least ? hits[i] : least;
        most = hits[i] > most ? hits[i] : most;
    }
    print_message("%u %u %u %u: max/min %.3f\n", hits[1], hits[2], hits[3], hits[4],
                  (double)most / least);
    assert_int_equal(hits[0] + hits[5], 0);
    assert_true(10 * most <= 13 * least);
    lanes_close(&lanes);
}

/* 5 % of 4,000 are 200, with a standard deviation of 14. */
static void apply_weights_are_kept(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    const struct steering_share shares[] = {
        {.index = 3, .weight = 950}, {.index = 1, .weight = 50}, {.index = 0, .weight = 0}};
    unsigned hits[4] = {0};

    (void)state;
    assert_int_equal(steering_apply(lanes.fds[0], &(struct steering_plan){.shares = shares,
                                                                          .share_count = 3}),
                     0);
    for (int i = 0; i < 4000; i++)
        hits[lanes_hit(&lanes)]++;
    assert_int_equal(hits[0] + hits[2], 0);
    assert_in_range(hits[1], 115, 285);
    lanes_close(&lanes);
}

static void apply_to_shut_down_lane_is_refused(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);

    (void)state;
    assert_int_equal(shutdown(lanes.fds[1], SHUT_RD), 0);
    assert_int_equal(lanes_apply_one(lanes.fds[1], 0), STEERING_NOT_LISTENING);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 0), 0);
    lanes_close(&lanes);
}

/* A handshake belongs to the lane that its SYN was given to. */
static void apply_during_a_handshake_leaves_it_where_it_was(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);
    int client = lanes_connect_halfway(&lanes);
    int accepted;

    (void)state;
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    assert_true(lanes_all_empty(&lanes));
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(lanes_accept(&lanes, &accepted), 0);
    (void)close(accepted);
    (void)close(client);
    lanes_close(&lanes);
}

static void apply_leaves_what_waits_in_a_quiet_lane(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);
    int clients[5];
    int accepted;

    (void)state;
    for (int i = 0; i < 5; i++)
        clients[i] = lanes_connect(&lanes);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    assert_int_equal(lanes_waiting(&lanes, 0), 5);
    for (int i = 0; i < 5; i++) {
        char byte;

        assert_int_equal(lanes_accept(&lanes, &accepted), 0);
        assert_int_equal(write(accepted, "x", 1), 1);
        assert_int_equal(read(clients[i], &byte, 1), 1);
        (void)close(accepted);
        (void)close(clients[i]);
    }
    lanes_close(&lanes);
}

static int apply_and_die(const struct child_ends *ends, void *argument)
{
    const struct lanes *lanes = argument;

    if (lanes_apply_one(lanes->fds[0], 2) != 0)
        return 99;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static void apply_outlives_who_did_it(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    struct child child = child_start(apply_and_die, &lanes);

    (void)state;
    child_listen(&child);
    (void)child_end(&child, true);
    for (int i = 0; i < 20; i++)
        assert_int_equal(lanes_hit(&lanes), 2);
    lanes_close(&lanes);
}

/* What servers do to a listening socket that they were given. */
static void apply_after_a_workers_own_options_steers(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    int lane = lanes.fds[1];

    (void)state;
    set_option(lane, SOL_SOCKET, SO_REUSEPORT, 1);
    set_option(lane, SOL_SOCKET, SO_REUSEADDR, 0);
    set_option(lane, SOL_SOCKET, SO_INCOMING_CPU, 0);
    set_option(lane, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(lane, IPPROTO_TCP, TCP_FASTOPEN, 16);
    set_option(lane, SOL_SOCKET, SO_LOCK_FILTER, 1);
    assert_int_equal(listen(lane, 3), 0);
    assert_int_equal(lanes_apply_one(lane, 1), -EPERM);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(lanes_hit(&lanes), 1);
    lanes_add(&lanes);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 3), 0);
    assert_int_equal(lanes_hit(&lanes), 3);
    lanes_close(&lanes);
}

/* With TCP_DEFER_ACCEPT: until the client has spoken, nothing is in the queue. */
static void apply_with_deferred_accept_steers(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);
    int accepted;
    int client;

    (void)state;
    set_option(lanes.fds[1], IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    client = lanes_connect(&lanes);
    assert_true(lanes_all_empty(&lanes));
    assert_int_equal(lanes_apply_one(lanes.fds[0], 0), 0);
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(lanes_accept(&lanes, &accepted), 1);
    (void)close(accepted);
    (void)close(client);
    lanes_close(&lanes);
}

static void apply_1000_times_under_load_loses_nothing(void **state)
{
    struct load *load = load_begin("127.0.0.1");

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(lanes_apply_range(&load->lanes, i % 4, i % 4 == 3 ? 3 : i % 4 + 1), 0);
        load_ask_once(load);
    }
    load_end(load);
}

/* What happens when a service is stopped: its lanes are gone with it, systemd has the base. */
static void apply_then_close_of_all_lanes_leaves_the_base(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);

    (void)state;
    assert_int_equal(lanes_apply_range(&lanes, 2, 3), 0);
    for (size_t i = 1; i < 4; i++)
        lanes.fds[i] = close_fd(lanes.fds[i]);
    for (int i = 0; i < 20; i++)
        assert_int_equal(lanes_hit(&lanes), 0);
    lanes_close(&lanes);
}

/* A network of our own, where every SYN is answered by a cookie (tcp_syncookies = 2). */
static void enter_network_of_cookies(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd;

    assert_int_equal(unshare(CLONE_NEWNET), 0);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    (void)close(fd);
    fd = open("/proc/sys/net/ipv4/tcp_syncookies", O_WRONLY | O_CLOEXEC);
    assert_int_equal(write(fd, "2", 1), 1);
    (void)close(fd);
}

/* Under a flood of SYNs nothing is kept of a handshake, so its end chooses the lane; the cookie
 * of one lane is good for the others. */
static void apply_under_syn_cookies_counts_at_the_end_of_the_handshake(void **state)
{
    struct handshakes handshakes;
    struct lanes lanes;
    int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int accepted;
    int client;

    (void)state;
    if (!is_root()) {
        (void)close_fd(before);
        skip();
    }
    enter_network_of_cookies();
    lanes = lanes_open("127.0.0.1", 2);
    client = lanes_connect_halfway(&lanes);
    assert_int_equal(handshakes_take(lanes.fds[0], &handshakes), 0);
    assert_int_equal(handshakes.count, 0);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    assert_int_equal(write(client, "x", 1), 1);
    assert_int_equal(lanes_accept(&lanes, &accepted), 1);
    (void)close(accepted);
    (void)close(client);
    lanes_close(&lanes);
    assert_int_equal(setns(before, CLONE_NEWNET), 0);
    (void)close(before);
}

static void refusal_text_is_there_for_all(void **state)
{
    (void)state;
    for (int refusal = STEERING_NOT_TCP; refusal <= STEERING_NO_GROUP; refusal++)
        assert_string_not_equal(steering_refusal_text((enum steering_refusal)refusal),
                                "unknown reason");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(prepare_what_is_no_tcp_listener_is_refused),
        cmocka_unit_test(prepare_late_leaves_connections_alone),
        cmocka_unit_test(prepare_of_shared_base_makes_a_group),
        cmocka_unit_test(prepare_socket_of_another_user_is_refused),
        cmocka_unit_test(open_lane_as_root_joins_another_users_group),
        cmocka_unit_test(open_lane_beside_connections_of_another_user_works),
        cmocka_unit_test(open_lane_without_prepare_says_taken),
        cmocka_unit_test(open_lane_takes_over_what_the_base_has),
        cmocka_unit_test(open_lane_has_the_backlog_of_the_base),
        cmocka_unit_test(open_lane_beyond_128_keeps_plan_and_order),
        cmocka_unit_test(apply_over_ipv4_steers),
        cmocka_unit_test(apply_over_ipv6_steers),
        cmocka_unit_test(apply_to_dual_stack_steers_ipv4),
        cmocka_unit_test(apply_leaves_other_groups_alone),
        cmocka_unit_test(apply_equal_shares_is_fair),
        cmocka_unit_test(apply_weights_are_kept),
        cmocka_unit_test(apply_to_shut_down_lane_is_refused),
        cmocka_unit_test(apply_during_a_handshake_leaves_it_where_it_was),
        cmocka_unit_test(apply_leaves_what_waits_in_a_quiet_lane),
        cmocka_unit_test(apply_outlives_who_did_it),
        cmocka_unit_test(apply_after_a_workers_own_options_steers),
        cmocka_unit_test(apply_with_deferred_accept_steers),
        cmocka_unit_test(apply_1000_times_under_load_loses_nothing),
        cmocka_unit_test(apply_then_close_of_all_lanes_leaves_the_base),
        cmocka_unit_test(refusal_text_is_there_for_all),
        /* The last: it leaves the network. */
        cmocka_unit_test(apply_under_syn_cookies_counts_at_the_end_of_the_handshake),
    };

    return run_os_tests(tests);
}
