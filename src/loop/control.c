#include "loop/control.h"

#include "base/error.h"
#include "base/text.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

enum {
    ACCEPTS_PER_TURN = 16,       /* a storm of connections must not starve the loop */
    READ_SIZE = 16 * 1024,       /* a turn of one client */
    SEND_EARLY_SIZE = 64 * 1024, /* queued bytes that are not left for the loop's next turn */
    PAUSE_MS = 1000,             /* when descriptors or memory are out */
};

/* A client's life. Nothing is closed while a verb runs: a verb sets the state, and the loop's
 * next turn acts on it, so that no callback comes from within a verb. */
enum client_state {
    CLIENT_IDLE,    /* a message is waited for */
    CLIENT_CALLING, /* its message is in the program's hands */
    CLIENT_LEAVING, /* what is queued is sent, then it is closed */
    CLIENT_DOOMED,  /* closed in the loop's next turn */
};

struct control_client {
    uv_poll_t poll;
    struct control *control;
    int fd;
    enum client_state state;
    bool input_ended; /* it has shut its writing side down; it may still listen */
    struct ucred peer;
    struct instant active; /* the last byte read or written, or the end of a call */
    struct text input;
    struct text output;
    int events; /* what epoll is asked for */
    void *user;
};

struct control {
    uv_poll_t listener;
    uv_timer_t sweeper; /* closes the doomed and the idle, and listens again after a pause */
    size_t handle_n;    /* of these two, not yet let go by libuv */
    struct loop *loop;
    int fd;
    struct control_handlers handlers;
    struct control_limits limits;
    void *user;
    struct control_client *clients[CONTROL_CLIENTS_MAX]; /* NULL: a free place */
};

struct control_limits control_limits_default(void)
{
    return (struct control_limits){
        .clients = 128,
        .clients_of_uid = 96,
        .message_size = 64 * 1024,
        .queued_size = 1024 * 1024,
        .idle = span_from_ms(10 * 1000),
    };
}

static void on_sweep(uv_timer_t *handle);
static void on_client(uv_poll_t *handle, int status, int events);
static void on_listener(uv_poll_t *handle, int status, int events);

/* Whether control_free() was called, maybe by a callback that was just made. */
static bool control_is_freed(const struct control *control)
{
    return uv_is_closing((const uv_handle_t *)&control->listener);
}

/* Sweeps in so much time, or earlier where that was wished before. */
static void sweep_within(struct control *control, struct span span)
{
    uv_timer_t *sweeper = &control->sweeper;
    uint64_t milliseconds = span_to_ms(span) + (span.nanoseconds % 1000000u > 0);
    bool waits = uv_is_active((uv_handle_t *)sweeper);
    if (control_is_freed(control) || (waits && uv_timer_get_due_in(sweeper) <= milliseconds))
        return;
    int r = uv_timer_start(sweeper, on_sweep, milliseconds, 0);
    assert(r == 0);
}

static void client_doom(struct control_client *client)
{
    client->state = CLIENT_DOOMED;
    sweep_within(client->control, (struct span){0});
}

static bool has_whole_message(const struct control_client *client)
{
    return client->input.size > 0 && memchr(client->input.data, '\0', client->input.size);
}

/* Asks epoll for what the client's state can use. UV_PRIORITIZED is something that a unix
 * stream never has: it stands for "nothing, but the hang-up", which epoll always tells. */
static void client_listen(struct control_client *client)
{
    int events = UV_PRIORITIZED;
    bool reads = client->state == CLIENT_IDLE && !client->input_ended;
    bool has_next = client->state == CLIENT_IDLE && has_whole_message(client);
    /* A next message that is already here is taken in a turn of its own, and as soon as the
     * client listens. */
    if (client->output.size > 0 || has_next || client->state == CLIENT_LEAVING)
        events |= UV_WRITABLE;
    if (reads && !has_next)
        events |= UV_READABLE;
    if (events == client->events)
        return;
    int r = uv_poll_start(&client->poll, events, on_client);
    assert(r == 0);
    client->events = events;
}

