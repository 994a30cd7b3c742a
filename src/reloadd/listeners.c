#include "reloadd/listeners.h"

#include "base/error.h"
#include "os/owner.h"
#include "reloadd/account.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

__attribute__((format(printf, 2, 3))) static int say(char error[static LISTENERS_ERROR_SIZE],
                                                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, LISTENERS_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return 1;
}

static void free_names(char ***names)
{
    for (char **name = *names; name && *name; name++)
        free(*name);
    free(*names);
}

static int inherit_one(struct listeners *listeners, int fd, const char *name,
                       char error[static LISTENERS_ERROR_SIZE])
{
    struct inherited *inherited = &listeners->inherited[listeners->inherited_n];
    int r;

    r = listener_describe(fd, &inherited->description);
    if (r < 0)
        return say(error,
                   "descriptor %d (%s), which the service manager handed over, is no "
                   "listening socket: %s",
                   fd, name, strerror(-r));
    if (inherited->description.type != SOCK_STREAM || !inherited->description.listening)
        return say(error,
                   "descriptor %d (%s), which the service manager handed over, is no "
                   "listening stream socket: use ListenStream= and Accept=no",
                   fd, name);
    inherited->name = strdup(name);
    if (!inherited->name)
        return -ENOMEM;
    inherited->fd = fd;
    listeners->inherited_n++;
    return 0;
}

int listeners_inherit(struct listeners *listeners, char error[static LISTENERS_ERROR_SIZE])
{
    _cleanup_(free_names) char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    if (n <= 0)
        return n;
    listeners->inherited = calloc((size_t)n, sizeof(*listeners->inherited));
    if (!listeners->inherited)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        int r = inherit_one(listeners, SD_LISTEN_FDS_START + i, names[i], error);

        if (r != 0)
            return r;
    }
    return 0;
}

/* sd_listen_fds(3)'s name for a descriptor that nobody has named. */
static bool name_says_something(const char *name)
{
    return strcmp(name, "unknown") != 0 && strcmp(name, "stored") != 0 && !strchr(name, '.');
}

static int complete_one(struct spec *spec, const struct inherited *inherited)
{
    struct listener_spec *listener = &spec->listeners[spec->listener_n];
    bool is_unix = inherited->description.family == AF_UNIX;
    int r;

    *listener = (struct listener_spec){
        .type = is_unix ? LISTENER_UNIX : LISTENER_TCP,
        .port = inherited->description.port,
    };
    spec->listener_n++;
    r = name_says_something(inherited->name)
            ? asprintf(&listener->name, "%s", inherited->name)
            : asprintf(&listener->name, "listen%zu", spec->listener_n - 1);
    if (r < 0)
        return -ENOMEM;
    listener->address = strdup(inherited->description.address);
    if (!listener->address)
        return -ENOMEM;
    if (is_unix)
        return 0;
    /* "[::1]:80" and "127.0.0.1:80": the host is what stands before the last colon. */
    listener->host = listener->address[0] == '['
                         ? strndup(listener->address + 1, strcspn(listener->address, "]") - 1)
                         : strndup(listener->address, strcspn(listener->address, ":"));
    return listener->host ? 0 : -ENOMEM;
}

