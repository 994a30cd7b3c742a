#include "reloadd/lane_group.h"

#include "os/scratch.h"

#include "os/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { CLIENTS = 40 };

/* A listener with its group. */
struct fixture {
    int fd;
    struct fd_store store; /* keeps nothing: nobody listens to us */
    struct lane_group group;
    int clients[CLIENTS];
    size_t client_n;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fixture->fd), 0);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    while (fixture->client_n > 0)
        (void)close(fixture->clients[--fixture->client_n]);
    lane_group_release(&fixture->group);
    (void)close(fixture->fd);
    free(fixture);
    return 0;
}

static void begin(struct fixture *fixture, size_t lanes)
{
    assert_int_equal(lane_group_begin(&fixture->group, fixture->fd, &fixture->store, NULL, 0),
                     0);
    assert_null(fixture->group.refusal);
    assert_int_equal(lane_group_grow(&fixture->group, lanes), 0);
    assert_true(fixture->group.n >= lanes);
}

/* Connections that nobody accepts: each is in the queue of its lane when connect(2) is back. */
static void connect_some(struct fixture *fixture, size_t n)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    assert_int_equal(getsockname(fixture->fd, (struct sockaddr *)(void *)&address, &size), 0);
    for (size_t i = 0; i < n; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0 && fixture->client_n < CLIENTS);
        fixture->clients[fixture->client_n++] = fd;
        assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&address, size), 0);
    }
}

static unsigned waiting_in_all(const struct lane_group *group)
{
    unsigned waiting = 0;

    for (uint32_t i = 0; i < group->n; i++)
        waiting += lane_group_waiting(group, i);
    return waiting;
}

static void begin_without_lanes_gives_all_to_the_listener(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 3);
    connect_some(fixture, 10);
    assert_int_equal(lane_group_waiting(&fixture->group, 0), 10);
    assert_true(lane_group_names(&fixture->group, 0));
    assert_false(lane_group_names(&fixture->group, 1));
    assert_false(lane_group_names(&fixture->group, 7));
}

static void begin_twice_changes_nothing(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 3);
    begin(fixture, 2);
    assert_int_equal(fixture->group.n, 3);
}

static void steer_gives_to_the_named_lanes_alone(void **state)
{
    struct fixture *fixture = *state;
    const struct lane_share shares[] = {{1, 1}, {3, 1}};

    begin(fixture, 4);
    assert_int_equal(lane_group_steer(&fixture->group, shares, 2), 0);
    connect_some(fixture, CLIENTS);
    assert_int_equal(lane_group_waiting(&fixture->group, 0), 0);
    assert_int_equal(lane_group_waiting(&fixture->group, 2), 0);
    assert_true(lane_group_waiting(&fixture->group, 1) > 0);
    assert_true(lane_group_waiting(&fixture->group, 3) > 0);
    assert_int_equal(waiting_in_all(&fixture->group), CLIENTS);
}

static void steer_to_nobody_gives_to_lane_0(void **state)
{
    struct fixture *fixture = *state;
    const struct lane_share shares[] = {{1, 1}};

    begin(fixture, 2);
    assert_int_equal(lane_group_steer(&fixture->group, shares, 1), 0);
    assert_int_equal(lane_group_steer(&fixture->group, NULL, 0), 0);
    connect_some(fixture, 5);
    assert_int_equal(lane_group_waiting(&fixture->group, 0), 5);
}

