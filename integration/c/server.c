#include "server.h"

#include "base/error.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>

enum {
    EVENT_MAX = 128,
    TICK_MS = 10,
};

static const struct span grace = {1500000000};
static const struct span grace_of_fresh = {10000000000};
static const struct span linger = {1000000000};

static struct instant clock_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct instant){(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec};
}

static bool is_timed(enum connection_state state)
{
    return state == CONNECTION_WAITING || state == CONNECTION_LINGERING;
}

static void set_state(struct server *server, struct connection *connection,
                      enum connection_state state)
{
    server->timed -= is_timed(connection->state);
    server->timed += is_timed(state);
    connection->state = state;
}

static void connection_free(struct server *server, struct connection *connection)
{
    set_state(server, connection, CONNECTION_READING);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    /* close(2) alone does not take it off, should somebody hold a copy of it at this moment, as
     * the primary may (epoll(7), Q6): its events would then name freed memory. */
    (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    (void)close_fd(connection->fd);
    free(connection);
}

/* The verbs of a connection answer what to do next: 0 go on, 1 wait for the socket or the
 * clock, -errno the connection is over. */

/* Takes bytes. What comes on a lingering connection is thrown away. */
static int receive(struct server *server, struct connection *connection)
{
    size_t left = sizeof connection->in - connection->in_n;
    ssize_t n = recv(connection->fd, connection->in + connection->in_n, left, 0);
    if (n < 0)
        return errno == EAGAIN ? 1 : error_from_errno();
    if (n == 0)
        return -ENOTCONN;
    if (connection->state == CONNECTION_READING) {
        connection->in_n += (size_t)n;
        connection->quiet = server->now;
    }
    return 0;
}

static int read_request(struct server *server, struct connection *connection)
{
    int r = connection->in_n > 0 ? request_parse(connection) : 0;
    if (r < 0)
        return r;
    if (r == 0)
        return receive(server, connection);
    answer_plan(connection, server->now);
    set_state(server, connection, CONNECTION_WAITING);
    return 0;
}

static int write_piece(struct server *server, struct connection *connection)
{
    if (!instant_reached(server->now, connection->due))
        return 1;
    answer_write(connection, server);
    set_state(server, connection, CONNECTION_WRITING);
    return 0;
}

static int send_piece(struct server *server, struct connection *connection)
{
    while (connection->out_sent < connection->out_n) {
        ssize_t n = send(connection->fd, connection->out + connection->out_sent,
                         connection->out_n - connection->out_sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN ? 1 : error_from_errno();
        connection->out_sent += (size_t)n;
    }
    if (!answer_is_whole(connection)) {
        set_state(server, connection, CONNECTION_WAITING);
        return 0;
    }
    if (!connection->close) {
        connection->quiet = server->now;
        connection->answered = true;
        request_begin(connection);
        set_state(server, connection, CONNECTION_READING);
        return 0;
    }
    if (!server->draining)
        return -ENOTCONN;
    /* The other side closes first: closing with unread bytes in the socket would send an RST,
     * and that may overtake the answer. */
    (void)shutdown(connection->fd, SHUT_WR);
    connection->in_n = 0;
    connection->due = instant_plus(server->now, linger);
    set_state(server, connection, CONNECTION_LINGERING);
    return 0;
}

/* Goes as far as it can; harmless when nothing has happened. */
static void advance(struct server *server, struct connection *connection)
{
    int r = 0;
    while (r == 0) {
        switch (connection->state) {
        case CONNECTION_READING:
            r = read_request(server, connection);
            break;
        case CONNECTION_WAITING:
            r = write_piece(server, connection);
            break;
        case CONNECTION_WRITING:
            r = send_piece(server, connection);
            break;
        case CONNECTION_LINGERING:
            r = receive(server, connection);
            break;
        }
    }
    if (r < 0)
        connection_free(server, connection);
}

/* Whether nothing more is to be expected of it. */
static bool is_idle(const struct server *server, const struct connection *connection)
{
    struct span patience = connection->answered ? grace : grace_of_fresh;
    return connection->state == CONNECTION_READING &&
           instant_reached(server->now, instant_plus(connection->quiet, patience));
}

/* Returns 0, -errno, or 1: the queue is empty. */
static int accept_one(struct server *server, int listener)
{
    _cleanup_fd_ int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EAGAIN || errno == ECONNABORTED ? 1 : error_from_errno();
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* no on unix sockets */
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL)
        return -ENOMEM;
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.ptr = connection,
    };
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        free(connection);
        return error_from_errno();
    }
    connection->fd = take_fd(fd);
    connection->quiet = server->now;
    connection->next = server->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    server->connections = connection;
    request_begin(connection);
    return 0;
}

