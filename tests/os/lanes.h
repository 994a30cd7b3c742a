/* What the tests of steering share: a group of lanes, and clients of it. */
#pragma once

#include "os/scratch.h"

#include "os/accept_queue.h"
#include "os/listener.h"
#include "os/steering.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

enum {
    LANES_MAX = 256,
    LANES_PATIENCE_MS = 10000, /* of a test that waits for what has to come */
};

union lanes_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_storage room;
};

struct lanes {
    int fds[LANES_MAX]; /* nonblocking; -1: closed */
    size_t count;
    union lanes_address address; /* where clients connect to */
    socklen_t size;
};

/* Is an address of this machine there at all? */
static inline bool lanes_has_ipv6(void)
{
    struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = loopback};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;

    (void)close_fd(fd);
    if (!has)
        print_message("no IPv6 here\n");
    return has;
}

/* Everything to one lane. */
static inline int lanes_apply_one(int fd, uint32_t index)
{
    const struct steering_share share = {.index = index, .weight = 1};

    return steering_apply(fd, &(struct steering_plan){.shares = &share, .share_count = 1});
}

/* Equal shares for lanes first … last. */
static inline int lanes_apply_range(const struct lanes *lanes, uint32_t first, uint32_t last)
{
    struct steering_share shares[LANES_MAX];
    size_t count = 0;

    for (uint32_t i = first; i <= last; i++)
        shares[count++] = (struct steering_share){.index = i, .weight = 1};
    return steering_apply(lanes->fds[0],
                          &(struct steering_plan){.shares = shares, .share_count = count});
}

static inline void lanes_add(struct lanes *lanes)
{
    assert_in_range(lanes->count, 1, LANES_MAX - 1);
    assert_int_equal(steering_open_lane(lanes->fds[0], &lanes->fds[lanes->count]), 0);
    lanes->count++;
}

/* A listener as ours and systemd's are: bound without SO_REUSEPORT; and lanes beside it. Lane 0
 * has everything. */
static inline struct lanes lanes_open(const char *host, size_t count)
{
    struct lanes lanes = {.count = 1, .size = sizeof lanes.address};

    assert_int_equal(listener_open_tcp(host, 0, false, 0, &lanes.fds[0]), 0);
    assert_int_equal(getsockname(lanes.fds[0], &lanes.address.any, &lanes.size), 0);
    assert_int_equal(steering_prepare(lanes.fds[0]), 0);
    while (lanes.count < count)
        lanes_add(&lanes);
    if (count > 1)
        assert_int_equal(lanes_apply_one(lanes.fds[0], 0), 0);
    return lanes;
}

static inline void lanes_close(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        lanes->fds[i] = close_fd(lanes->fds[i]);
}

/* A connection that leaves no TIME_WAIT behind. */
static inline int lanes_connect(const struct lanes *lanes)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = socket(lanes->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    assert_int_equal(connect(fd, &lanes->address.any, lanes->size), 0);
    return fd;
}

/* Accepts one connection from whichever lane has one, and says which lane it was. */
static inline size_t lanes_accept(const struct lanes *lanes, int *ret_fd)
{
    struct pollfd fds[LANES_MAX];

    *ret_fd = -1;
    for (size_t i = 0; i < lanes->count; i++)
        fds[i] = (struct pollfd){.fd = lanes->fds[i], .events = POLLIN};
    assert_true(poll(fds, lanes->count, LANES_PATIENCE_MS) > 0);
    for (size_t i = 0; i < lanes->count; i++) {
        if (fds[i].fd < 0 || fds[i].revents == 0)
            continue;
        *ret_fd = accept4(fds[i].fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(*ret_fd >= 0);
        return i;
    }
    fail_msg("poll says that a lane is readable, and none is");
    return 0;
}

/* One connection: which lane does it get to? */
static inline size_t lanes_hit(const struct lanes *lanes)
{
    int client = lanes_connect(lanes);
    int accepted;
    size_t lane = lanes_accept(lanes, &accepted);

    (void)close(accepted);
    (void)close(client);
    return lane;
}

static inline uint32_t lanes_waiting(const struct lanes *lanes, size_t lane)
{
    struct accept_queue queue;

    assert_int_equal(accept_queue_look(lanes->fds[lane], &queue), 0);
    return queue.waiting;
}

static inline bool lanes_all_empty(const struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->fds[i] >= 0 && lanes_waiting(lanes, i) != 0)
            return false;
    return true;
}

/* A client that has the server's SYN-ACK and keeps its own ACK back until it sends something
 * (tcp_rcv_synsent_state_process()), or for 200 ms at most. */
static inline int lanes_connect_halfway(const struct lanes *lanes)
{
    const int seconds = 1;
    int fd = socket(lanes->address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds),
                     0);
    assert_int_equal(connect(fd, &lanes->address.any, lanes->size), 0);
    return fd;
}
