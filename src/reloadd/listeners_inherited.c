/* What the service manager handed over, and what that means for a configuration. */
#include "reloadd/listeners.h"

#include "base/error.h"
#include "wire/listen_env.h"
#include "wire/strings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int say(char error[static LISTENERS_ERROR_SIZE],
                                                     const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, LISTENERS_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return 1;
}

void listeners_store_name(const struct listener *listener, char name[static FD_NAME_SIZE])
{
    uint64_t inode = listener->identity.inode;

    if (listener->discovered)
        (void)snprintf(name, FD_NAME_SIZE, "discovered-%" PRIu64 "-%u", inode,
                       listener->ordinal);
    else
        (void)snprintf(name, FD_NAME_SIZE, "opened-%" PRIu64, inode);
}

/* What the name says of whose it is. With the socket's number in it, no name of a socket unit
 * can be taken for it. */
static void read_store_name(struct inherited *inherited)
{
    struct listener listener = {.identity = inherited->description.identity};
    char own[FD_NAME_SIZE];

    listeners_store_name(&listener, own);
    inherited->opened = strcmp(own, inherited->name) == 0;
    listener.discovered = sscanf(inherited->name, "discovered-%*u-%u", &listener.ordinal) == 1;
    listeners_store_name(&listener, own);
    if (!listener.discovered || strcmp(own, inherited->name) != 0)
        return;
    inherited->opened = true;
    inherited->discovered = true;
    inherited->ordinal = listener.ordinal;
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
    read_store_name(inherited);
    inherited->fd = fd;
    listeners->inherited_n++;
    return 0;
}

int listeners_inherit(struct listeners *listeners, struct fd_store *store,
                      char error[static LISTENERS_ERROR_SIZE])
{
    listeners->store = store;
    if (store->n == 0)
        return 0;
    listeners->inherited = calloc(store->n, sizeof(*listeners->inherited));
    if (!listeners->inherited)
        return -ENOMEM;
    for (size_t i = 0; i < store->n; i++) {
        struct stored_fd *item = &store->items[i];
        int r;

        if (item->fd < 0 || fd_store_is_own_name(item->name))
            continue;
        r = inherit_one(listeners, item->fd, item->name, error);
        if (r != 0)
            return r;
        item->fd = -1; /* handed over */
    }
    return 0;
}

/* Which listener of the configuration has which socket. */

enum { NOBODY = -1 };

struct match {
    const struct listeners *listeners;
    const struct spec *spec;
    int *socket_of;   /* a listener's index to its socket's */
    int *listener_of; /* the inverse; of units' sockets alone */
};

typedef bool agrees_fn(const struct listener_spec *listener, const struct inherited *inherited);

static bool same_address(const struct listener_spec *listener,
                         const struct inherited *inherited)
{
    return strcmp(listener->address, inherited->description.address) == 0;
}

static bool same_name(const struct listener_spec *listener, const struct inherited *inherited)
{
    return strcmp(listener->name, inherited->name) == 0;
}

static bool anything(const struct listener_spec *listener, const struct inherited *inherited)
{
    (void)listener;
    (void)inherited;
    return true;
}

/* The only socket left that agrees, or NOBODY: a unit gives all its sockets one name. */
static int only_socket(const struct match *match, size_t listener, agrees_fn *agrees)
{
    int found = NOBODY;

    for (size_t i = 0; i < match->listeners->inherited_n; i++) {
        const struct inherited *inherited = &match->listeners->inherited[i];

        if (match->listener_of[i] != NOBODY || inherited->opened ||
            !agrees(&match->spec->listeners[listener], inherited))
            continue;
        if (found != NOBODY)
            return NOBODY;
        found = (int)i;
    }
    return found;
}

static int only_listener(const struct match *match, int socket, agrees_fn *agrees)
{
    int found = NOBODY;

    for (size_t i = 0; i < match->spec->listener_n; i++) {
        if (match->socket_of[i] != NOBODY ||
            !agrees(&match->spec->listeners[i], &match->listeners->inherited[socket]))
            continue;
        if (found != NOBODY)
            return NOBODY;
        found = (int)i;
    }
    return found;
}

