#include "reloadd/capturing_answer.h"

#include "base/error.h"
#include "base/log.h"
#include "os/proc.h"
#include "os/rights.h"
#include "os/socket_options.h"
#include "reloadd/app.h"
#include "reloadd/binding.h"
#include "reloadd/capturing.h"
#include "reloadd/lanes.h"
#include "reloadd/readiness.h"
#include "reloadd/socket_files.h"
#include "wire/listen_env.h"

#include <stdio.h>
#include <string.h>

enum {
    PIDS_MAX = 128,
    SOCKET_MODE = 0777, /* of what bind(2) makes, before the umask */
};

static const struct spec *spec_of(const struct capturing *capturing)
{
    return app_spec(capturing->process->app, capturing->process->revision);
}

/* The inode of what the worker has of a listener: its lane's. */
/* The listener that a socket of the worker's is, or NULL. */
static const struct listener *find_own(const struct capturing *capturing, uint64_t inode)
{
    const struct listeners *listeners = &capturing->process->app->listeners;

    for (size_t i = 0; i < listeners->n && inode != 0; i++)
        if (inode == listeners->items[i].identity.inode ||
            inode == lanes_inode(capturing->process, &listeners->items[i]))
            return &listeners->items[i];
    return NULL;
}

static bool is_of_spec(const struct capturing *capturing, const struct listener *listener)
{
    const struct spec *spec = spec_of(capturing);

    for (size_t i = 0; i < spec->listener_n; i++)
        if (strcmp(spec->listeners[i].address, listener->address) == 0)
            return true;
    return false;
}

static void note_bound(struct capturing *capturing, const struct listener *listener)
{
    struct process *process = capturing->process;
    uint64_t *bound;

    capturing->used = true;
    if (is_of_spec(capturing, listener))
        return;
    listeners_note_bound(&process->app->listeners, listener, process->revision);
    if (capturing_has_bound(process, listener))
        return;
    bound = reallocarray(capturing->bound, capturing->bound_n + 1, sizeof(*bound));
    if (!bound) { /* a listener that nobody is known to have would be closed */
        log_error("out of memory for a listener: ending");
        abort();
    }
    capturing->bound = bound;
    bound[capturing->bound_n++] = listener->identity.inode;
}

/* Whether a process has a socket, at another descriptor than `but` and those that it was born
 * with. */
static bool has_socket(const struct capturing *capturing, pid_t pid, uint64_t inode, int but)
{
    const struct spec *spec = spec_of(capturing);
    int born_n = spec->delivery == DELIVERY_AUTO ? (int)spec->listener_n : 0;
    _cleanup_dir_ DIR *dir = NULL;
    char path[64];
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    if (proc_open(path, &dir) != 0)
        return false;
    while (proc_next(dir, &fd) == 0) {
        uint64_t found;

        if (fd == but || (fd >= LISTEN_FD_FIRST && fd < LISTEN_FD_FIRST + born_n))
            continue;
        if (proc_fd_socket_at(dirfd(dir), fd, &found) == 0 && found == inode)
            return true;
    }
    return false;
}

static bool worker_has_socket(const struct capturing *capturing, uint64_t inode)
{
    pid_t pids[PIDS_MAX];
    size_t n = process_pids(capturing->process, pids, PIDS_MAX);

    for (size_t i = 0; i < n; i++)
        if (has_socket(capturing, pids[i], inode, -1))
            return true;
    return false;
}

static bool may_be_looked_into(const struct capturing *capturing)
{
    _cleanup_dir_ DIR *dir = NULL;
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)capturing->process->pid);
    return proc_open(path, &dir) == 0;
}

void capturing_look(struct capturing *capturing)
{
    const struct app *app = capturing->process->app;
    bool blind = !may_be_looked_into(capturing);

    for (size_t i = 0; i < app->listeners.n; i++) {
        const struct listener *listener = &app->listeners.items[i];

        if (blind ? !listener->discovered
                  : !worker_has_socket(capturing, lanes_inode(capturing->process, listener)))
            continue;
        note_bound(capturing, listener);
        capturing->listened = loop_now(app->loop);
    }
}

/* A program that binds one address twice is told so, unless it has asked for it. Where its
 * socket can't be borrowed, it is believed. */
