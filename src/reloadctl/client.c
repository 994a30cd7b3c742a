#include "reloadctl/client.h"

#include "base/error.h"
#include "reloadctl/clock.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
    MESSAGE_MAX = 64 << 20,
    BUFFER_FIRST = 16 << 10,
};

void client_init_take(struct client *client, int fd)
{
    *client = (struct client){.fd = fd};
}

void client_release(struct client *client)
{
    /* A zeroed client has no descriptor either: 0 is never a socket of ours. */
    if (!client || client->fd <= 0)
        return;
    (void)close_fd(client->fd);
    free(client->buffer);
    *client = (struct client){.fd = -1};
}

/* Returns 0 when the descriptor has one of the events, CLIENT_TIMEOUT or -errno. */
static int wait_for(int fd, short events, struct instant deadline)
{
    for (;;) {
        struct pollfd waiting = {.fd = fd, .events = events};
        int r = poll(&waiting, 1, clock_poll_timeout(deadline));

        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return error_from_errno();
        if (instant_reached(clock_now(), deadline))
            return CLIENT_TIMEOUT;
    }
}

static bool is_hang_up(int error)
{
    return error == EPIPE || error == ECONNRESET;
}

int client_send(struct client *client, const char *text, struct instant deadline)
{
    size_t size = strlen(text) + 1;

    while (size > 0) {
        ssize_t sent;
        int r = wait_for(client->fd, POLLOUT, deadline);
        if (r != 0)
            return r;
        sent = send(client->fd, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && is_hang_up(errno))
            return CLIENT_CLOSED;
        if (sent < 0 && errno != EINTR && errno != EAGAIN)
            return error_from_errno();
        if (sent > 0) {
            text += sent;
            size -= (size_t)sent;
        }
    }
    return 0;
}

static void drop_taken(struct client *client)
{
    client->size -= client->taken;
    memmove(client->buffer, client->buffer + client->taken, client->size);
    client->scanned = 0;
    client->taken = 0;
}

static int make_room(struct client *client)
{
    size_t capacity = client->capacity ? 2 * client->capacity : BUFFER_FIRST;
    char *grown;

    if (client->size < client->capacity)
        return 0;
    if (capacity > MESSAGE_MAX)
        return -EMSGSIZE;
    grown = realloc(client->buffer, capacity);
    if (!grown)
        return -ENOMEM;
    client->buffer = grown;
    client->capacity = capacity;
    return 0;
}

static int read_more(struct client *client, struct instant deadline)
{
    int r = make_room(client);
    ssize_t received;

    if (r == 0)
        r = wait_for(client->fd, POLLIN, deadline);
    if (r != 0)
        return r;
    received = recv(client->fd, client->buffer + client->size, client->capacity - client->size,
                    MSG_DONTWAIT);
    if (received < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (received == 0 || (received < 0 && is_hang_up(errno)))
        return client->size > 0 ? CLIENT_CUT : CLIENT_CLOSED;
    if (received < 0)
        return error_from_errno();
    client->size += (size_t)received;
    return 0;
}

int client_receive(struct client *client, struct instant deadline, const char **ret_text,
                   size_t *ret_size)
{
    if (client->taken > 0)
        drop_taken(client);
    for (;;) {
        const char *end =
            client->size > client->scanned
                ? memchr(client->buffer + client->scanned, '\0', client->size - client->scanned)
                : NULL;
        int r;

        if (end) {
            *ret_text = client->buffer;
            *ret_size = (size_t)(end - client->buffer);
            client->taken = *ret_size + 1;
            return 0;
        }
        client->scanned = client->size;
        r = read_more(client, deadline);
        if (r != 0)
            return r;
    }
}