static void begin_takes_back_the_lanes_of_an_earlier_primary(void **state)
{
    struct fixture *fixture = *state;
    const struct lane_share shares[] = {{2, 1}};
    struct fd_store store = {.n = 3};
    struct stored_fd items[3];
    char names[2][FD_NAME_SIZE];
    struct lane_group second = {0};

    begin(fixture, 4);
    assert_int_equal(lane_group_steer(&fixture->group, shares, 1), 0);
    connect_some(fixture, 6);
    /* Lane 1 got lost, the order is another one, and something else is among them. */
    lane_group_store_name(&fixture->group, 3, names[0]);
    lane_group_store_name(&fixture->group, 2, names[1]);
    items[0] = (struct stored_fd){dup(fixture->group.lanes[3].fd), strdup(names[0])};
    items[1] = (struct stored_fd){-1, strdup("lane-1-1")};
    items[2] = (struct stored_fd){dup(fixture->group.lanes[2].fd), strdup(names[1])};
    store.items = items;
    assert_int_equal(lane_group_begin(&second, fixture->fd, &store, shares, 1), 0);
    assert_int_equal(second.n, 4);
    assert_int_equal(second.lanes[1].fd, -1);
    assert_int_equal(second.lanes[2].inode, fixture->group.lanes[2].inode);
    for (size_t i = 0; i < 4; i++)
        if (i != 1)
            assert_int_equal(second.lanes[i].index, fixture->group.lanes[i].index);
    /* The plan goes on, with what waits; and a lane that is not there gets nothing. */
    connect_some(fixture, 6);
    assert_int_equal(lane_group_waiting(&second, 2), 12);
    assert_int_equal(lane_group_steer(&second, &(struct lane_share){1, 1}, 1), 0);
    connect_some(fixture, 3);
    assert_int_equal(lane_group_waiting(&second, 0), 3);
    for (size_t i = 0; i < 3; i++)
        free(items[i].name);
    lane_group_leave(&second);
}

static void was_left_knows_lanes_by_their_listener(void **state)
{
    struct fixture *fixture = *state;
    char name[FD_NAME_SIZE];
    struct stored_fd item = {.fd = 0};
    struct fd_store store = {.items = &item, .n = 1};

    begin(fixture, 2);
    lane_group_store_name(&fixture->group, 1, name);
    item.name = name;
    assert_true(lane_group_was_left(fixture->fd, &store));
    item.fd = -1;
    assert_false(lane_group_was_left(fixture->fd, &store));
    item = (struct stored_fd){0, (char[]){"lane-1-1"}};
    assert_false(lane_group_was_left(fixture->fd, &store));
}

static void mend_brings_back_a_lane_that_was_shut_down(void **state)
{
    struct fixture *fixture = *state;
    const struct lane_share shares[] = {{2, 1}};

    begin(fixture, 3);
    assert_int_equal(lane_group_mend(&fixture->group), 0);
    assert_int_equal(shutdown(fixture->group.lanes[1].fd, SHUT_RDWR), 0);
    assert_int_equal(lane_group_mend(&fixture->group), 1);
    assert_int_equal(lane_group_steer(&fixture->group, shares, 1), 0);
    connect_some(fixture, 10);
    assert_int_equal(lane_group_waiting(&fixture->group, 2), 10);
    assert_int_equal(lane_group_steer(&fixture->group, &(struct lane_share){1, 1}, 1), 0);
    connect_some(fixture, 10);
    assert_int_equal(lane_group_waiting(&fixture->group, 1), 10);
}

/* The fixture's was bound to port 0: the kernel would give it another one. */
static void mend_brings_back_the_listener_with_its_port(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 3);
    assert_int_equal(shutdown(fixture->fd, SHUT_RDWR), 0);
    assert_int_equal(lane_group_mend(&fixture->group), 1);
    assert_int_equal(lane_group_steer(&fixture->group, &(struct lane_share){2, 1}, 1), 0);
    connect_some(fixture, 10);
    assert_int_equal(lane_group_waiting(&fixture->group, 2), 10);
}

static void shut_down(struct fixture *fixture, uint32_t lane)
{
    assert_int_equal(shutdown(fixture->group.lanes[lane].fd, SHUT_RDWR), 0);
}

/* The last lane and the one before are the plan: those that the kernel would move first. */
static void all_goes_to_the_last_two(struct fixture *fixture)
{
    uint32_t last = (uint32_t)fixture->group.n - 1;
    unsigned before = lane_group_waiting(&fixture->group, last) +
                      lane_group_waiting(&fixture->group, last - 1);

    connect_some(fixture, 4);
    assert_int_equal(lane_group_waiting(&fixture->group, last) +
                         lane_group_waiting(&fixture->group, last - 1),
                     before + 4);
}