static bool is_second(const struct capturing *capturing, const struct capture_request *request,
                      const struct listener *listener)
{
    _cleanup_fd_ int fd = -1;
    int shared = 1;
    socklen_t size = sizeof(shared);

    if (!has_socket(capturing, request->thread, lanes_inode(capturing->process, listener),
                    request->fd))
        return false;
    return capture_borrow(request, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shared, &size) == 0 && shared == 0;
}

/* Puts the worker's lane where its own socket is. */
static int give(struct capturing *capturing, const struct capture_request *request,
                const struct listener *listener)
{
    struct process *process = capturing->process;
    _cleanup_fd_ int own = -1;
    int lane;
    int r = lanes_join(process, listener);

    if (r < 0)
        return capture_answer(capturing->filter, request, r);
    lane = lanes_fd(process, listener);
    if (request->socket.family != AF_UNIX && capture_borrow(request, &own) == 0)
        (void)socket_options_copy_chosen(own, lane);
    if (request->socket.family == AF_UNIX)
        socket_files_restore(process->app);
    r = capture_place(capturing->filter, request, lane);
    if (r < 0)
        return capture_answer(capturing->filter, request, r);
    note_bound(capturing, listener);
    readiness_of_captured(process); /* HAProxy sees that it listens already, and says no more */
    log_debug("worker %llu (pid %d): descriptor %d is %s", (unsigned long long)process->worker,
              request->thread, request->fd, listener->bound);
    return r;
}

static void tell_discovery(struct app *app, const struct process *process,
                           const struct listener *listener)
{
    app_say(app, LEVEL_NOTICE, "worker %llu listens on %s, which the app keeps from now on",
            (unsigned long long)process->worker, listener->bound);
}

/* Opens it by the rights that the worker has. Returns 0; 1 where it is left to the worker;
 * -errno, for the program. */
static int discover(struct capturing *capturing, const struct capture_request *request,
                    const struct binding *binding, const struct listener **ret_listener)
{
    struct app *app = capturing->process->app;
    struct rights rights;
    struct rights before;
    int r;

    if (app->listeners.n >= PROCESS_LISTENERS_MAX) {
        if (!capturing->told_limit)
            app_say(
                app, LEVEL_WARNING,
                "%s is left to worker %llu, and so is what it binds after that: the app has "
                "%zu listeners already",
                binding->address, (unsigned long long)capturing->process->worker,
                app->listeners.n);
        capturing->told_limit = true;
        return 1;
    }
    r = rights_read(request->thread, &rights);
    if (r != 0)
        return 1;
    if (binding->family != AF_UNIX && !rights_allow_port(&rights, binding->port))
        return -EACCES;
    rights_take_on(&rights, &before);
    r = listeners_discover(&app->listeners, binding->address, !binding->dual,
                           SOCKET_MODE & ~rights.umask, ret_listener);
    rights_return(&before);
    if (r < 0)
        return r;
    socket_files_keep(capturing->process->app, *ret_listener);
    tell_discovery(app, capturing->process, *ret_listener);
    return 0;
}

/* Among all that the app has, where whatever is bound is its listener; else, among those of the
 * worker's configuration. */
static const struct listener *find_wanted(const struct capturing *capturing,
                                          const struct binding *binding)
{
    const struct app *app = capturing->process->app;
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = 0;
    bool discovers = spec_of(capturing)->discovers;

    if (!discovers)
        n = process_listeners(capturing->process, list);
    for (size_t i = 0; discovers && i < app->listeners.n && n < PROCESS_LISTENERS_MAX; i++)
        list[n++] = &app->listeners.items[i];
    return binding_find(binding, list, n, discovers);
}

/* Where there is no memory for it, listen(2) looks at the socket itself. */
static void remember_port(struct capturing *capturing, const struct capture_request *request,
                          const struct binding *binding)
{
    struct capturing_port *port;

    if (!capturing->ports)
        capturing->ports = calloc(CAPTURING_PORTS_MAX, sizeof(*capturing->ports));
    if (!capturing->ports)
        return;
    port = &capturing->ports[capturing->port_n++ % CAPTURING_PORTS_MAX];
    port->inode = request->socket.inode;
    port->v6only = binding->family == AF_INET6 && !binding->dual;
    (void)snprintf(port->host, sizeof(port->host), "%.*s",
                   (int)(strrchr(binding->address, ':') - binding->address), binding->address);
}

