/* What the tests of polite drains share: a client and a worker (this process) with one
 * connection between them. */
#pragma once

#include "os/scratch.h"

#include "os/listener.h"
#include "os/polite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
    POLITED_OWNER = 7,
    POLITED_PATIENCE_MS = 10000, /* of a test that waits for what has to come */
    POLITED_BUFFER = 1 << 20,
};

struct polited {
    struct polite polite;
    int listener;
    int client;
    int server;
    uint16_t port;
    struct sockaddr_in6 address;
};

#define POLITED_REQUEST "GET /x HTTP/1.1\r\nHost: test\r\n\r\n"

/* Whether it can be done here; says why not. */
static inline bool polited_is_possible(void)
{
    const char *why = NULL;
    struct polite polite = POLITE_NONE;
    int rv = polite_check(&why) == 0 ? polite_open(64, &polite) : 0;

    if (rv == -EPERM || rv == -EACCES)
        why = polite_reason(rv);
    polite_release(&polite);
    if (why != NULL)
        print_message("skipped: %s\n", why);
    return why == NULL;
}

/* Runs the tests where it can be done; 77 says that it can't. */
#define run_polite_tests(tests) (polited_is_possible() ? run_os_tests(tests) : 77)

static inline int polited_setup(void **state)
{
    struct polited *scene = calloc(1, sizeof *scene);

    if (scene == NULL)
        return -1;
    scene->listener = scene->client = scene->server = -1;
    *state = scene;
    return polite_open(64, &scene->polite);
}

static inline void polited_connect(struct polited *scene)
{
    socklen_t size = sizeof scene->address;
    int one = 1;

    if (scene->listener < 0) {
        assert_int_equal(listener_open_tcp("::", 0, false, 0, &scene->listener), 0);
        assert_int_equal(
            getsockname(scene->listener, (struct sockaddr *)&scene->address, &size), 0);
        scene->port = ntohs(scene->address.sin6_port);
        scene->address.sin6_addr = in6addr_loopback;
        assert_int_equal(listener_set_nonblocking(scene->listener, false), 0);
    }
    scene->client = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(scene->client, (const struct sockaddr *)&scene->address, size), 0);
    scene->server = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(scene->server >= 0);
    assert_int_equal(setsockopt(scene->server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
    assert_int_equal(setsockopt(scene->client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one), 0);
}

static inline void polited_disconnect(struct polited *scene)
{
    scene->client = close_fd(scene->client);
    scene->server = close_fd(scene->server);
}

static inline int polited_teardown(void **state)
{
    struct polited *scene = *state;

    polited_disconnect(scene);
    scene->listener = close_fd(scene->listener);
    polite_release(&scene->polite);
    free(scene);
    return 0;
}

#define polited_test(f) cmocka_unit_test_setup_teardown(f, polited_setup, polited_teardown)

static inline struct polite_covered polited_cover(struct polited *scene)
{
    const pid_t pid = getpid();
    struct polite_covered covered = {0};

    assert_int_equal(polite_cover(&scene->polite,
                                  &(struct polite_worker){.pids = &pid,
                                                          .pid_n = 1,
                                                          .ports = &scene->port,
                                                          .port_n = 1,
                                                          .owner = POLITED_OWNER},
                                  &covered),
                     0);
    return covered;
}

static inline struct polite_counts polited_look(const struct polited *scene)
{
    struct polite_counts counts = {0};

    assert_int_equal(polite_look(&scene->polite, POLITED_OWNER, &counts), 0);
    return counts;
}

static inline void polited_write(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, text, size, MSG_NOSIGNAL);

        assert_true(count > 0);
        text += count;
        size -= (size_t)count;
    }
}

/* Reads exactly so many bytes; fewer at the end of the connection. Returns how many. */
static inline size_t polited_read(int fd, char *buffer, size_t size)
{
    size_t got = 0;

    while (got < size) {
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        ssize_t count;

        assert_int_equal(poll(&poller, 1, POLITED_PATIENCE_MS), 1);
        count = recv(fd, buffer + got, size - got, 0);
        assert_true(count >= 0);
        if (count == 0)
            break;
        got += (size_t)count;
    }
    return got;
}

/* What `from` sends now reaches `to` exactly as `expected` says, and nothing follows it. */
static inline void polited_expect(int to, const char *expected, size_t size)
{
    char *buffer = malloc(size + 1);
    char more;

    assert_non_null(buffer);
    assert_int_equal(polited_read(to, buffer, size), size);
    buffer[size] = '\0';
    if (memcmp(buffer, expected, size) != 0)
        print_error("got:\n%s\nexpected:\n%s\n", buffer, expected);
    assert_memory_equal(buffer, expected, size);
    free(buffer);
    assert_int_equal(recv(to, &more, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

/* The client asks, and the worker reads all of it. */
static inline void polited_ask(const struct polited *scene, const char *request)
{
    char buffer[4096];
    size_t size = strlen(request);

    assert_in_range(size, 1, sizeof buffer);
    polited_write(scene->client, request, size);
    assert_int_equal(polited_read(scene->server, buffer, size), size);
}

/* The worker sends one write, and the client gets `expected`. */
static inline void polited_answer(const struct polited *scene, const char *text,
                                  const char *expected)
{
    polited_write(scene->server, text, strlen(text));
    polited_expect(scene->client, expected, strlen(expected));
}
