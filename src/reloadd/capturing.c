#include "reloadd/capturing.h"

#include "base/error.h"
#include "base/log.h"
#include "loop/descriptor.h"
#include "os/capture.h"
#include "os/capture_renew.h"
#include "reloadd/app.h"
#include "reloadd/capturing_answer.h"
#include "reloadd/process.h"
#include "reloadd/socket_files.h"
#include "wire/names.h"

#include <string.h>
#include <sys/socket.h>

enum {
    CALLS_AT_ONCE = 64, /* of one worker, before others have their turn */
    PIDS_MAX = 128,
    RENEWALS = 8, /* a thread on its way to where it waits is missed once or twice */
};

static int capturing_new(struct process *process)
{
    struct capturing *capturing = calloc(1, sizeof(*capturing));

    if (!capturing)
        return -ENOMEM;
    *capturing = (struct capturing){
        .process = process, .channel = -1, .filter = -1, .listened = INSTANT_NEVER};
    process->capturing = capturing;
    return 0;
}

static const struct fd_store *store_of(const struct capturing *capturing)
{
    return &capturing->process->app->store;
}

static void drop_channel(struct capturing *capturing)
{
    char name[FD_NAME_SIZE];

    if (capturing->channel < 0)
        return;
    descriptor_unwatch(capturing->channel_watch);
    capturing->channel_watch = NULL;
    capturing->channel = close_fd(capturing->channel);
    fd_store_name_channel(capturing->process->worker, name);
    fd_store_drop(store_of(capturing), name);
}

static void drop_filter(struct capturing *capturing)
{
    char name[FD_NAME_SIZE];

    if (capturing->filter < 0)
        return;
    descriptor_unwatch(capturing->filter_watch);
    capturing->filter_watch = NULL;
    capturing->filter = close_fd(capturing->filter);
    fd_store_name_capture(capturing->process->worker, name);
    fd_store_drop(store_of(capturing), name);
}

void capturing_release(struct process *process, bool ends)
{
    struct capturing *capturing = process->capturing;

    if (!capturing)
        return;
    if (ends) {
        drop_channel(capturing);
        drop_filter(capturing);
    }
    descriptor_unwatch(capturing->channel_watch);
    descriptor_unwatch(capturing->filter_watch);
    (void)close_fd(capturing->channel);
    (void)close_fd(capturing->filter);
    free(capturing->bound);
    free(capturing->ports);
    free(capturing);
    process->capturing = NULL;
}

/* Where the configuration leaves both ways open, the worker has its sockets by the other one.
 */
static void decline(struct capturing *capturing, int error)
{
    struct app *app = capturing->process->app;
    const char *why = capture_filter_explain(error);

    /* -EPIPE: the loader is gone, which its own status or its end tells of. */
    if (error != -EPIPE && app->capture_error != error) {
        app->capture_error = error;
        app_say(app, LEVEL_WARNING,
                "binds can't be captured, and workers get their sockets as descriptors alone: "
                "%s",
                why ? why : strerror(-error));
    }
    drop_channel(capturing);
}

static void serve(struct capturing *capturing)
{
    for (int i = 0; i < CALLS_AT_ONCE && capturing->filter >= 0; i++) {
        struct capture_request request;
        int r = capture_receive(capturing->filter, &request);

        if (r == CAPTURE_NONE)
            return;
        if (r == 0) {
            capturing_answer(capturing, &request);
            continue;
        }
        if (r < 0)
            app_say(capturing->process->app, LEVEL_ERROR,
                    "worker %llu can't be captured any more: %s",
                    (unsigned long long)capturing->process->worker, strerror(-r));
        drop_filter(capturing);
    }
}

static void on_filter(void *user, int fd)
{
    struct capturing *capturing = user;
    struct app *app = capturing->process->app;

    (void)fd;
    serve(capturing);
    app_pump(app);
}

/* Owns `fd` in any case. */
static int take_filter_consume(struct capturing *capturing, int fd)
{
    char name[FD_NAME_SIZE];
    int r = descriptor_watch(capturing->process->app->loop, fd, on_filter, capturing,
                             &capturing->filter_watch);

    if (r < 0) {
        (void)close_fd(fd);
        return r;
    }
    capturing->filter = fd;
    fd_store_name_capture(capturing->process->worker, name);
    fd_store_keep(store_of(capturing), name, fd);
    return 0;
}

/* It stays where it is: what the worker binds waits, for the next primary in the end. */
static void give_up(struct capturing *capturing)
{
    app_say(capturing->process->app, LEVEL_ERROR,
            "worker %llu waits in bind(2): this primary has too many descriptors to answer it",
            (unsigned long long)capturing->process->worker);
    descriptor_unwatch(capturing->channel_watch);
    capturing->channel_watch = NULL;
}

