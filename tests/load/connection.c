#include "connection.h"

#include "base/error.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

/* After a loss; the same as in the baseline, so that the figures compare. */
static const struct span rest_after_loss = {20000000};

static bool is_reset(int error)
{
    return error == ECONNRESET || error == EPIPE;
}

static void connection_close(struct connection *connection)
{
    connection->fd = close_fd(connection->fd);
    connection->generation++;
    connection->reused = false;
}

void connection_release(struct connection *connection)
{
    connection_close(connection);
    connection->state = CONNECTION_ENDED;
}

static uint64_t next_random(struct load *load)
{
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return load->random;
}

/* The pause after a request that was begun at `begun` and has just ended. */
static struct instant next_wake(struct connection *connection, struct instant now)
{
    const struct options *options = connection->load->options;
    struct instant wake = now;
    if (options->shape == SHAPE_S3)
        wake = instant_plus(now, span_from_us(next_random(connection->load) % 500001u));
    if (options->rate > 0) {
        double seconds = options->connections / options->rate;
        struct span period = span_from_us((uint64_t)(seconds * 1e6));
        wake = instant_later(wake, instant_plus(connection->begun, period));
    }
    return wake;
}

static void rest(struct connection *connection, struct instant wake)
{
    connection->state = CONNECTION_RESTING;
    connection->wake = wake;
}

static void lose(struct connection *connection, struct instant now, enum loss loss, int error)
{
    tally_lost(connection->load->tally, now, connection->begun, connection->id, loss, error);
    connection_close(connection);
    rest(connection,
         instant_later(next_wake(connection, now), instant_plus(now, rest_after_loss)));
}

static enum loss loss_of_end(const struct connection *connection, bool reset)
{
    if (connection->answer.received > 0)
        return reset ? LOSS_RST_IN_ANSWER : LOSS_EOF_IN_ANSWER;
    if (connection->reused)
        return reset ? LOSS_RST_REUSED : LOSS_EOF_REUSED;
    return reset ? LOSS_RST_FRESH : LOSS_EOF_FRESH;
}

static void write_request(struct connection *connection)
{
    const struct options *options = connection->load->options;
    unsigned long long id = connection->load->next_id++;
    char path[80] = "";
    bool streamed = options->shape == SHAPE_S5;
    if (streamed)
        (void)snprintf(path, sizeof path, "/stream/%llu?seconds=%u", id, options->stream_s);
    else if (options->shape == SHAPE_S4)
        (void)snprintf(path, sizeof path, "/echo/%llu?ms=%u", id, options->slow_ms);
    else
        (void)snprintf(path, sizeof path, "/echo/%llu", id);
    int size = snprintf(connection->request, sizeof connection->request,
                        "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, options->host,
                        options->keep_alive ? "" : "Connection: close\r\n");
    assert(size > 0 && (size_t)size < sizeof connection->request);
    connection->id = id;
    connection->request_size = (size_t)size;
    connection->request_sent = 0;
    answer_init(&connection->answer, id, streamed);
}

static int watch(struct connection *connection)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.u64 = (uint64_t)connection->generation << 32 | connection->index,
    };
    int epoll_fd = connection->load->epoll_fd;
    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0 ? error_from_errno()
                                                                          : 0;
}

/* Begins to connect. Returns 0 (state and fd say how far it came), or -errno where the client
 * itself failed. */
static int start_connect(struct connection *connection, struct instant now)
{
    const struct options *options = connection->load->options;
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    _cleanup_fd_ int fd = socket(options->address.ss_family, type, 0);
    if (fd < 0)
        return error_from_errno();
    int on = 1;
    if (options->address.ss_family != AF_UNIX &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
        return error_from_errno();
    int r = connect(fd, (const struct sockaddr *)&options->address, options->address_size) < 0
                ? errno
                : 0;
    if (r == EADDRNOTAVAIL) {
        /* This machine has no local port left: the client's lack, and no request yet. */
        connection->load->tally->ports_short++;
        rest(connection, instant_plus(now, rest_after_loss));
        return 0;
    }
    if (r == EAGAIN) {
        /* Only a unix socket says so: its queue is full and can't be waited for (connect(2)).
         */
        rest(connection, instant_plus(now, span_from_ms(1)));
        return 0;
    }
    connection->begun = now;
    connection->deadline = instant_plus(now, options->timeout);
    tally_begin(connection->load->tally);
    write_request(connection);
    if (r != 0 && r != EINPROGRESS) {
        bool reset = is_reset(r);
        lose(connection, now, reset ? LOSS_RST_FRESH : LOSS_REFUSED, r);
        return 0;
    }
    connection->fd = take_fd(fd);
    connection->load->tally->connections++;
    connection->state = r == 0 ? CONNECTION_BUSY : CONNECTION_CONNECTING;
    return watch(connection);
}

/* Whether the server has left a kept connection already; if so, closes it. */
static bool has_ended(struct connection *connection)
{
    struct tally *tally = connection->load->tally;
    char byte = 0;
    ssize_t n = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return false;
    /* Bytes that nobody asked for are the server's good-bye too (408 before a close). */
    if (n < 0)
        tally->idle_resets++;
    else
        tally->polite_closes++;
    connection_close(connection);
    return true;
}

static int begin(struct connection *connection, struct instant now)
{
    const struct load *load = connection->load;
    uint64_t quota = load->options->requests;
    bool kept = connection->fd >= 0 && !has_ended(connection);
    if (load->stopping || (quota > 0 && load->tally->requests >= quota)) {
        connection_release(connection);
        return 0;
    }
    if (!kept)
        return start_connect(connection, now);
    connection->begun = now;
    connection->deadline = instant_plus(now, load->options->timeout);
    tally_begin(load->tally);
    write_request(connection);
    connection->reused = true;
    connection->state = CONNECTION_BUSY;
    return 0;
}

static void finish_connect(struct connection *connection, struct instant now)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error == 0)
        connection->state = CONNECTION_BUSY;
    else if (error == ETIMEDOUT)
        lose(connection, now, LOSS_CONNECT_TIMEOUT, error);
    else
        lose(connection, now, is_reset(error) ? LOSS_RST_FRESH : LOSS_REFUSED, error);
}