int listeners_complete(const struct listeners *listeners, struct spec *spec)
{
    if (spec->listener_n > 0 || listeners->inherited_n == 0)
        return 0;
    spec->listeners = calloc(listeners->inherited_n, sizeof(*spec->listeners));
    if (!spec->listeners)
        return -ENOMEM;
    for (size_t i = 0; i < listeners->inherited_n; i++) {
        int r = complete_one(spec, &listeners->inherited[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

const struct listener *listeners_find(const struct listeners *listeners, const char *address)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (strcmp(listeners->items[i].address, address) == 0)
            return &listeners->items[i];
    return NULL;
}

static struct inherited *find_inherited(const struct listeners *listeners,
                                        const struct listener_spec *wanted)
{
    for (size_t i = 0; i < listeners->inherited_n; i++)
        if (!listeners->inherited[i].taken &&
            strcmp(listeners->inherited[i].description.address, wanted->address) == 0)
            return &listeners->inherited[i];
    for (size_t i = 0; i < listeners->inherited_n; i++)
        if (!listeners->inherited[i].taken &&
            strcmp(listeners->inherited[i].name, wanted->name) == 0)
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

/* Why, and why only there: os/listener.h. */
static bool must_not_block(const struct spec *spec)
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
    listener->fd = close_fd(listener->fd);
    free(listener->address);
    free(listener->bound);
    free(listener->name);
    *listener = (struct listener){.fd = -1};
}

/* Puts the socket into the table; owns `fd` always. */
static int listeners_add_consume(struct listeners *listeners,
                                 const struct listener_spec *wanted, int fd, bool inherited)
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
    items = reallocarray(listeners->items, listeners->n + 1, sizeof(*items));
    if (items)
        listeners->items = items;
    if (r < 0 || !items || !listener.address || !listener.bound || !listener.name) {
        listener_release(&listener);
        return r < 0 ? r : -ENOMEM;
    }
    items[listeners->n++] = listener;
    return 0;
}

static int acquire(struct listeners *listeners, const struct spec *spec,
                   const struct listener_spec *wanted, char error[static LISTENERS_ERROR_SIZE])
{
    struct inherited *inherited = find_inherited(listeners, wanted);
    int fd = -1;
    int r;

    if (inherited) {
        inherited->taken = true;
        r = must_not_block(spec) ? listener_set_nonblocking(inherited->fd, true) : 0;
        return r < 0 ? r : listeners_add_consume(listeners, wanted, inherited->fd, true);
    }
    if (listeners->inherited_n > 0)
        return say(error,
                   "no socket for %s (%s) was handed over by the service manager: add "
                   "ListenStream=%s to its socket unit, or remove it from `listen`",
                   wanted->address, wanted->name, wanted->address);
    r = open_one(spec, wanted, &fd);
    if (r < 0)
        return say_open_failed(wanted, r, error);
    r = listener_set_nonblocking(fd, must_not_block(spec));
    if (r < 0) {
        (void)close_fd(fd);
        return r;
    }
    return listeners_add_consume(listeners, wanted, fd, false);
}

/* An open listener that the configuration still has: its file's mode and owner, and its name,
 * are as the newest configuration wants them. */
static int refresh(struct listeners *listeners, const struct listener_spec *wanted)
{
    struct listener *listener = NULL;
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    char *name;

    for (size_t i = 0; i < listeners->n; i++)
        if (strcmp(listeners->items[i].address, wanted->address) == 0)
            listener = &listeners->items[i];
    assert(listener);
    name = strdup(wanted->name);
    if (!name)
        return -ENOMEM;
    free(listener->name);
    listener->name = name;
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

static void close_last(struct listeners *listeners, size_t keep)
{
    while (listeners->n > keep) {
        struct listener *last = &listeners->items[--listeners->n];

        if (last->inherited)
            listener_give_back(listeners, last);
        else if (last->address[0] == '/')
            (void)unlink(last->address);
        listener_release(last);
    }
}

static int complain_of_unused(const struct listeners *listeners,
                              char error[static LISTENERS_ERROR_SIZE])
{
    for (size_t i = 0; i < listeners->inherited_n; i++) {
        const struct inherited *inherited = &listeners->inherited[i];

        if (!inherited->taken)
            return say(error,
                       "the service manager handed over %s (%s), which `listen` does not "
                       "have: add it there, or remove it from the socket unit",
                       inherited->description.address, inherited->name);
    }
    return 0;
}

int listeners_open(struct listeners *listeners, const struct spec *spec,
                   char error[static LISTENERS_ERROR_SIZE])
{
    bool first = listeners->n == 0;
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
    if (r == 0 && first)
        r = complain_of_unused(listeners, error);
    if (r != 0)
        close_last(listeners, before);
    return r;
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
        if (listener->inherited)
            listener_give_back(listeners, listener);
        else if (listener->address[0] == '/')
            (void)unlink(listener->address);
        listener_release(listener);
    }
    listeners->n = kept;
}

void listeners_release(struct listeners *listeners)
{
    close_last(listeners, 0);
    free(listeners->items);
    for (size_t i = 0; i < listeners->inherited_n; i++) {
        if (!listeners->inherited[i].taken)
            (void)close_fd(listeners->inherited[i].fd);
        free(listeners->inherited[i].name);
    }
    free(listeners->inherited);
    *listeners = (struct listeners){0};
}
