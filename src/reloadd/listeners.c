#include "reloadd/listeners.h"

#include "base/error.h"
#include "os/owner.h"
#include "os/socket_file.h"
#include "reloadd/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

__attribute__((format(printf, 2, 3))) static int say(char error[static LISTENERS_ERROR_SIZE],
                                                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, LISTENERS_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return 1;
}

const struct listener *listeners_find(const struct listeners *listeners, const char *address)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (strcmp(listeners->items[i].address, address) == 0)
            return &listeners->items[i];
    return NULL;
}

struct listener *listeners_find_mutable(struct listeners *listeners, const char *address)
{
    return (struct listener *)(uintptr_t)listeners_find(listeners, address);
}

static struct inherited *find_inherited(const struct listeners *listeners,
                                        const struct listener_spec *wanted)
{
    for (size_t i = 0; i < listeners->inherited_n; i++)
        if (!listeners->inherited[i].taken && listeners->inherited[i].fd >= 0 &&
            strcmp(listeners->inherited[i].description.address, wanted->address) == 0)
            return &listeners->inherited[i];
    return NULL;
}

/* [::]:80 takes IPv4 in too, unless 0.0.0.0:80 has a listener of its own. */
static bool wants_v6only(const struct spec *spec, const struct listener_spec *wanted)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (spec->listeners[i].type == LISTENER_TCP &&
            spec->listeners[i].port == wanted->port &&
            strcmp(spec->listeners[i].host, "0.0.0.0") == 0)
            return true;
    return false;
}

static int say_open_failed(const struct listener_spec *wanted, int r,
                           char error[static LISTENERS_ERROR_SIZE])
{
    struct owners owners;
    char holder[256];

    if (r == -EADDRINUSE && owner_find(wanted->address, &owners) == 0)
        return say(error, "cannot listen on %s: it is taken by %s", wanted->address,
                   owner_describe(&owners, holder, sizeof(holder)));
    if (r == -EADDRINUSE)
        return say(error, "cannot listen on %s: it is taken", wanted->address);
    if (r == -EACCES && wanted->type == LISTENER_TCP)
        return say(error,
                   "cannot listen on %s: permission denied (ports below 1024 need root or "
                   "CAP_NET_BIND_SERVICE)",
                   wanted->address);
    if (r == -EADDRNOTAVAIL)
        return say(error, "cannot listen on %s: no interface of this machine has that address",
                   wanted->address);
    return say(error, "cannot listen on %s: %s", wanted->address, strerror(-r));
}

bool listeners_must_not_block(const struct spec *spec)
{
    return spec->dialects & DIALECT_NGINX;
}

static int open_one(const struct spec *spec, const struct listener_spec *wanted, int *ret_fd)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    int r;

    if (wanted->type == LISTENER_TCP)
        return listener_open_tcp(wanted->host, wanted->port, wants_v6only(spec, wanted),
                                 wanted->backlog, ret_fd);
    r = account_find(wanted->owner, wanted->group, &uid, &gid);
    if (r < 0)
        return r;
    return listener_open_unix(wanted->address, wanted->mode, uid, gid, wanted->backlog, ret_fd);
}

static void listener_release(struct listener *listener)
{
    lane_group_release(&listener->lanes);
    listener->fd = close_fd(listener->fd);
    free(listener->address);
    free(listener->bound);
    free(listener->name);
    free(listener->differs);
    free(listener->stored);
    *listener = (struct listener){.fd = -1};
}

int listeners_add_take(struct listeners *listeners, const struct listener_spec *wanted, int fd,
                       bool inherited)
{
    struct listener listener = {.fd = fd, .inherited = inherited};
    struct listener_description description;
    struct listener *items;
    int r;

    r = listener_describe(fd, &description);
    listener.identity = description.identity;
    listener.port = description.port;
    listener.address = strdup(wanted->address);
    listener.bound = r == 0 ? strdup(description.address) : NULL;
    listener.name = strdup(wanted->name);
    if (r == 0)
        r = listener_differs(wanted, &listener.differs);
    items = reallocarray(listeners->items, listeners->n + 1, sizeof(*items));
    if (items)
        listeners->items = items;
    if (r < 0 || !items || !listener.address || !listener.bound || !listener.name) {
        listener.fd = -1;
        listener_release(&listener);
        return r < 0 ? r : -ENOMEM;
    }
    items[listeners->n++] = listener;
    return 0;
}

int listeners_keep(const struct listeners *listeners, struct listener *listener)
{
    char name[FD_NAME_SIZE];

    if (!listeners->store)
        return 0;
    listeners_store_name(listener, name);
    listener->stored = strdup(name);
    if (!listener->stored)
        return -ENOMEM;
    fd_store_keep(listeners->store, name, listener->fd);
    return 0;
}

/* One that an earlier primary has opened is ours, as if we had opened it. */
static int adopt_inherited(struct listeners *listeners, const struct spec *spec,
                           const struct listener_spec *wanted, struct inherited *inherited)
{
    int r = listeners_must_not_block(spec) ? listener_set_nonblocking(inherited->fd, true) : 0;

    if (r < 0)
        return r;
    r = listeners_add_take(listeners, wanted, inherited->fd, !inherited->opened);
    if (r == 0 && inherited->opened) {
        listeners->items[listeners->n - 1].stored = take_ptr(inherited->name);
        inherited->fd = -1;
    }
    inherited->taken = r == 0 && !inherited->opened;
    return r;
}