static void match_by(struct match *match, agrees_fn *agrees)
{
    for (size_t i = 0; i < match->spec->listener_n; i++) {
        int socket = match->socket_of[i] == NOBODY ? only_socket(match, i, agrees) : NOBODY;

        if (socket == NOBODY || only_listener(match, socket, agrees) != (int)i)
            continue;
        match->socket_of[i] = socket;
        match->listener_of[socket] = (int)i;
    }
}

static int match_make(struct match *match)
{
    size_t listener_n = match->spec->listener_n;
    size_t socket_n = match->listeners->inherited_n;

    match->socket_of = calloc(listener_n + 1, sizeof(*match->socket_of));
    match->listener_of = calloc(socket_n + 1, sizeof(*match->listener_of));
    if (!match->socket_of || !match->listener_of)
        return -ENOMEM;
    for (size_t i = 0; i < listener_n; i++)
        match->socket_of[i] = NOBODY;
    for (size_t i = 0; i < socket_n; i++)
        match->listener_of[i] = NOBODY;
    match_by(match, same_address);
    match_by(match, same_name);
    match_by(match, anything);
    return 0;
}

static void match_release(struct match *match)
{
    free(match->socket_of);
    free(match->listener_of);
}

/* What the match means for the configuration. */

/* The listener is where the socket is. Returns 0 or -ENOMEM. */
static int move_to(struct listener_spec *listener, const struct inherited *inherited)
{
    const struct listener_description *description = &inherited->description;
    _cleanup_free_ char *address = strdup(description->address);
    _cleanup_free_ char *host = NULL;

    if (!address)
        return -ENOMEM;
    if (description->family != AF_UNIX) {
        /* "[::1]:80" and "127.0.0.1:80": the host is what stands before the last colon. */
        host = address[0] == '[' ? strndup(address + 1, strcspn(address, "]") - 1)
                                 : strndup(address, strcspn(address, ":"));
        if (!host)
            return -ENOMEM;
    }
    free(listener->configured);
    listener->configured = listener->address;
    listener->address = take_ptr(address);
    free(listener->host);
    listener->host = take_ptr(host);
    listener->type = description->family == AF_UNIX ? LISTENER_UNIX : LISTENER_TCP;
    listener->port = description->port;
    return 0;
}

static bool name_is_taken(const struct spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (strcmp(spec->listeners[i].name, name) == 0)
            return true;
    return false;
}

/* sd_listen_fds(3)'s name for a descriptor that nobody has named, and systemd's own default,
 * the unit's name, say nothing. */
static bool name_says_something(const char *name)
{
    return strcmp(name, "unknown") != 0 && strcmp(name, "stored") != 0 && !strchr(name, '.') &&
           *name != '\0';
}

/* The socket's own name, or "listen0" and so on. The caller's; NULL: no memory. */
static char *name_for(const struct spec *spec, const struct inherited *inherited)
{
    char *name = NULL;

    if (name_says_something(inherited->name) && !name_is_taken(spec, inherited->name))
        return strdup(inherited->name);
    for (size_t i = spec->listener_n;; i++) {
        if (asprintf(&name, "listen%zu", i) < 0)
            return NULL;
        if (!name_is_taken(spec, name))
            return name;
        free(name);
    }
}

/* `spec->listeners` has room for it. `lacking`: `listen` has others, and not this one. */
static int add(struct spec *spec, const struct inherited *inherited, bool lacking)
{
    struct listener_spec listener = {.name = name_for(spec, inherited)};
    int r = listener.name ? move_to(&listener, inherited) : -ENOMEM;

    if (r == 0 && lacking) {
        listener.configured = strdup("");
        r = listener.configured ? 0 : -ENOMEM;
    }
    if (r < 0) {
        listener_spec_release(&listener);
        return r;
    }
    spec->listeners[spec->listener_n++] = listener;
    return 0;
}

/* Takes it out of `listeners` and says so in left_out, which has room for it. */
static int leave_out(struct spec *spec, size_t i)
{
    struct listener_spec *listener = &spec->listeners[i];
    char **place = &spec->left_out[strings_count((const char *const *)spec->left_out)];

    if (asprintf(place, "%s (%s)", listener->address, listener->name) < 0) {
        *place = NULL;
        return -ENOMEM;
    }
    listener_spec_release(listener);
    spec->listener_n--;
    memmove(listener, listener + 1, (spec->listener_n - i) * sizeof(*listener));
    return 0;
}