/* First off the listeners, then empty their queues: with EPOLLEXCLUSIVE a connection wakes one
 * worker only, and one that woke this worker just now would otherwise wait until the next
 * comes. */
static int start_drain(struct server *server)
{
    if (server->draining)
        return 0;
    server->draining = true;
    for (size_t i = 0; i < server->listener_n; i++) {
        /* ENOENT: somebody took it out already, so that this worker gets no more connections.
         */
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listeners[i], NULL) < 0 &&
            errno != ENOENT)
            return error_from_errno();
    }
    for (size_t i = 0; i < server->listener_n; i++) {
        int r = 0;
        while (r == 0)
            r = accept_one(server, server->listeners[i]);
        if (r < 0)
            return r;
    }
    /* The grace begins now for those that were quiet before. */
    for (struct connection *c = server->connections; c != NULL; c = c->next)
        c->quiet = server->now;
    return 0;
}

static int take_signal(struct server *server)
{
    struct signalfd_siginfo info;
    if (read(server->signal_fd, &info, sizeof info) < 0)
        return error_from_errno();
    return start_drain(server);
}

static int take_event(struct server *server, const struct epoll_event *event)
{
    if (event->data.ptr == server)
        return take_signal(server);
    for (size_t i = 0; i < server->listener_n; i++) {
        if (event->data.ptr != &server->listeners[i])
            continue;
        /* One at a time: the others may be less busy. */
        int r = server->draining ? 1 : accept_one(server, server->listeners[i]);
        return r < 0 ? r : 0;
    }
    advance(server, event->data.ptr);
    return 0;
}

static void take_time(struct server *server)
{
    struct connection *next = NULL;
    for (struct connection *c = server->connections; c != NULL; c = next) {
        next = c->next;
        bool late = c->state == CONNECTION_LINGERING && instant_reached(server->now, c->due);
        if (late || (server->draining && is_idle(server, c)))
            connection_free(server, c);
        else if (c->state == CONNECTION_WAITING)
            advance(server, c);
    }
}

static int server_init(struct server *server)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGQUIT);
    (void)sigaddset(&signals, SIGALRM);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0)
        return error_from_errno();
    server->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->signal_fd < 0)
        return error_from_errno();
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll_fd < 0)
        return error_from_errno();
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};
    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->signal_fd, &event) < 0)
        return error_from_errno();
    for (size_t i = 0; i < server->listener_n; i++) {
        event = (struct epoll_event){
            .events = EPOLLIN | EPOLLEXCLUSIVE,
            .data.u64 = (uintptr_t)&server->listeners[i],
        };
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listeners[i], &event) < 0)
            return error_from_errno();
    }
    return 0;
}

static void server_release(struct server *server)
{
    while (server->connections != NULL)
        connection_free(server, server->connections);
    server->epoll_fd = close_fd(server->epoll_fd);
    server->signal_fd = close_fd(server->signal_fd);
}

int server_run(const int *listeners, size_t listener_n, const char *revision)
{
    _cleanup_(server_release) struct server server = {
        .epoll_fd = -1,
        .signal_fd = -1,
        .listeners = listeners,
        .listener_n = listener_n,
        .now = clock_now(),
    };
    (void)snprintf(server.revision, sizeof server.revision, "%s", revision);
    int r = server_init(&server);
    while (r == 0 && (!server.draining || server.connections != NULL)) {
        struct epoll_event events[EVENT_MAX];
        bool clocked = server.timed > 0 || server.draining;
        int n = epoll_wait(server.epoll_fd, events, EVENT_MAX, clocked ? TICK_MS : -1);
        if (n < 0 && errno != EINTR)
            return error_from_errno();
        server.now = clock_now();
        for (int i = 0; i < n && r == 0; i++)
            r = take_event(&server, &events[i]);
        if (clocked)
            take_time(&server);
    }
    return r;
}
