#include "os/lanes_load.h"

#include "os/handshakes.h"
#include "os/steering_order.h"

static const struct steering_share all_to_first = {.index = 0, .weight = 1};
static const struct steering_plan first_only = {.shares = &all_to_first, .share_count = 1};

static void learn_fresh_group_finds_order_of_opening(const char *host)
{
    struct lanes lanes = lanes_open(host, 5);
    uint32_t indexes[5];

    assert_int_equal(steering_order_learn(lanes.fds, 5, &first_only, indexes), 0);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(indexes[i], i);
    assert_true(lanes_all_empty(&lanes));
    lanes_close(&lanes);
}

static void learn_ipv4_finds_order_of_opening(void **state)
{
    (void)state;
    learn_fresh_group_finds_order_of_opening("127.0.0.1");
    learn_fresh_group_finds_order_of_opening("0.0.0.0");
}

static void learn_ipv6_finds_order_of_opening(void **state)
{
    (void)state;
    if (!lanes_has_ipv6())
        skip();
    learn_fresh_group_finds_order_of_opening("::1");
    learn_fresh_group_finds_order_of_opening("::");
}

/* What nobody should do: the last lane moves into the hole. */
static void learn_after_close_finds_the_last_in_the_hole(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 5);
    int left[4];
    uint32_t indexes[4];

    (void)state;
    lanes.fds[1] = close_fd(lanes.fds[1]);
    left[0] = lanes.fds[0];
    left[1] = lanes.fds[2];
    left[2] = lanes.fds[3];
    left[3] = lanes.fds[4];
    assert_int_equal(steering_order_learn(left, 4, &first_only, indexes), 0);
    assert_int_equal(indexes[0], 0);
    assert_int_equal(indexes[1], 2);
    assert_int_equal(indexes[2], 3);
    assert_int_equal(indexes[3], 1);
    lanes_close(&lanes);
}

/* A lane that was opened and not put into safety before the primary died, say. */
static void learn_passes_over_sockets_of_others(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    const int ours[] = {lanes.fds[3], lanes.fds[0]};
    uint32_t indexes[2];

    (void)state;
    assert_int_equal(steering_order_learn(ours, 2, &first_only, indexes), 0);
    assert_int_equal(indexes[0], 3);
    assert_int_equal(indexes[1], 0);
    lanes_close(&lanes);
}

static void learn_with_shut_down_lane_finds_the_others(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    uint32_t indexes[4];

    (void)state;
    assert_int_equal(shutdown(lanes.fds[0], SHUT_RD), 0);
    assert_int_equal(steering_order_learn(lanes.fds, 4, &first_only, indexes), 1);
    assert_int_equal(indexes[0], STEERING_INDEX_NONE);
    assert_int_equal(indexes[1], 1);
    assert_int_equal(indexes[2], 2);
    assert_int_equal(indexes[3], 0);
    lanes_close(&lanes);
}

static void learn_after_shutdown_and_listen_finds_it_at_the_end(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    uint32_t indexes[4];

    (void)state;
    assert_int_equal(shutdown(lanes.fds[1], SHUT_RD), 0);
    assert_int_equal(listen(lanes.fds[1], 5), 0);
    assert_int_equal(steering_order_learn(lanes.fds, 4, &first_only, indexes), 0);
    assert_int_equal(indexes[0], 0);
    assert_int_equal(indexes[1], 3);
    assert_int_equal(indexes[2], 2);
    assert_int_equal(indexes[3], 1);
    lanes_close(&lanes);
}

/* Its queue is full, so the kernel answers no SYN for it: it is found by what is left over. */
static void learn_with_one_full_lane_finds_all(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    uint32_t indexes[3];
    int clients[2];

    (void)state;
    assert_int_equal(listen(lanes.fds[1], 1), 0);
    assert_int_equal(lanes_apply_one(lanes.fds[0], 1), 0);
    for (int i = 0; i < 2; i++)
        clients[i] = lanes_connect(&lanes);
    assert_int_equal(steering_order_learn(lanes.fds, 3, &first_only, indexes), 0);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(indexes[i], i);
    assert_int_equal(lanes_waiting(&lanes, 1), 2);
    for (int i = 0; i < 2; i++)
        (void)close(clients[i]);
    lanes_close(&lanes);
}

static void learn_leaves_the_plan_in_force(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 4);
    const struct steering_share share = {.index = 2, .weight = 1};
    uint32_t indexes[4];

    (void)state;
    assert_int_equal(
        steering_order_learn(
            lanes.fds, 4, &(struct steering_plan){.shares = &share, .share_count = 1}, indexes),
        0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(lanes_hit(&lanes), 2);
    lanes_close(&lanes);
}

