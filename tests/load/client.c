#include "client.h"

#include "base/error.h"
#include "connection.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

enum {
    SIGNAL_INDEX = UINT16_MAX + 1, /* beyond all connections */
    EVENT_MAX = 256,
};

/* Pauses and deadlines are looked at so often: all connections in a row, which is cheap. */
static const struct span sweep_period = {1000000};
static const struct span timeline_period = {100000000};

struct client {
    struct load load;
    struct connection *connections; /* owned */
    int signal_fd;                  /* borrowed */
    struct instant stop;
    struct instant sweep;
    struct instant timeline;
};

static struct instant clock_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct instant){(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec};
}

static void client_release(struct client *client)
{
    unsigned int connection_n =
        client->connections != NULL ? client->load.options->connections : 0;
    for (unsigned int i = 0; i < connection_n; i++)
        connection_release(&client->connections[i]);
    free(client->connections);
    client->load.epoll_fd = close_fd(client->load.epoll_fd);
}

/* Spreads the first requests, so that a limited rate and the pauses of S3 begin evenly. */
static struct instant first_wake(const struct options *options, struct instant now,
                                 unsigned int i)
{
    double share = (double)i / options->connections;
    double seconds = 0;
    if (options->shape == SHAPE_S3)
        seconds = 0.5 * share;
    if (options->rate > 0)
        seconds = options->connections / options->rate * share;
    return instant_plus(now, span_from_us((uint64_t)(seconds * 1e6)));
}

static int client_init(struct client *client, const struct options *options, int signal_fd,
                       struct tally *tally)
{
    struct instant now = clock_now();
    *client = (struct client){
        .load = {.options = options, .tally = tally, .next_id = 1, .random = options->seed + 1},
        .signal_fd = signal_fd,
        .stop = INSTANT_NEVER,
        .sweep = now,
        .timeline = instant_plus(now, timeline_period),
    };
    if (options->seconds > 0)
        client->stop = instant_plus(now, span_from_us((uint64_t)(options->seconds * 1e6)));
    tally->start = tally->last_answer = now;
    client->load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (client->load.epoll_fd < 0)
        return error_from_errno();
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = SIGNAL_INDEX};
    if (epoll_ctl(client->load.epoll_fd, EPOLL_CTL_ADD, signal_fd, &event) < 0)
        return error_from_errno();
    client->connections = calloc(options->connections, sizeof *client->connections);
    if (client->connections == NULL)
        return -ENOMEM;
    for (unsigned int i = 0; i < options->connections; i++) {
        client->connections[i] = (struct connection){
            .load = &client->load,
            .fd = -1,
            .index = i,
            .wake = first_wake(options, now, i),
        };
    }
    return 0;
}

static int take_event(struct client *client, const struct epoll_event *event,
                      struct instant now)
{
    uint32_t index = (uint32_t)event->data.u64;
    if (index == SIGNAL_INDEX) {
        struct signalfd_siginfo info;
        if (read(client->signal_fd, &info, sizeof info) < 0)
            return error_from_errno();
        client->load.stopping = true;
        client->sweep = now;
        return 0;
    }
    struct connection *connection = &client->connections[index];
    if (connection->generation != event->data.u64 >> 32)
        return 0;
    bool writable = (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0;
    return connection_step(connection, now, writable);
}

/* Steps those that are due. Returns 0 or -errno; *ret_live is the number not yet ended. */
static int sweep(struct client *client, struct instant now, unsigned int *ret_live)
{
    unsigned int live = 0;
    for (unsigned int i = 0; i < client->load.options->connections; i++) {
        struct connection *connection = &client->connections[i];
        bool resting = connection->state == CONNECTION_RESTING;
        if (instant_reached(now, connection_due(connection)) ||
            (resting && client->load.stopping)) {
            int r = connection_step(connection, now, false);
            if (r < 0)
                return r;
        }
        live += connection->state != CONNECTION_ENDED;
    }
    *ret_live = live;
    return 0;
}

/* Returns 0, -errno, or 1: all connections have ended. */
static int take_time(struct client *client, struct instant now)
{
    if (instant_reached(now, client->timeline)) {
        tally_timeline(client->load.tally, now);
        client->timeline = instant_plus(client->timeline, timeline_period);
    }
    if (instant_reached(now, client->stop))
        client->load.stopping = true;
    if (!instant_reached(now, client->sweep))
        return 0;
    client->sweep = instant_plus(now, sweep_period);
    unsigned int live = 0;
    int r = sweep(client, now, &live);
    if (r < 0)
        return r;
    return live == 0;
}

int client_run(const struct options *options, int signal_fd, struct tally *tally)
{
    _cleanup_(client_release) struct client client;
    int r = client_init(&client, options, signal_fd, tally);
    while (r == 0) {
        struct epoll_event events[EVENT_MAX];
        int n = epoll_wait(client.load.epoll_fd, events, EVENT_MAX, 1);
        if (n < 0 && errno != EINTR)
            return error_from_errno();
        for (int i = 0; i < n && r == 0; i++)
            r = take_event(&client, &events[i], clock_now());
        if (r == 0)
            r = take_time(&client, clock_now());
    }
    if (r < 0)
        return r;
    tally_finish(tally, clock_now());
    return 0;
}