static void on_client_closed(uv_handle_t *handle)
{
    struct control_client *client = handle->data;
    text_release(&client->input);
    text_release(&client->output);
    free(client);
}

static void client_close(struct control_client *client)
{
    struct control *control = client->control;
    size_t place = 0;
    while (control->clients[place] != client)
        place++;
    control->clients[place] = NULL;
    client->state = CLIENT_DOOMED;
    control->handlers.closed(control->user, client);
    uv_close((uv_handle_t *)&client->poll, on_client_closed);
    client->fd = close_fd(client->fd);
}

/* Sends what the socket takes now. Returns 0, or the -errno of send(2). */
static int client_flush(struct control_client *client)
{
    size_t sent = 0;
    int r = 0;
    while (sent < client->output.size) {
        ssize_t n = send(client->fd, client->output.data + sent, client->output.size - sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            r = errno == EAGAIN ? 0 : error_from_errno();
            break;
        }
        sent += (size_t)n;
    }
    if (sent > 0)
        client->active = loop_now(client->control->loop);
    text_drop_front(&client->output, sent);
    if (client->output.size == 0)
        text_release(&client->output);
    return r;
}

/* Reads once. Returns 0; -EMSGSIZE where the message is too long; -ENOMEM; or the -errno of
 * recv(2). */