/* Nothing half open stays behind, and the segments are as they were, also where a primary died
 * before it could put them back. */
static void learn_leaves_no_trace(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    const int chosen = 1200;
    const int left_over = 16001;
    struct handshakes handshakes;
    uint32_t indexes[3];
    int segment;
    socklen_t size = sizeof segment;

    (void)state;
    assert_int_equal(setsockopt(lanes.fds[1], IPPROTO_TCP, TCP_MAXSEG, &chosen, sizeof chosen),
                     0);
    assert_int_equal(
        setsockopt(lanes.fds[2], IPPROTO_TCP, TCP_MAXSEG, &left_over, sizeof left_over), 0);
    assert_int_equal(steering_order_learn(lanes.fds, 3, &first_only, indexes), 0);
    assert_int_equal(handshakes_take(lanes.fds[0], &handshakes), 0);
    assert_int_equal(handshakes.count, 0);
    handshakes_release(&handshakes);
    assert_int_equal(getsockopt(lanes.fds[1], IPPROTO_TCP, TCP_MAXSEG, &segment, &size), 0);
    assert_int_equal(segment, chosen);
    assert_int_equal(getsockopt(lanes.fds[2], IPPROTO_TCP, TCP_MAXSEG, &segment, &size), 0);
    assert_int_equal(segment, 536);
    assert_true(lanes_all_empty(&lanes));
    lanes_close(&lanes);
}

/* The order of a group at work: found each time, and nobody notices. */
static void learn_200_times_under_load_loses_nothing(void **state)
{
    struct load *load = load_begin("127.0.0.1");
    const struct steering_share shares[] = {
        {.index = 1, .weight = 1}, {.index = 2, .weight = 1}, {.index = 3, .weight = 1}};
    const struct steering_plan plan = {.shares = shares, .share_count = 3};
    uint32_t indexes[LOAD_WORKERS];

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(steering_order_learn(load->lanes.fds, LOAD_WORKERS, &plan, indexes),
                         0);
        for (uint32_t lane = 0; lane < LOAD_WORKERS; lane++)
            assert_int_equal(indexes[lane], lane);
        load_ask_once(load);
    }
    load_end(load);
}

/* Whichever of the lanes it is that the kernel meets first. */
static void learn_mends_lanes_that_a_worker_unshared(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    const int off = 0;
    uint32_t indexes[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(setsockopt(lanes.fds[i], SOL_SOCKET, SO_REUSEPORT, &off, sizeof off),
                         0);
    assert_int_equal(steering_order_learn(lanes.fds, 3, &first_only, indexes), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(indexes[i], i);
        assert_int_equal(lanes_apply_one(lanes.fds[0], i), 0);
        assert_int_equal(lanes_hit(&lanes), i);
    }
    lanes_close(&lanes);
}

static void learn_with_locked_filter_takes_another_lane(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 2);
    const int on = 1;
    uint32_t indexes[2];

    (void)state;
    assert_int_equal(setsockopt(lanes.fds[0], SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on), 0);
    assert_int_equal(steering_order_learn(lanes.fds, 2, &first_only, indexes), 0);
    assert_int_equal(indexes[1], 1);
    assert_int_equal(steering_order_learn(lanes.fds, 1, &first_only, indexes), -EPERM);
    lanes_close(&lanes);
}

static void learn_without_a_listening_lane_is_refused(void **state)
{
    uint32_t index;
    struct lanes alone = lanes_open("127.0.0.1", 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(steering_order_learn(&fd, 1, &first_only, &index), -ENOTCONN);
    assert_int_equal(steering_order_learn(&fd, 0, &first_only, &index), -EINVAL);
    assert_int_equal(steering_order_learn(alone.fds, 1, &first_only, &index), -ENOTCONN);
    lanes_close(&alone);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learn_ipv4_finds_order_of_opening),
        cmocka_unit_test(learn_ipv6_finds_order_of_opening),
        cmocka_unit_test(learn_after_close_finds_the_last_in_the_hole),
        cmocka_unit_test(learn_passes_over_sockets_of_others),
        cmocka_unit_test(learn_with_shut_down_lane_finds_the_others),
        cmocka_unit_test(learn_after_shutdown_and_listen_finds_it_at_the_end),
        cmocka_unit_test(learn_with_one_full_lane_finds_all),
        cmocka_unit_test(learn_leaves_the_plan_in_force),
        cmocka_unit_test(learn_leaves_no_trace),
        cmocka_unit_test(learn_200_times_under_load_loses_nothing),
        cmocka_unit_test(learn_mends_lanes_that_a_worker_unshared),
        cmocka_unit_test(learn_with_locked_filter_takes_another_lane),
        cmocka_unit_test(learn_without_a_listening_lane_is_refused),
    };

    return run_os_tests(tests);
}
