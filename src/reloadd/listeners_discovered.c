/* Listeners that no configuration has: a worker has bound them. */
#include "reloadd/listeners.h"

#include "base/error.h"
#include "wire/address.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Returns 0, -ENOMEM, or -EADDRNOTAVAIL where nothing can listen there. */
static int make_spec(const char *address, struct listener_spec *ret_spec)
{
    const char *expected;
    int r;

    *ret_spec = (struct listener_spec){.type = LISTENER_UNIX};
    if (*address == '@') {
        ret_spec->address = strdup(address);
        return ret_spec->address ? 0 : -ENOMEM;
    }
    r = address_parse(address, ret_spec, &expected);
    return r > 0 ? -EADDRNOTAVAIL : r;
}

/* unix_socket_listen() is for paths. */
static int open_abstract(const char *name, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size;

    if (fd < 0)
        return error_from_errno();
    if (n > sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path + 1, name + 1, n - 1); /* the first byte is a NUL (unix(7)) */
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (bind(fd, (const struct sockaddr *)&address, size) < 0 || listen(fd, SOMAXCONN) < 0)
        return error_from_errno();
    *ret_fd = take_fd(fd);
    return 0;
}

static int open_spec(const struct listener_spec *spec, bool v6only, mode_t mode, int *ret_fd)
{
    if (spec->type == LISTENER_TCP)
        return listener_open_tcp(spec->host, spec->port, v6only, 0, ret_fd);
    if (spec->address[0] == '@')
        return open_abstract(spec->address, ret_fd);
    return listener_open_unix(spec->address, mode, (uid_t)-1, (gid_t)-1, 0, ret_fd);
}

static bool name_is_taken(const struct listeners *listeners, const char *name)
{
    for (size_t i = 0; i < listeners->n; i++)
        if (strcmp(listeners->items[i].name, name) == 0)
            return true;
    return false;
}

/* "captured0" and so on. The caller's; NULL: no memory. */
static char *make_name(const struct listeners *listeners)
{
    char *name = NULL;

    for (size_t i = 0;; i++) {
        if (asprintf(&name, "captured%zu", i) < 0)
            return NULL;
        if (!name_is_taken(listeners, name))
            return name;
        free(name);
    }
}

/* Owns `fd` in any case. */
static int add_consume(struct listeners *listeners, struct listener_spec *spec,
                       unsigned ordinal, int fd)
{
    struct listener *listener;
    int r = -ENOMEM;

    spec->name = make_name(listeners);
    if (spec->name)
        r = listeners_add_take(listeners, spec, fd, false);
    if (r < 0) {
        (void)close_fd(fd);
        return r;
    }
    listener = &listeners->items[listeners->n - 1];
    listener->discovered = true;
    listener->ordinal = ordinal;
    return 0;
}

int listeners_discover(struct listeners *listeners, const char *address, bool v6only,
                       mode_t mode, const struct listener **ret_listener)
{
    _cleanup_(listener_spec_release) struct listener_spec spec = {0};
    int fd = -1;
    int r = make_spec(address, &spec);

    if (r == 0)
        r = open_spec(&spec, v6only, mode, &fd);
    if (r == 0)
        r = listener_set_nonblocking(fd, false);
    if (r == 0)
        r = add_consume(listeners, &spec, 0, take_fd(fd));
    (void)close_fd(fd);
    if (r < 0)
        return r;
    *ret_listener = &listeners->items[listeners->n - 1];
    return listeners_keep(listeners, &listeners->items[listeners->n - 1]);
}

/* The key of one whose port the kernel has chosen. */
static int set_ordinal(struct listener_spec *spec, unsigned ordinal)
{
    char *address = NULL;
    int colon = (int)(strrchr(spec->address, ':') - spec->address);

    if (asprintf(&address, "%.*s:0#%u", colon, spec->address, ordinal) < 0)
        return -ENOMEM;
    free(spec->address);
    spec->address = address;
    return 0;
}

int listeners_discover_port_consume(struct listeners *listeners, const char *address,
                                    bool v6only, unsigned ordinal, int fd,
                                    const struct listener **ret_listener)
{
    _cleanup_(listener_spec_release) struct listener_spec spec = {0};
    _cleanup_fd_ int own = fd;
    int r = make_spec(address, &spec);

    if (r == 0)
        r = set_ordinal(&spec, ordinal);
    if (r == 0 && own < 0)
        r = listener_open_tcp(spec.host, 0, v6only, 0, &own);
    else if (r == 0 && listen(own, SOMAXCONN) < 0)
        r = error_from_errno();
    if (r == 0)
        r = add_consume(listeners, &spec, ordinal, take_fd(own));
    if (r < 0)
        return r;
    *ret_listener = &listeners->items[listeners->n - 1];
    return listeners_keep(listeners, &listeners->items[listeners->n - 1]);
}

static int rediscover(struct listeners *listeners, struct inherited *inherited,
                      const uint64_t *revisions)
{
    _cleanup_(listener_spec_release) struct listener_spec spec = {0};
    struct listener *listener;
    int r = make_spec(inherited->description.address, &spec);

    if (r == 0 && inherited->ordinal > 0)
        r = set_ordinal(&spec, inherited->ordinal);
    if (r == 0)
        r = add_consume(listeners, &spec, inherited->ordinal, take_fd(inherited->fd));
    if (r < 0)
        return r;
    listener = &listeners->items[listeners->n - 1];
    listener->stored = take_ptr(inherited->name);
    memcpy(listener->revisions, revisions, sizeof(listener->revisions));
    return 0;
}

/* One that was opened for a configuration of long ago, and that nobody has closed since, is
 * still bound by somebody. */
int listeners_rediscover(struct listeners *listeners, const uint64_t *revisions)
{
    int r = 0;

    for (size_t i = 0; i < listeners->inherited_n && r == 0; i++)
        if (listeners->inherited[i].opened && listeners->inherited[i].fd >= 0)
            r = rediscover(listeners, &listeners->inherited[i], revisions);
    return r;
}

bool listeners_was_bound_by(const struct listener *listener, uint64_t revision)
{
    for (size_t i = 0; i < LISTENER_REVISIONS && revision != 0; i++)
        if (listener->revisions[i] == revision)
            return true;
    return false;
}

void listeners_note_bound(struct listeners *listeners, const struct listener *bound,
                          uint64_t revision)
{
    struct listener *listener = &listeners->items[bound - listeners->items];
    size_t i = 0;

    while (i < LISTENER_REVISIONS - 1 && listener->revisions[i] != revision)
        i++;
    memmove(&listener->revisions[1], &listener->revisions[0],
            i * sizeof(listener->revisions[0]));
    listener->revisions[0] = revision;
}