static int client_read(struct control_client *client)
{
    char chunk[READ_SIZE];
    ssize_t n = recv(client->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN ? 0 : error_from_errno();
    client->active = loop_now(client->control->loop);
    if (n == 0)
        client->input_ended = true;
    int r = text_append(&client->input, chunk, (size_t)n);
    if (r < 0)
        return r;
    if (client->input.size > client->control->limits.message_size && !has_whole_message(client))
        return -EMSGSIZE;
    return 0;
}

/* Hands the next message on, if there is a whole one and the client is free for it. Returns 0,
 * or -EMSGSIZE where the message is too long. */
static int client_take_message(struct control_client *client)
{
    struct control *control = client->control;
    if (client->state != CLIENT_IDLE || client->output.size > 0 || !has_whole_message(client))
        return 0;
    size_t size = strlen(client->input.data);
    if (size > control->limits.message_size)
        return -EMSGSIZE;
    /* The program gets memory that no verb of ours can touch meanwhile. */
    _cleanup_text_ struct text message = client->input;
    client->input = (struct text){0};
    int r = text_append(&client->input, message.data + size + 1, message.size - size - 1);
    if (r < 0)
        return r;
    client->state = CLIENT_CALLING;
    control->handlers.message(control->user, client, message.data, size);
    return 0;
}

static bool client_is_finished(const struct control_client *client)
{
    switch (client->state) {
    case CLIENT_IDLE:
        return client->input_ended && client->output.size == 0 && !has_whole_message(client);
    case CLIENT_CALLING:
        return false;
    case CLIENT_LEAVING:
        return client->output.size == 0;
    case CLIENT_DOOMED:
        return true;
    }
    return true;
}

/* Acts on what epoll told. Returns 0, or the -errno for which the client is cut off. */
static int client_turn(struct control_client *client, int events)
{
    struct control *control = client->control;
    /* Told by itself, a hang-up comes as what was asked for. A call whose caller has gone is
     * over; but who sent his last calls and left gets them done. */
    if (client->state == CLIENT_CALLING && (events & UV_PRIORITIZED))
        return -ECONNRESET;
    if (events & UV_WRITABLE) {
        bool waited = client->output.size > 0;
        int r = client_flush(client);
        if (r < 0)
            return r;
        bool drained = waited && client->output.size == 0;
        if (drained && client->state == CLIENT_CALLING && control->handlers.drained) {
            control->handlers.drained(control->user, client);
            return 0;
        }
    }
    if (client->state == CLIENT_IDLE && !client->input_ended && (events & UV_READABLE)) {
        int r = client_read(client);
        if (r < 0)
            return r;
    }
    return client_take_message(client);
}

static void on_client(uv_poll_t *handle, int status, int events)
{
    struct control_client *client = handle->data;
    int r = status;
    if (r == 0 && client->state != CLIENT_DOOMED)
        r = client_turn(client, events);
    if (uv_is_closing((uv_handle_t *)handle))
        return; /* by control_free(), in a callback */
    if (r < 0 || client_is_finished(client)) {
        client_close(client);
        return;
    }
    client_listen(client);
    sweep_within(client->control, client->control->limits.idle);
}

/* Closes those who are doomed, and those who sit idle, then waits for the next one's time. */
static void on_sweep(uv_timer_t *handle)
{
    struct control *control = handle->data;
    struct instant now = loop_now(control->loop);
    struct instant next = INSTANT_NEVER;
    for (size_t i = 0; i < control->limits.clients; i++) {
        struct control_client *client = control->clients[i];
        if (!client || client->state == CLIENT_CALLING)
            continue;
        struct instant deadline = instant_plus(client->active, control->limits.idle);
        if (client->state == CLIENT_DOOMED || instant_reached(now, deadline))
            client_close(client);
        else
            next = instant_earlier(next, deadline);
    }
    if (control_is_freed(control))
        return;
    if (!uv_is_active((uv_handle_t *)&control->listener)) {
        int r = uv_poll_start(&control->listener, UV_READABLE, on_listener);
        assert(r == 0);
    }
    if (!instant_is_never(next))
        sweep_within(control, instant_since(next, now));
}

/* Shows somebody out, with a word if there is one. A fresh socket has room for it. */
static void turn_away(int fd, const char *text)
{
    if (text)
        (void)send(fd, text, strlen(text) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Frees a place for a newcomer of `uid`, if need be at the cost of the one that has been idle
 * longest: of the same uid where that has all its places, else of anybody. Returns the place,
 * or -1 where all have calls under way. */
static ssize_t find_place(struct control *control, uid_t uid)
{
    size_t of_uid = 0;
    ssize_t place = -1;
    for (size_t i = 0; i < control->limits.clients; i++) {
        if (!control->clients[i])
            place = (ssize_t)i;
        else if (control->clients[i]->peer.uid == uid)
            of_uid++;
    }
    bool uid_is_full = of_uid >= control->limits.clients_of_uid;
    if (place >= 0 && !uid_is_full)
        return place;
    ssize_t oldest = -1;
    for (size_t i = 0; i < control->limits.clients; i++) {
        const struct control_client *client = control->clients[i];
        if (!client || client->state == CLIENT_CALLING ||
            (uid_is_full && client->peer.uid != uid))
            continue;
        if (oldest < 0 ||
            client->active.nanoseconds < control->clients[oldest]->active.nanoseconds)
            oldest = (ssize_t)i;
    }
    if (oldest >= 0)
        client_close(control->clients[oldest]);
    return oldest;
}

/* Lets a new connection in, or turns it away. Owns `fd` in any case. Returns 0 or -errno. */
static int control_admit_consume(struct control *control, int fd)
{
    _cleanup_fd_ int owned_fd = fd;
    struct ucred peer = {0};
    socklen_t peer_size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) < 0)
        return error_from_errno();
    if (!control->handlers.allow(control->user, peer.uid)) {
        turn_away(fd, control->handlers.denied);
        return 0;
    }
    ssize_t place = find_place(control, peer.uid);
    if (place < 0) {
        turn_away(fd, control->handlers.crowded);
        return 0;
    }
    _cleanup_free_ struct control_client *client = calloc(1, sizeof(*client));
    if (!client || control_is_freed(control))
        return -ENOMEM;
    int r = uv_poll_init(loop_handle(control->loop), &client->poll, fd);
    if (r < 0)
        return r;
    client->poll.data = client;
    client->control = control;
    client->fd = take_fd(owned_fd);
    client->state = CLIENT_IDLE;
    client->peer = peer;
    client->active = loop_now(control->loop);
    control->clients[place] = client;
    client_listen(take_ptr(client));
    sweep_within(control, control->limits.idle);
    return 0;
}

static void on_listener(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct control *control = handle->data;
    for (int i = 0; i < ACCEPTS_PER_TURN && !control_is_freed(control); i++) {
        int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        int r = fd < 0 ? error_from_errno() : control_admit_consume(control, fd);
        if (r == -EAGAIN)
            return;
        if (r == -EMFILE || r == -ENFILE || r == -ENOBUFS || r == -ENOMEM) {
            /* The connection stays in the queue, and epoll would tell it again without end. */
            (void)uv_poll_stop(handle);
            sweep_within(control, span_from_ms(PAUSE_MS));
            return;
        }
    }
}

static void on_control_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    if (--control->handle_n == 0)
        free(control);
}