static void send_request(struct connection *connection, struct instant now)
{
    while (connection->request_sent < connection->request_size) {
        ssize_t n = send(connection->fd, connection->request + connection->request_sent,
                         connection->request_size - connection->request_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            lose(connection, now, loss_of_end(connection, true), errno);
            return;
        }
        connection->request_sent += (size_t)n;
    }
}

static int accept_answer(struct connection *connection, struct instant now)
{
    const struct answer *answer = &connection->answer;
    int r = tally_ok(connection->load->tally, now, connection->begun, answer->revision,
                     answer->pid);
    if (r < 0)
        return r;
    if (!answer->keep_alive || !connection->load->options->keep_alive)
        connection_close(connection);
    rest(connection, next_wake(connection, now));
    return 0;
}

static int judge(struct connection *connection, struct instant now, enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_MORE:
        return 0;
    case VERDICT_WHOLE:
        return accept_answer(connection, now);
    case VERDICT_WRONG_STATUS:
        lose(connection, now, LOSS_STATUS, connection->answer.parser.status_code);
        return 0;
    case VERDICT_WRONG_BODY:
        lose(connection, now, LOSS_BODY, 0);
        return 0;
    case VERDICT_BAD_HTTP:
        lose(connection, now, LOSS_HTTP, 0);
        return 0;
    }
    assert(!"a verdict that the enum doesn't have");
    return -EINVAL;
}

static int read_answer(struct connection *connection, struct instant now)
{
    char bytes[4096];
    while (connection->state == CONNECTION_BUSY) {
        ssize_t n = recv(connection->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EAGAIN)
            return 0;
        if (n <= 0) {
            lose(connection, now, loss_of_end(connection, n < 0), n < 0 ? errno : 0);
            return 0;
        }
        int r = judge(connection, now, answer_feed(&connection->answer, bytes, (size_t)n));
        if (r < 0)
            return r;
    }
    return 0;
}

static void check_deadline(struct connection *connection, struct instant now)
{
    if (!instant_reached(now, connection->deadline))
        return;
    lose(connection, now,
         connection->state == CONNECTION_CONNECTING ? LOSS_CONNECT_TIMEOUT : LOSS_NO_ANSWER, 0);
}

int connection_step(struct connection *connection, struct instant now, bool writable)
{
    int r = 0;
    if (connection->state == CONNECTION_CONNECTING && writable)
        finish_connect(connection, now);
    if (connection->state == CONNECTION_BUSY) {
        send_request(connection, now);
        r = read_answer(connection, now);
    }
    if (r == 0 && connection->state == CONNECTION_RESTING) {
        if (connection->load->stopping || instant_reached(now, connection->wake))
            r = begin(connection, now);
        else if (connection->fd >= 0)
            (void)has_ended(connection);
        if (r == 0 && connection->state == CONNECTION_BUSY)
            send_request(connection, now);
    }
    if (connection->state == CONNECTION_BUSY || connection->state == CONNECTION_CONNECTING)
        check_deadline(connection, now);
    return r;
}

struct instant connection_due(const struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_RESTING:
        return connection->wake;
    case CONNECTION_CONNECTING:
    case CONNECTION_BUSY:
        return connection->deadline;
    case CONNECTION_ENDED:
        return INSTANT_NEVER;
    }
    assert(!"a state that the enum doesn't have");
    return INSTANT_NEVER;
}
