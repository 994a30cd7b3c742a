#include "reloadd/birth.h"

#include "base/own.h"
#include "os/cgroup.h"
#include "os/notify_socket.h"
#include "os/system_journal.h"
#include "reloadd/account.h"
#include "reloadd/app.h"
#include "reloadd/capturing.h"
#include "reloadd/lanes.h"
#include "reloadd/place.h"
#include "reloadd/process.h"
#include "wire/listen_env.h"
#include "wire/strings.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

int birth_name_notify_socket(struct process *process)
{
    if (asprintf(&process->notify_path, "%s/notify/%llu", process->app->directories.runtime,
                 (unsigned long long)process->worker) < 0) {
        process->notify_path = NULL;
        return -ENOMEM;
    }
    return 0;
}

int birth_open_notify_socket(struct process *process, const struct spec *spec, int *ret_fd)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    char name[FD_NAME_SIZE];
    int r = account_find(spec->user, NULL, &uid, &gid);

    if (r < 0)
        return r;
    r = birth_name_notify_socket(process);
    if (r < 0)
        return r;
    r = notify_socket_open(process->notify_path, uid, ret_fd);
    if (r == 0) {
        fd_store_name_notify(process->worker, name);
        fd_store_keep(&process->app->store, name, *ret_fd);
    }
    return r;
}

int birth_make_cgroup(struct process *process)
{
    char name[PLACE_NAME_SIZE];
    int r = 0;

    if (process->app->cgroup) {
        place_name_worker(process->worker, name);
        r = cgroup_create(process->app->cgroup, name, &process->cgroup);
    }
    if (r < 0)
        return r;
    limits_apply(process);
    return 0;
}

/* How many of its listeners a worker gets as descriptors. */
static size_t passed_on(const struct spec *spec)
{
    return spec->delivery == DELIVERY_CAPTURE ? 0 : spec->listener_n;
}

static int build_environment(const struct process *process, const struct spec *spec,
                             int output_fd, char ***ret_environment)
{
    char stream[SYSTEM_JOURNAL_STREAM_NAME_SIZE];
    bool is_stream = process->app->survives && output_fd >= 0 &&
                     system_journal_stream_name(output_fd, stream) == 0;
    _cleanup_free_ char *einhorn =
        directories_path(process->app->directories.runtime, "einhorn");
    struct handover handover = {
        .listeners = spec->listeners,
        .listener_n = passed_on(spec),
        .dialects = spec->dialects,
        .app = process->app->name,
        .slot = process->slot,
        .revision = process->revision,
        .release = spec->release,
        .notify_socket = process->notify_path,
        .journal_stream = is_stream ? stream : NULL,
        .watchdog = spec->policy.watchdog,
        .einhorn_socket = einhorn,
        .environment = (const char *const *)spec->pinned_environment,
    };

    return einhorn ? listen_env_build(&handover, ret_environment) : -ENOMEM;
}

static int collect_listeners(const struct process *process, const struct spec *spec,
                             int **ret_fds)
{
    _cleanup_free_ int *fds = calloc(spec->listener_n + 1, sizeof(*fds));

    if (!fds)
        return -ENOMEM;
    for (size_t i = 0; i < spec->listener_n; i++) {
        const struct listener *listener =
            listeners_find(&process->app->listeners, spec->listeners[i].address);

        if (!listener)
            return -ENOTCONN;
        fds[i] = lanes_fd(process, listener);
    }
    *ret_fds = take_ptr(fds);
    return 0;
}

/* What `spawn` lacks is there: its listeners, by its seat, and the way to capture it. */
static int spawn(struct process *process, const struct spec *spec,
                 struct spawn_request *request, struct spawned *ret_spawned)
{
    _cleanup_free_ int *fds = NULL;
    _cleanup_fd_ int channel = -1;
    int r = lanes_seat(process);

    if (r == 0)
        r = collect_listeners(process, spec, &fds);
    if (r == 0)
        r = capturing_prepare(process, spec, request);
    if (r < 0)
        return r;
    channel = request->capture_channel;
    request->listeners = fds;
    request->listener_count = passed_on(spec);
    if ((spec->dialects & DIALECT_STDIN) && request->listener_count > 0)
        request->input = fds[0];
    return spawn_worker(request, ret_spawned);
}

int birth_spawn(struct process *process, const struct spec *spec, int output_fd,
                struct spawned *ret_spawned)
{
    struct app *app = process->app;
    _cleanup_strings_ char **environment = NULL;
    _cleanup_strings_ char **argv = NULL;
    struct fault fault;
    int r = build_environment(process, spec, output_fd, &environment);

    if (r == 0)
        r = listen_env_expand((const char *const *)spec->exec, spec->listeners,
                              spec->listener_n, &argv, &fault);
    if (r != 0)
        return r < 0 ? r : -EINVAL; /* load_spec() has checked the placeholders */
    return spawn(process, spec,
                 &(struct spawn_request){
                     .loader = app->loader,
                     .file = spec->pinned_executable,
                     .argv = argv,
                     .environment = environment,
                     .directory = spec->pinned_directory,
                     .cgroup = process->cgroup,
                     .user = spec->user,
                     .group = spec->group,
                     .limits = (const char *const *)spec->limits.rlimits,
                     .capture_channel = -1,
                     .input = -1,
                     .output = output_fd,
                     .error = output_fd,
                     .parent_death_signal = app->survives ? 0 : SIGKILL,
                 },
                 ret_spawned);
}

int birth_open_stream(const struct process *process)
{
    char identifier[SYSTEM_JOURNAL_IDENTIFIER_SIZE];
    int fd = -1;

    system_journal_identifier(process->app->name, process->revision, process->worker,
                              process->slot, identifier);
    return system_journal_stream(identifier, &fd) == 0 ? fd : -1;
}