static int answer_bind(struct capturing *capturing, const struct capture_request *request)
{
    const struct listener *listener = find_own(capturing, request->socket.inode);
    struct binding binding;
    int r;

    if (listener) /* made anew after an interruption, with ours in place already */
        return capture_answer(capturing->filter, request, 0);
    if (binding_read(request, &binding) != 0)
        return capture_pass(capturing->filter, request);
    if (binding.family != AF_UNIX && binding.port == 0) {
        remember_port(capturing, request, &binding);
        return capture_pass(capturing->filter, request);
    }
    listener = find_wanted(capturing, &binding);
    if (!listener && !spec_of(capturing)->discovers)
        return capture_pass(capturing->filter, request);
    if (!listener) {
        r = discover(capturing, request, &binding, &listener);
        if (r != 0)
            return r == 1 ? capture_pass(capturing->filter, request)
                          : capture_answer(capturing->filter, request, r);
    } else if (is_second(capturing, request, listener)) {
        return capture_answer(capturing->filter, request, -EADDRINUSE);
    }
    return give(capturing, request, listener);
}

/* Whether the socket, of which a copy may be at hand, was bound with port 0, and where. */
static bool find_port(const struct capturing *capturing, const struct capture_request *request,
                      int own, struct capturing_port *ret_port)
{
    struct listener_description description;

    if (request->socket.inode == 0)
        return false;
    for (size_t i = 0; capturing->ports && i < CAPTURING_PORTS_MAX; i++)
        if (capturing->ports[i].inode == request->socket.inode) {
            *ret_port = capturing->ports[i];
            return true;
        }
    /* An earlier primary has let it pass; or it was not bound at all, and listen(2) would. */
    if (own < 0 || listener_describe(own, &description) < 0)
        return false;
    *ret_port = (struct capturing_port){.inode = request->socket.inode};
    (void)snprintf(ret_port->host, sizeof(ret_port->host), "%.*s",
                   (int)(strrchr(description.address, ':') - description.address),
                   description.address);
    return true;
}

/* The first of that host's that no process of the worker has, or a new one. */
static int listen_on_port(struct capturing *capturing, const struct capture_request *request)
{
    struct app *app = capturing->process->app;
    struct capturing_port port;
    const struct listener *listener;
    _cleanup_fd_ int own = -1;
    char key[LISTENER_ADDRESS_SIZE];
    unsigned ordinal = 0;
    int r = capture_borrow(request, &own);

    if (r < 0)
        own = -1;
    if (!find_port(capturing, request, own, &port) || app->listeners.n >= PROCESS_LISTENERS_MAX)
        return capture_pass(capturing->filter, request);
    do {
        (void)snprintf(key, sizeof(key), "%s:0#%u", port.host, ++ordinal);
        listener = listeners_find(&app->listeners, key);
    } while (listener &&
             worker_has_socket(capturing, lanes_inode(capturing->process, listener)));
    if (!listener) {
        (void)snprintf(key, sizeof(key), "%s:0", port.host);
        r = listeners_discover_port_consume(&app->listeners, key, port.v6only, ordinal,
                                            take_fd(own), &listener);
        if (r < 0)
            return capture_answer(capturing->filter, request, r);
        tell_discovery(app, capturing->process, listener);
    }
    return give(capturing, request, listener);
}

static void note_listening(struct capturing *capturing)
{
    if (!instant_is_never(capturing->listened))
        return;
    capturing->listened = loop_now(capturing->process->app->loop);
    readiness_of_captured(capturing->process);
}

static int answer_listen(struct capturing *capturing, const struct capture_request *request)
{
    int family = request->socket.family;
    bool ours = find_own(capturing, request->socket.inode) != NULL;
    int r;

    if (ours) {
        r = capture_answer(capturing->filter, request, 0);
    } else if (spec_of(capturing)->discovers && (family == AF_INET || family == AF_INET6)) {
        ours = true;
        r = listen_on_port(capturing, request);
    } else {
        r = capture_pass(capturing->filter, request);
    }
    /* What is left to the worker for want of room counts as well. */
    if (r == 0 && (ours || capturing->told_limit))
        note_listening(capturing);
    return r;
}

void capturing_answer(struct capturing *capturing, const struct capture_request *request)
{
    int r = request->call == CAPTURE_BIND ? answer_bind(capturing, request)
                                          : answer_listen(capturing, request);

    if (r < 0)
        log_warning("worker %llu (pid %d) can't be answered: %s",
                    (unsigned long long)capturing->process->worker, request->thread,
                    strerror(-r));
}