int control_new(struct loop *loop, int fd, const struct control_handlers *handlers,
                const struct control_limits *limits, void *user, struct control **ret_control)
{
    assert(limits->clients >= 1 && limits->clients <= CONTROL_CLIENTS_MAX);
    assert(limits->clients_of_uid >= 1);
    _cleanup_free_ struct control *control = calloc(1, sizeof(*control));
    if (!control)
        return -ENOMEM;
    control->loop = loop;
    control->fd = fd;
    control->handlers = *handlers;
    control->limits = *limits;
    control->user = user;
    int r = uv_poll_init(loop_handle(loop), &control->listener, fd);
    if (r < 0)
        return r;
    r = uv_timer_init(loop_handle(loop), &control->sweeper);
    assert(r == 0); /* it has no way to fail */
    control->listener.data = control;
    control->sweeper.data = control;
    control->handle_n = 2;
    r = uv_poll_start(&control->listener, UV_READABLE, on_listener);
    assert(r == 0);
    *ret_control = take_ptr(control);
    return 0;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    uv_close((uv_handle_t *)&control->listener, on_control_closed);
    uv_close((uv_handle_t *)&control->sweeper, on_control_closed);
    for (size_t i = 0; i < control->limits.clients; i++) {
        if (control->clients[i])
            client_close(control->clients[i]);
    }
}

void control_send(struct control_client *client, const char *text, size_t size)
{
    if (client->state == CLIENT_DOOMED || client->state == CLIENT_LEAVING)
        return;
    struct text *output = &client->output;
    if (output->size > client->control->limits.queued_size ||
        text_reserve(output, size + 1) < 0) {
        client_doom(client);
        return;
    }
    int r = text_append(output, text, size);
    if (r == 0)
        r = text_append(output, "", 1);
    if (r == 0 && output->size >= SEND_EARLY_SIZE)
        r = client_flush(client);
    if (r < 0)
        client_doom(client);
    else
        client_listen(client);
}

size_t control_queued(const struct control_client *client)
{
    return client->output.size;
}

void control_done(struct control_client *client)
{
    if (client->state == CLIENT_DOOMED || client->state == CLIENT_LEAVING)
        return;
    assert(client->state == CLIENT_CALLING);
    client->state = CLIENT_IDLE;
    client->active = loop_now(client->control->loop);
    client_listen(client);
    sweep_within(client->control, client->control->limits.idle);
}

void control_close_after_send(struct control_client *client)
{
    if (client->state == CLIENT_DOOMED)
        return;
    client->state = CLIENT_LEAVING;
    client_listen(client);
    sweep_within(client->control, client->control->limits.idle);
}

void control_client_set_user(struct control_client *client, void *user)
{
    client->user = user;
}

void *control_client_user(const struct control_client *client)
{
    return client->user;
}

uid_t control_client_uid(const struct control_client *client)
{
    return client->peer.uid;
}

pid_t control_client_pid(const struct control_client *client)
{
    return client->peer.pid;
}
