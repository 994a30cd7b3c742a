/* What the tests of capture share: a worker under the filter, and a desk that answers it as the
 * primary would, with one listener to give away. */
#pragma once

#include "os/scratch.h"

#include "os/capture.h"
#include "os/capture_filter.h"
#include "os/listener.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum {
    DESK_PATIENCE_MS =
        30000, /* for a program to do the next thing; never reached but by a fault */
};

struct desk {
    int notices; /* of the worker's filter */
    int lane;
    struct sockaddr_storage address; /* of the lane */
    socklen_t address_size;
    uint64_t inode;
    bool on_listen; /* puts the lane in place at listen(2), whatever was bound */
    int placed;
    int passed;
    int answered;
    int listens; /* on the lane */
    struct capture_request placed_last;
    struct capture_request passed_last;
};

struct captured {
    struct child child;
    int notices;
};

struct captured_start {
    int channel;
    enum capture_filter_scope scope;
    int (*body)(const struct child_ends *, void *);
    void *argument;
};

static inline int captured_body(const struct child_ends *ends, void *argument)
{
    const struct captured_start *start = argument;
    int fd;

    if (capture_filter_install(start->scope, &fd) < 0 ||
        capture_filter_hand_over(start->channel, fd) < 0)
        return 98;
    (void)close(fd);
    (void)close(start->channel);
    return start->body(ends, start->argument);
}

static inline void wait_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int rv;

    do {
        rv = poll(&item, 1, DESK_PATIENCE_MS);
    } while (rv < 0 && errno == EINTR);
    assert_int_equal(rv, 1);
}

/* Starts a child under the filter and takes its descriptor, as the primary does. */
static inline struct captured captured_start_in(enum capture_filter_scope scope,
                                                int (*body)(const struct child_ends *, void *),
                                                void *argument)
{
    struct captured_start start = {.scope = scope, .body = body, .argument = argument};
    struct captured captured;
    int channel[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    assert_int_equal(capture_take(channel[0], &captured.notices), 1);
    start.channel = channel[1];
    captured.child = child_start(captured_body, &start);
    (void)close(channel[1]);
    wait_readable(channel[0]);
    assert_int_equal(capture_take(channel[0], &captured.notices), 0);
    (void)close(channel[0]);
    return captured;
}

static inline struct captured captured_start(int (*body)(const struct child_ends *, void *),
                                             void *argument)
{
    return captured_start_in(CAPTURE_FILTER_ALL, body, argument);
}

/* Kills it where it has not ended, and forgets it. */
static inline void captured_kill(struct captured *captured)
{
    (void)child_end(&captured->child, true);
    captured->notices = close_fd(captured->notices);
}

static inline void desk_open(struct desk *desk, int lane)
{
    struct listener_identity identity;

    *desk = (struct desk){.notices = -1, .lane = lane};
    desk->address_size = sizeof desk->address;
    assert_int_equal(getsockname(lane, (struct sockaddr *)&desk->address, &desk->address_size),
                     0);
    assert_int_equal(listener_identify(lane, &identity), 0);
    desk->inode = identity.inode;
}

static inline uint16_t desk_port(const struct desk *desk)
{
    /* The port is at the same place in both kinds of address. */
    return ntohs(((const struct sockaddr_in *)&desk->address)->sin_port);
}

/* Opens a lane on a port that the kernel chooses. */
static inline void desk_open_tcp(struct desk *desk, const char *host)
{
    int lane;

    assert_int_equal(listener_open_tcp(host, 0, false, 0, &lane), 0);
    desk_open(desk, lane);
}

static inline void desk_close(struct desk *desk)
{
    desk->lane = close_fd(desk->lane);
}

/* Does the worker ask for what the lane is? */
static inline bool desk_wants(const struct desk *desk, const struct capture_request *request)
{
    if (request->address_size == 0 || request->socket.family != desk->address.ss_family)
        return false;
    if (desk->address.ss_family == AF_UNIX)
        return request->address_size >= desk->address_size &&
               memcmp(&request->address, &desk->address, desk->address_size) == 0;
    return ((const struct sockaddr_in *)&request->address)->sin_port == htons(desk_port(desk));
}

/* Answers one call as the primary would. */
static inline void desk_answer(struct desk *desk, const struct capture_request *request)
{
    bool ours = request->socket.inode == desk->inode;

    if (ours) {
        desk->answered++;
        desk->listens += request->call == CAPTURE_LISTEN;
        assert_int_equal(capture_answer(desk->notices, request, 0), 0);
    } else if (request->call == CAPTURE_BIND ? desk_wants(desk, request) : desk->on_listen) {
        desk->placed++;
        desk->placed_last = *request;
        assert_int_equal(capture_place(desk->notices, request, desk->lane), 0);
    } else {
        desk->passed++;
        desk->passed_last = *request;
        assert_int_equal(capture_pass(desk->notices, request), 0);
    }
}

/* Answers what is asked, until `news` is readable or closed. */
static inline void desk_serve(struct desk *desk, struct captured *captured, int news)
{
    struct pollfd items[] = {{.fd = captured->notices, .events = POLLIN},
                             {.fd = news, .events = POLLIN}};

    desk->notices = captured->notices;
    for (;;) {
        struct capture_request request;
        int rv = poll(items, 2, DESK_PATIENCE_MS);

        if (rv < 0 && errno == EINTR)
            continue;
        assert_true(rv > 0);
        rv = capture_receive(captured->notices, &request);
        if (rv == 0)
            desk_answer(desk, &request);
        else if (rv == CAPTURE_ENDED)
            items[0].fd = -1;
        else
            assert_int_equal(rv, CAPTURE_NONE);
        if (rv != 0 && items[1].revents != 0)
            return;
    }
}

/* Receives the next call, waiting for it. */
static inline void desk_receive(const struct captured *captured,
                                struct capture_request *ret_request)
{
    int rv;

    do {
        wait_readable(captured->notices);
        rv = capture_receive(captured->notices, ret_request);
    } while (rv == CAPTURE_NONE);
    assert_int_equal(rv, 0);
}

/* Serves the worker to its end, which must be a good one. */
static inline void desk_serve_to_end(struct desk *desk, struct captured *captured)
{
    desk_serve(desk, captured, captured->child.news);
    assert_int_equal(child_end(&captured->child, false), 0);
    captured->notices = close_fd(captured->notices);
}

/* In a worker: ends it with the line of a check that failed. */
#define WORKER_CHECK(condition)                                                                \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            (void)dprintf(STDERR_FILENO, "worker: line %d: %s (%s)\n", __LINE__, #condition,   \
                          strerrordesc_np(errno));                                             \
            return 1;                                                                          \
        }                                                                                      \
    } while (0)