static void lanes_that_are_shut_down_move_none_that_is_named(void **state)
{
    struct fixture *fixture = *state;
    const struct lane_share shares[] = {{9, 1}, {10, 1}};
    const struct lane_share more[] = {{11, 1}, {12, 1}};

    begin(fixture, 11);
    assert_int_equal(lane_group_steer(&fixture->group, shares, 2), 0);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t lane = 0; lane < LANE_SPARES; lane += round + 1)
            shut_down(fixture, 1 + (lane + round) % LANE_SPARES);
        all_goes_to_the_last_two(fixture);
        assert_int_equal(lane_group_mend(&fixture->group), 1);
        assert_int_equal(lane_group_steer(&fixture->group, shares, 2), 0);
        all_goes_to_the_last_two(fixture);
    }
    /* More lanes are before the spares, too. */
    assert_int_equal(lane_group_grow(&fixture->group, 13), 0);
    assert_int_equal(lane_group_steer(&fixture->group, more, 2), 0);
    shut_down(fixture, 8);
    shut_down(fixture, 3);
    all_goes_to_the_last_two(fixture);
}

static void probe_reaches_a_lane_that_gets_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct steering_probe_ends ends;

    begin(fixture, 3);
    assert_int_equal(lane_group_probe(&fixture->group, 2, &ends), 0);
    assert_true(connect(ends.fd, (const struct sockaddr *)(const void *)&ends.to, ends.size) ==
                    0 ||
                errno == EINPROGRESS);
    connect_some(fixture, 10);
    assert_int_equal(lane_group_waiting(&fixture->group, 2), 1);
    assert_int_equal(lane_group_waiting(&fixture->group, 0), 10);
    lane_group_probe_end(&fixture->group, &ends);
    assert_int_equal(fixture->group.probe_n, 0);
    (void)close(ends.fd);
    assert_int_equal(lane_group_probe(&fixture->group, 9, &ends), 1);
}

static void probes_have_a_limit(void **state)
{
    struct fixture *fixture = *state;
    struct steering_probe_ends ends[STEERING_PROBES_MAX];
    size_t n = 0;

    begin(fixture, 2);
    while (lane_group_probe(&fixture->group, 1, &ends[n]) == 0)
        n++;
    assert_int_equal(n, STEERING_PROBES_MAX - 1);
    assert_int_equal(lane_group_probe(&fixture->group, 1, &ends[n]), -EBUSY);
    while (n > 0) {
        lane_group_probe_end(&fixture->group, &ends[--n]);
        (void)close(ends[n].fd);
    }
    assert_int_equal(fixture->group.probe_n, 0);
}

static void begin_refuses_what_is_no_tcp_socket(void **state)
{
    struct fixture *fixture = *state;
    struct lane_group group = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(lane_group_begin(&group, fd, &fixture->store, NULL, 0), 0);
    assert_string_equal(group.refusal, "it is no TCP socket");
    assert_int_equal(group.n, 0);
    /* Asked once is asked for good. */
    assert_int_equal(lane_group_begin(&group, fixture->fd, &fixture->store, NULL, 0), 0);
    assert_int_equal(group.n, 0);
    lane_group_release(&group);
    (void)close(fd);
}

static void grow_beyond_the_kernels_program_is_refused(void **state)
{
    struct fixture *fixture = *state;

    begin(fixture, 2);
    assert_int_equal(lane_group_grow(&fixture->group, STEERING_SHARES_MAX + 1), 1);
    assert_int_equal(fixture->group.n, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(begin_without_lanes_gives_all_to_the_listener, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(begin_twice_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(steer_gives_to_the_named_lanes_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(steer_to_nobody_gives_to_lane_0, set_up, tear_down),
        cmocka_unit_test_setup_teardown(begin_takes_back_the_lanes_of_an_earlier_primary,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(was_left_knows_lanes_by_their_listener, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(mend_brings_back_a_lane_that_was_shut_down, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(mend_brings_back_the_listener_with_its_port, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(lanes_that_are_shut_down_move_none_that_is_named,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(probe_reaches_a_lane_that_gets_nothing_else, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(probes_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(begin_refuses_what_is_no_tcp_socket, set_up, tear_down),
        cmocka_unit_test_setup_teardown(grow_beyond_the_kernels_program_is_refused, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
