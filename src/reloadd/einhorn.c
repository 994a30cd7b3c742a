#include "reloadd/einhorn.h"

#include "base/error.h"
#include "loop/descriptor.h"
#include "loop/lines.h"
#include "os/unix_socket.h"
#include "reloadd/app.h"
#include "reloadd/process.h"
#include "reloadd/readiness.h"
#include "wire/einhorn.h"

#include <sys/socket.h>

enum { EINHORN_CLIENTS_MAX = 64 };

struct einhorn_client {
    struct einhorn *einhorn; /* NULL: this place is free */
    struct lines *lines;
    pid_t pid;
};

struct einhorn {
    struct app *app;
    int fd;
    struct descriptor *watch;
    struct einhorn_client clients[EINHORN_CLIENTS_MAX];
};

static void client_free(struct einhorn_client *client)
{
    lines_free(client->lines);
    *client = (struct einhorn_client){0};
}

/* The worker is the leader of its process group. */
static struct process *find_worker(const struct app *app, pid_t pid)
{
    pid_t group = pid > 0 ? getpgid(pid) : -1;

    for (struct process *each = app->processes; each; each = each->next)
        if (!each->ended && (each->pid == pid || each->pid == group))
            return each;
    return NULL;
}

static void on_line(void *user, const char *text, size_t size, enum line_end end)
{
    struct einhorn_client *client = user;
    struct app *app = client->einhorn->app;
    struct process *process = find_worker(app, client->pid);
    int32_t pid;

    (void)end;
    if (!process || einhorn_ack_parse(text, size, &pid) != 0)
        return;
    readiness_of_said(process);
    app_pump(app);
}

static void on_closed(void *user)
{
    client_free(user);
}

/* A free place, or the first one's: its client has had its time. */
static struct einhorn_client *take_place(struct einhorn *einhorn)
{
    for (size_t i = 0; i < EINHORN_CLIENTS_MAX; i++)
        if (!einhorn->clients[i].einhorn)
            return &einhorn->clients[i];
    client_free(&einhorn->clients[0]);
    return &einhorn->clients[0];
}

static void on_connection(void *user, int fd)
{
    static const struct lines_handlers handlers = {.line = on_line, .closed = on_closed};
    struct einhorn *einhorn = user;
    _cleanup_fd_ int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct unix_socket_peer peer;
    struct einhorn_client *client;

    if (client_fd < 0 || unix_socket_read_peer(client_fd, &peer) < 0 ||
        !find_worker(einhorn->app, peer.pid))
        return;
    client = take_place(einhorn);
    *client = (struct einhorn_client){.einhorn = einhorn, .pid = peer.pid};
    if (lines_new_take(einhorn->app->loop, client_fd, &handlers, client, &client->lines) < 0) {
        *client = (struct einhorn_client){0};
        return;
    }
    client_fd = -1; /* handed over */
}

static void einhorn_cleanup(struct einhorn **einhorn)
{
    einhorn_free(*einhorn);
}

int einhorn_new(struct app *app, struct einhorn **ret_einhorn)
{
    _cleanup_free_ char *path = directories_path(app->directories.runtime, "einhorn");
    _cleanup_(einhorn_cleanup) struct einhorn *einhorn = calloc(1, sizeof(*einhorn));
    struct unix_socket_options options = {
        .path = path,
        .type = SOCK_STREAM,
        .mode = 0666, /* workers may be of another user; only they are listened to */
        .uid = (uid_t)-1,
        .gid = (gid_t)-1,
    };
    int r;

    if (!einhorn || !path)
        return -ENOMEM;
    einhorn->app = app;
    einhorn->fd = -1;
    r = unix_socket_listen(&options, 0, &einhorn->fd);
    if (r == 0)
        r = descriptor_watch(app->loop, einhorn->fd, on_connection, einhorn, &einhorn->watch);
    if (r < 0)
        return r;
    *ret_einhorn = take_ptr(einhorn);
    return 0;
}

void einhorn_free(struct einhorn *einhorn)
{
    if (!einhorn)
        return;
    for (size_t i = 0; i < EINHORN_CLIENTS_MAX; i++)
        client_free(&einhorn->clients[i]);
    descriptor_unwatch(einhorn->watch);
    (void)close_fd(einhorn->fd);
    free(einhorn);
}