static void on_channel(void *user, int channel)
{
    struct capturing *capturing = user;
    int fd = -1;
    int r = capture_take(channel, &fd);

    if (r == 1)
        return;
    if (r == -EMFILE) {
        give_up(capturing);
        return;
    }
    if (r == 0)
        r = take_filter_consume(capturing, fd);
    if (r < 0)
        decline(capturing, r);
    else
        drop_channel(capturing); /* only now: until then it had a copy, in the store, too */
}

static int watch_channel(struct capturing *capturing)
{
    return descriptor_watch(capturing->process->app->loop, capturing->channel, on_channel,
                            capturing, &capturing->channel_watch);
}

static bool has_unix_listener(const struct spec *spec)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (spec->listeners[i].type == LISTENER_UNIX)
            return true;
    return false;
}

int capturing_prepare(struct process *process, const struct spec *spec,
                      struct spawn_request *spawn)
{
    char name[FD_NAME_SIZE];
    int ends[2];
    int r;

    spawn->capture_channel = -1;
    if (spec->delivery == DELIVERY_INHERIT || (spec->listener_n == 0 && !spec->discovers))
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return error_from_errno();
    r = capturing_new(process);
    if (r < 0) {
        (void)close_fd(ends[0]);
        (void)close_fd(ends[1]);
        return r;
    }
    process->capturing->channel = ends[0];
    fd_store_name_channel(process->worker, name);
    fd_store_keep(&process->app->store, name, ends[0]);
    spawn->capture_channel = ends[1];
    spawn->capture_scope = spec->discovers || has_unix_listener(spec) ? CAPTURE_FILTER_ALL
                                                                      : CAPTURE_FILTER_INTERNET;
    spawn->capture_optional = spec->delivery == DELIVERY_AUTO && !spec->discovers;
    return 0;
}

int capturing_begin(struct process *process)
{
    return process->capturing ? watch_channel(process->capturing) : 0;
}

int capturing_adopt(struct process *process)
{
    struct fd_store *store = &process->app->store;
    char name[FD_NAME_SIZE];
    _cleanup_fd_ int channel = -1;
    _cleanup_fd_ int filter = -1;
    int r;

    fd_store_name_channel(process->worker, name);
    channel = fd_store_take(store, name);
    fd_store_name_capture(process->worker, name);
    filter = fd_store_take(store, name);
    /* One whose filter got lost has bound what it has bound all the same. */
    if (app_spec(process->app, process->revision)->delivery == DELIVERY_INHERIT)
        return 0;
    r = capturing_new(process);
    if (r < 0)
        return r;
    if (filter >= 0)
        r = take_filter_consume(process->capturing, take_fd(filter));
    process->capturing->channel = take_fd(channel);
    if (r == 0 && process->capturing->filter >= 0)
        drop_channel(process->capturing);
    else if (r == 0 && process->capturing->channel >= 0)
        r = watch_channel(process->capturing);
    if (r == 0)
        capturing_look(process->capturing);
    return r;
}

static void renew(struct capturing *capturing)
{
    pid_t pids[PIDS_MAX];
    size_t n = process_pids(capturing->process, pids, PIDS_MAX);
    size_t count;

    for (size_t i = 0; i < n; i++) {
        int r = capture_renew(pids[i], &count);

        if (r < 0)
            app_say(capturing->process->app, LEVEL_ERROR,
                    "what process %d of worker %llu was binding when the earlier primary died "
                    "can't be asked for again: %s",
                    pids[i], (unsigned long long)capturing->process->worker, strerror(-r));
    }
}

void capturing_resume(struct app *app)
{
    for (struct process *each = app->processes; each; each = each->next) {
        struct capturing *capturing = each->capturing;

        if (!capturing)
            continue;
        if (capturing->channel >= 0)
            on_channel(capturing, capturing->channel);
        serve(capturing);
        for (int i = 0;
             i < RENEWALS && capturing->filter >= 0 && !capture_is_answered(capturing->filter);
             i++) {
            renew(capturing);
            serve(capturing);
        }
    }
    socket_files_restore(app); /* what was removed meanwhile */
    app_pump(app);
}

bool capturing_is_on(const struct process *process)
{
    return process->capturing &&
           (process->capturing->channel >= 0 || process->capturing->filter >= 0);
}

const char *capturing_delivery(const struct process *process)
{
    return delivery_name(capturing_was_used(process) ? DELIVERY_CAPTURE : DELIVERY_INHERIT);
}

bool capturing_has_bound(const struct process *process, const struct listener *listener)
{
    const struct capturing *capturing = process->capturing;

    for (size_t i = 0; capturing && i < capturing->bound_n; i++)
        if (capturing->bound[i] == listener->identity.inode)
            return true;
    return false;
}

bool capturing_was_used(const struct process *process)
{
    return process->capturing && process->capturing->used;
}

struct instant capturing_listened(const struct process *process)
{
    return process->capturing ? process->capturing->listened : INSTANT_NEVER;
}

int capturing_channel(const struct process *process)
{
    return process->capturing ? process->capturing->channel : -1;
}

int capturing_filter(const struct process *process)
{
    return process->capturing ? process->capturing->filter : -1;
}