static size_t count_nobody(const int *indices, size_t n)
{
    size_t nobody = 0;

    for (size_t i = 0; i < n; i++)
        nobody += indices[i] == NOBODY;
    return nobody;
}

static int make_room(struct spec *spec, size_t listener_n, size_t left_out_n)
{
    size_t before = strings_count((const char *const *)spec->left_out);
    struct listener_spec *listeners;
    char **left_out;

    listeners = reallocarray(spec->listeners, listener_n + 1, sizeof(*listeners));
    if (!listeners)
        return -ENOMEM;
    spec->listeners = listeners;
    if (left_out_n == 0)
        return 0;
    left_out = reallocarray(spec->left_out, before + left_out_n + 1, sizeof(*left_out));
    if (!left_out)
        return -ENOMEM;
    memset(left_out + before, 0, (left_out_n + 1) * sizeof(*left_out));
    spec->left_out = left_out;
    return 0;
}

static int apply(const struct match *match, struct spec *spec)
{
    const struct listeners *listeners = match->listeners;
    size_t configured_n = spec->listener_n;
    int r = make_room(spec, configured_n + listeners->inherited_n,
                      count_nobody(match->socket_of, configured_n));

    for (size_t i = 0; i < configured_n && r == 0; i++) {
        int socket = match->socket_of[i];

        if (socket != NOBODY &&
            !same_address(&spec->listeners[i], &listeners->inherited[socket]))
            r = move_to(&spec->listeners[i], &listeners->inherited[socket]);
    }
    /* From the last one, so that the indices before it stay what they are. */
    for (size_t i = configured_n; i-- > 0 && r == 0;)
        if (match->socket_of[i] == NOBODY)
            r = leave_out(spec, i);
    for (size_t i = 0; i < listeners->inherited_n && r == 0; i++)
        if (match->listener_of[i] == NOBODY && !listeners->inherited[i].opened)
            r = add(spec, &listeners->inherited[i], configured_n > 0);
    return r;
}

bool listeners_are_of_units(const struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->inherited_n; i++)
        if (!listeners->inherited[i].opened)
            return true;
    return false;
}

int listeners_complete(const struct listeners *listeners, struct spec *spec,
                       char error[static LISTENERS_ERROR_SIZE])
{
    _cleanup_(match_release) struct match match = {listeners, spec, NULL, NULL};
    struct fault fault;
    int r;

    if (!listeners_are_of_units(listeners))
        return 0;
    spec->discovers = false;
    r = match_make(&match);
    if (r == 0)
        r = apply(&match, spec);
    if (r < 0)
        return r;
    if (!spec->left_out || listen_env_check((const char *const *)spec->exec, spec->listeners,
                                            spec->listener_n, &fault) == 0)
        return 0;
    return say(error, "no socket unit holds %s, and `exec` can't do without it: %s",
               spec->left_out[0], fault.text);
}

static bool leaves_out(const struct spec *spec, const char *what)
{
    for (char **each = spec->left_out; each && *each; each++)
        if (strcmp(*each, what) == 0)
            return true;
    return false;
}

int listeners_refuse_new(const struct spec *spec, const struct spec *running,
                         char error[static LISTENERS_ERROR_SIZE])
{
    for (char **each = spec->left_out; each && *each; each++)
        if (!leaves_out(running, *each))
            return say(
                error,
                "no socket unit holds %s, which `listen` has now, and systemd opens none "
                "while the service is active (docs/SYSTEMD.md, \"To change listeners\"); take "
                "it out of `listen` again to reload",
                *each);
    return 0;
}

bool listeners_warn(const struct spec *spec, char warning[static LISTENERS_ERROR_SIZE])
{
    size_t n = strings_count((const char *const *)spec->left_out);

    return n > 0 && say(warning, "`listen` has %s%s, which no socket unit holds: left out",
                        spec->left_out[0], n > 1 ? " and others" : "");
}

int listener_differs(const struct listener_spec *wanted, char **ret_differs)
{
    char *text = NULL;
    int r = 0;

    if (wanted->configured && *wanted->configured == '\0')
        r = asprintf(&text, "`listen` lacks it; its socket unit has it");
    else if (wanted->configured)
        r = asprintf(&text, "`listen` has %s; its socket unit has %s", wanted->configured,
                     wanted->address);
    if (r < 0)
        return -ENOMEM;
    *ret_differs = text;
    return 0;
}