enum {
    BACKLOG = 7, /* that workers ask for */
};

/* What a worker is given: where to bind. */
struct place {
    struct sockaddr_storage address;
    socklen_t size;
    int type_flags; /* SOCK_NONBLOCK, SOCK_CLOEXEC */
};

static inline struct place place_of(const struct desk *desk, int type_flags)
{
    return (struct place){
        .address = desk->address, .size = desk->address_size, .type_flags = type_flags};
}

static inline int make_socket(const struct place *place)
{
    return socket(place->address.ss_family, SOCK_STREAM | place->type_flags, 0);
}

static inline int bind_to(int fd, const struct place *place)
{
    return bind(fd, (const struct sockaddr *)&place->address, place->size);
}

static inline bool is_bound_to(int fd, const struct place *place)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;

    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && size == place->size &&
           memcmp(&address, &place->address, size) == 0;
}

static inline uint64_t inode_of(int fd)
{
    struct listener_identity identity;

    return listener_identify(fd, &identity) == 0 ? identity.inode : 0;
}

/* Takes one connection, and says a word to it. */
static inline int greet_one(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    int connection;

    WORKER_CHECK(poll(&item, 1, DESK_PATIENCE_MS) == 1);
    connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    WORKER_CHECK(connection >= 0);
    WORKER_CHECK(write(connection, "hi", 2) == 2);
    WORKER_CHECK(close(connection) == 0);
    return 0;
}

/* Connects to the lane, whose queue takes it at once. */
static inline int call_lane(const struct desk *desk)
{
    int fd = socket(desk->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&desk->address, desk->address_size),
                     0);
    return fd;
}

static inline void expect_greeting(int fd)
{
    char text[3] = "";

    wait_readable(fd);
    assert_int_equal(read(fd, text, 2), 2);
    assert_string_equal(text, "hi");
    (void)close(fd);
}

/* A program of the system, or NULL. */
static inline const char *find_program(const char *const *paths)
{
    for (; *paths != NULL; paths++)
        if (access(*paths, X_OK) == 0)
            return *paths;
    return NULL;
}

/* Whether seccomp(2) can be tried here at all: valgrind and some sandboxes do not have it. */
static inline bool has_notifications(void)
{
    uint32_t action = SECCOMP_RET_USER_NOTIF;

    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
        return true;
    print_message("skipped: no seccomp notifications here: %s\n", strerrordesc_np(errno));
    return false;
}

/* As run_os_tests(); 77 where nothing of it can be tried. */
#define run_capture_tests(tests) (has_notifications() ? run_os_tests(tests) : 77)