static int open_and_keep(struct listeners *listeners, const struct spec *spec,
                         const struct listener_spec *wanted,
                         char error[static LISTENERS_ERROR_SIZE])
{
    _cleanup_fd_ int fd = -1;
    int r = open_one(spec, wanted, &fd);

    if (r < 0)
        return say_open_failed(wanted, r, error);
    r = listener_set_nonblocking(fd, listeners_must_not_block(spec));
    if (r == 0)
        r = listeners_add_take(listeners, wanted, fd, false);
    if (r < 0)
        return r;
    fd = -1; /* the table's */
    return listeners_keep(listeners, &listeners->items[listeners->n - 1]);
}

static int acquire(struct listeners *listeners, const struct spec *spec,
                   const struct listener_spec *wanted, char error[static LISTENERS_ERROR_SIZE])
{
    struct inherited *inherited = find_inherited(listeners, wanted);

    if (inherited)
        return adopt_inherited(listeners, spec, wanted, inherited);
    /* A spec of an earlier primary: since then, the socket unit was changed and started anew.
     */
    if (listeners_are_of_units(listeners))
        return say(error, "no socket unit holds %s (%s) any more", wanted->address,
                   wanted->name);
    return open_and_keep(listeners, spec, wanted, error);
}

/* An open listener that the configuration still has: its file's mode and owner, and its name,
 * are as the newest configuration wants them. */
static int refresh(struct listeners *listeners, const struct listener_spec *wanted)
{
    struct listener *listener = listeners_find_mutable(listeners, wanted->address);
    _cleanup_free_ char *differs = NULL;
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    char *name;

    assert(listener);
    name = strdup(wanted->name);
    if (!name || listener_differs(wanted, &differs) < 0) {
        free(name);
        return -ENOMEM;
    }
    free(listener->name);
    listener->name = name;
    listener->discovered = false;
    free(listener->differs);
    listener->differs = take_ptr(differs);
    if (wanted->type != LISTENER_UNIX || listener->inherited)
        return 0;
    if (account_find(wanted->owner, wanted->group, &uid, &gid) < 0 ||
        chmod(wanted->address, wanted->mode) < 0 || chown(wanted->address, uid, gid) < 0)
        return error_from_errno();
    return 0;
}

/* What the service manager handed over can't be had a second time: it is kept for a later
 * configuration that wants it again. */
static void listener_give_back(struct listeners *listeners, struct listener *listener)
{
    for (size_t i = 0; i < listeners->inherited_n; i++)
        if (listeners->inherited[i].fd == listener->fd) {
            listeners->inherited[i].taken = false;
            listener->fd = -1;
        }
}

/* What was opened is closed: its file goes, and the store's copy, or nobody could ever bind
 * that address again. */
static void listener_close(struct listeners *listeners, struct listener *listener)
{
    if (listener->kept)
        socket_file_forget(listener->address);
    if (listener->inherited) {
        listener_give_back(listeners, listener);
    } else {
        if (listener->address[0] == '/')
            (void)unlink(listener->address);
        if (listener->stored)
            fd_store_drop(listeners->store, listener->stored);
    }
    listener_release(listener);
}

static void close_last(struct listeners *listeners, size_t keep)
{
    while (listeners->n > keep)
        listener_close(listeners, &listeners->items[--listeners->n]);
}

int listeners_open(struct listeners *listeners, const struct spec *spec,
                   char error[static LISTENERS_ERROR_SIZE])
{
    size_t before = listeners->n;
    int r = 0;

    for (size_t i = 0; i < spec->listener_n && r == 0; i++) {
        const struct listener_spec *wanted = &spec->listeners[i];

        r = listeners_find(listeners, wanted->address)
                ? refresh(listeners, wanted)
                : acquire(listeners, spec, wanted, error);
        if (r < 0 && r != -ENOMEM)
            r = say(error, "cannot listen on %s: %s", wanted->address, strerror(-r));
    }
    if (r != 0)
        close_last(listeners, before);
    return r;
}

/* What an earlier primary had opened, and no revision in use has. */
static void forget_opened(struct listeners *listeners, struct inherited *inherited)
{
    if (!inherited->opened || inherited->fd < 0)
        return;
    fd_store_drop(listeners->store, inherited->name);
    inherited->fd = close_fd(inherited->fd);
}

void listeners_close_unwanted(struct listeners *listeners,
                              bool (*wanted)(void *user, const struct listener *listener),
                              void *user)
{
    size_t kept = 0;

    for (size_t i = 0; i < listeners->n; i++) {
        struct listener *listener = &listeners->items[i];

        if (wanted(user, listener)) {
            listeners->items[kept++] = *listener;
            continue;
        }
        listener_close(listeners, listener);
    }
    listeners->n = kept;
    for (size_t i = 0; i < listeners->inherited_n; i++)
        forget_opened(listeners, &listeners->inherited[i]);
}

static void listeners_free(struct listeners *listeners)
{
    free(listeners->items);
    for (size_t i = 0; i < listeners->inherited_n; i++) {
        if (!listeners->inherited[i].taken)
            (void)close_fd(listeners->inherited[i].fd);
        free(listeners->inherited[i].name);
    }
    free(listeners->inherited);
    *listeners = (struct listeners){0};
}

void listeners_release(struct listeners *listeners)
{
    close_last(listeners, 0);
    listeners_free(listeners);
}

void listeners_leave(struct listeners *listeners)
{
    while (listeners->n > 0) {
        lane_group_leave(&listeners->items[listeners->n - 1].lanes);
        listener_release(&listeners->items[--listeners->n]);
    }
    for (size_t i = 0; i < listeners->inherited_n; i++)
        if (listeners->inherited[i].taken)
            listeners->inherited[i].fd = -1; /* was its listener's, and closed */
    listeners_free(listeners);
}
