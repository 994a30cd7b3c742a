#include "reloadd/process.h"

#include "base/error.h"
#include "base/log.h"
#include "loop/descriptor.h"
#include "loop/lines.h"
#include "os/cgroup.h"
#include "os/group.h"
#include "os/guard.h"
#include "os/notify_socket.h"
#include "os/pidfd.h"
#include "os/spawn.h"
#include "reloadd/account.h"
#include "reloadd/app.h"
#include "reloadd/clock.h"
#include "reloadd/readiness.h"
#include "wire/listen_env.h"
#include "wire/notify.h"
#include "wire/strings.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    DATAGRAM_SIZE = 4096,
    DATAGRAMS_AT_ONCE = 32, /* of one worker, before others have their turn */
};

struct process *process_find(const struct app *app, uint64_t worker)
{
    for (struct process *each = app->processes; each; each = each->next)
        if (each->worker == worker)
            return each;
    return NULL;
}

bool process_is_ours(const struct app *app, pid_t pid)
{
    for (const struct process *each = app->processes; each; each = each->next)
        if (each->pid == pid && !each->ended)
            return true;
    return false;
}

static struct group process_group(const struct process *process)
{
    return (struct group){process->pid, process->start_time, process->cgroup};
}

size_t process_pids(const struct process *process, pid_t *pids, size_t max)
{
    struct group group = process_group(process);
    size_t n = 0;

    if (group_list(&group, pids, max, &n) >= 0 && n > 0)
        return n;
    pids[0] = process->pid;
    return 1;
}

void process_signal(struct process *process, int signal_number)
{
    int r = process->pidfd < 0 ? 1 : pidfd_kill(process->pidfd, signal_number);

    if (r < 0)
        app_say(process->app, LEVEL_WARNING, "worker %llu (pid %d) can't be sent SIG%s: %s",
                (unsigned long long)process->worker, process->pid, sigabbrev_np(signal_number),
                strerror(-r));
}

void process_kill(struct process *process)
{
    struct group group = process_group(process);
    int r = process->pid > 0 ? group_kill(&group, SIGKILL) : 1;

    if (r < 0)
        app_say(process->app, LEVEL_WARNING, "worker %llu (pid %d) can't be killed: %s",
                (unsigned long long)process->worker, process->pid, strerror(-r));
}

/* Once it is reaped and its group was killed: the number may soon be a stranger's. */
static void unguard(struct process *process)
{
    if (process->guarded)
        (void)guard_remove(process->app->guard_fd, process->pid);
    process->guarded = false;
}

static void process_free(struct process *process)
{
    struct process **place = &process->app->processes;

    while (*place && *place != process)
        place = &(*place)->next;
    if (*place)
        *place = process->next;
    unguard(process);
    descriptor_unwatch(process->exec_watch);
    descriptor_unwatch(process->notify_watch);
    descriptor_unwatch(process->pidfd_watch);
    lines_free(process->output);
    (void)close_fd(process->pidfd);
    if (process->notify_path)
        (void)unlink(process->notify_path);
    if (process->cgroup && cgroup_remove(process->cgroup) != 0)
        log_debug("cgroup %s stays: somebody is in it", process->cgroup);
    free(process->notify_path);
    free(process->cgroup);
    free(process->status);
    free(process);
}

static void cleanup_process(struct process **process)
{
    if (*process)
        process_free(*process);
}

void process_release_all(struct app *app)
{
    while (app->processes) {
        process_kill(app->processes);
        process_free(app->processes);
    }
}

/* Keeps a process as long as anybody may still ask for it, or hear of it. */
static void process_settle(struct process *process)
{
    if (process->ended && process->silent &&
        !rollout_worker(process->app->rollout, process->worker))
        process_free(process);
}

static void post(struct process *process, struct event event)
{
    event.worker = process->worker;
    app_post(process->app, &event);
}

/* What is heard of it. */

static void on_line(void *user, const char *text, size_t size, enum line_end end)
{
    struct process *process = user;
    struct output_line line = {
        .at = clock_wall(),
        .worker = process->worker,
        .revision = process->revision,
        .slot = process->slot,
    };

    (void)end;
    output_add(process->app->output, &line, text, size);
}

static void on_output_closed(void *user)
{
    struct process *process = user;

    process->silent = true;
    process_settle(process);
}

/* Reads how exec went, and says so to the core where it failed. */
static void learn_of_exec(struct process *process, int fd)
{
    struct exec_status status = {0};
    char text[EXEC_STATUS_LINE_MAX + 64];
    int r = spawn_read_status(fd, &status);

    if (r == -EAGAIN)
        return;
    descriptor_unwatch(process->exec_watch);
    process->exec_watch = NULL;
    if (r == 0) {
        readiness_of_started(process);
        return;
    }
    if (r < 0)
        status.error = -r;
    else {
        (void)exec_status_describe(&status, text, sizeof(text));
        on_line(process, text, strlen(text), LINE_WHOLE);
    }
    post(process, (struct event){.kind = EVENT_SPAWN_FAILED,
                                 .exit = {.cause = CAUSE_SPAWN_FAILED, .code = status.error}});
}

static void on_exec(void *user, int fd)
{
    struct process *process = user;

    learn_of_exec(process, fd);
    app_pump(process->app);
}

static struct reason exit_reason(struct process *process)
{
    struct pidfd_exit how;

    if (pidfd_reap(process->pidfd, &how) != 0)
        return (struct reason){.cause = CAUSE_VANISHED};
    return (struct reason){.cause = how.signaled ? CAUSE_SIGNALED : CAUSE_EXITED,
                           .code = how.code};
}

static void on_ended(void *user, int fd)
{
    struct process *process = user;
    struct app *app = process->app;

    /* Both may have come in the same turn, and why it could not start says more than that it
     * ended; so do its last lines. */
    if (process->exec_watch)
        learn_of_exec(process, process->exec_fd);
    lines_drain(process->output);
    (void)fd;
    descriptor_unwatch(process->pidfd_watch);
    process->pidfd_watch = NULL;
    post(process, (struct event){.kind = EVENT_EXITED, .exit = exit_reason(process)});
    process->ended = true;
    app_pump(app);
    unguard(process);
    process_settle(process);
}

static void take_status(struct process *process, const char *text, size_t size)
{
    char *status = strndup(text, size);

    if (!status)
        return;
    free(process->status);
    process->status = status;
}

static void take_notice(struct process *process, const struct notice *notice)
{
    const struct policy *policy = &app_spec(process->app, process->revision)->policy;

    if (notice->said & NOTICE_STATUS)
        take_status(process, notice->status, notice->status_size);
    if (notice->said & NOTICE_WATCHDOG_SET)
        post(process, (struct event){.kind = EVENT_WATCHDOG_SET, .span = notice->watchdog});
    if (notice->said & NOTICE_EXTEND)
        post(process, (struct event){.kind = EVENT_EXTEND, .span = notice->extend});
    if ((notice->said & NOTICE_READY) && policy->readiness != READINESS_DELAY)
        post(process, (struct event){.kind = EVENT_READY});
    if (notice->said & NOTICE_PING)
        post(process, (struct event){.kind = EVENT_PING});
    if (notice->said & NOTICE_TRIGGER)
        post(process, (struct event){.kind = EVENT_TRIGGER});
}

static void on_notify(void *user, int fd)
{
    struct process *process = user;

    for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        char buffer[DATAGRAM_SIZE];
        struct notify_datagram datagram;
        struct notice notice;

        if (notify_socket_receive(fd, buffer, sizeof(buffer), &datagram) != 0)
            break;
        /* BARRIER=1 is answered by closing what came with it: all before it has been heard. */
        (void)close_fd(datagram.fd);
        if (datagram.truncated || !rollout_worker(process->app->rollout, process->worker))
            continue;
        notice = notice_parse(buffer, datagram.size);
        take_notice(process, &notice);
    }
    app_pump(process->app);
}

/* Starting. */

static int open_notify_socket(struct process *process, const struct spec *spec, int *ret_fd)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    int r = account_find(spec->user, NULL, &uid, &gid);

    if (r < 0)
        return r;
    if (asprintf(&process->notify_path, "%s/notify/%llu", process->app->directories.runtime,
                 (unsigned long long)process->worker) < 0) {
        process->notify_path = NULL;
        return -ENOMEM;
    }
    return notify_socket_open(process->notify_path, uid, ret_fd);
}

static int make_cgroup(struct process *process)
{
    char name[32];
    int r;

    if (!process->app->cgroup)
        return 0;
    (void)snprintf(name, sizeof(name), "worker-%llu", (unsigned long long)process->worker);
    r = cgroup_create(process->app->cgroup, name, &process->cgroup);
    return r < 0 ? r : 0;
}

static int build_environment(const struct process *process, const struct spec *spec,
                             char ***ret_environment)
{
    _cleanup_free_ char *einhorn =
        directories_path(process->app->directories.runtime, "einhorn");
    struct handover handover = {
        .listeners = spec->listeners,
        .listener_n = spec->listener_n,
        .dialects = spec->dialects,
        .app = process->app->name,
        .slot = process->slot,
        .revision = process->revision,
        .release = spec->release,
        .notify_socket = process->notify_path,
        .watchdog = spec->policy.watchdog,
        .einhorn_socket = einhorn,
        .environment = (const char *const *)spec->pinned_environment,
    };

    return einhorn ? listen_env_build(&handover, ret_environment) : -ENOMEM;
}

static int collect_listeners(const struct app *app, const struct spec *spec, int **ret_fds)
{
    _cleanup_free_ int *fds = calloc(spec->listener_n + 1, sizeof(*fds));

    if (!fds)
        return -ENOMEM;
    for (size_t i = 0; i < spec->listener_n; i++) {
        const struct listener *listener =
            listeners_find(&app->listeners, spec->listeners[i].address);

        if (!listener)
            return -ENOTCONN;
        fds[i] = listener->fd;
    }
    *ret_fds = take_ptr(fds);
    return 0;
}

static int spawn_process(struct process *process, const struct spec *spec, int output_fd,
                         struct spawned *ret_spawned)
{
    struct app *app = process->app;
    _cleanup_strings_ char **environment = NULL;
    _cleanup_strings_ char **argv = NULL;
    _cleanup_free_ int *fds = NULL;
    struct fault fault;
    int r = build_environment(process, spec, &environment);

    if (r == 0)
        r = listen_env_expand((const char *const *)spec->exec, spec->listeners,
                              spec->listener_n, &argv, &fault);
    if (r == 0)
        r = collect_listeners(app, spec, &fds);
    if (r != 0)
        return r < 0 ? r : -EINVAL; /* load_spec() has checked the placeholders */
    return spawn_worker(
        &(struct spawn_request){
            .loader = app->loader,
            .file = spec->pinned_executable,
            .argv = argv,
            .environment = environment,
            .directory = spec->pinned_directory,
            .cgroup = process->cgroup,
            .user = spec->user,
            .group = spec->group,
            .listeners = fds,
            .listener_count = spec->listener_n,
            .input = (spec->dialects & DIALECT_STDIN) && spec->listener_n > 0 ? fds[0] : -1,
            .output = output_fd,
            .error = output_fd,
            .parent_death_signal = SIGKILL,
        },
        ret_spawned);
}

static int watch_process(struct process *process, struct spawned *spawned, int *notify_fd,
                         int *output_fd)
{
    static const struct lines_handlers handlers = {.line = on_line, .closed = on_output_closed};
    struct loop *loop = process->app->loop;
    int r;

    r = lines_new_take(loop, *output_fd, &handlers, process, &process->output);
    if (r < 0)
        return r;
    *output_fd = -1;
    r = descriptor_watch_take(loop, *notify_fd, on_notify, process, &process->notify_watch);
    if (r < 0)
        return r;
    *notify_fd = -1;
    r = descriptor_watch_take(loop, spawned->status_fd, on_exec, process, &process->exec_watch);
    if (r < 0)
        return r;
    process->exec_fd = take_fd(spawned->status_fd);
    return descriptor_watch(loop, process->pidfd, on_ended, process, &process->pidfd_watch);
}

static int process_begin(struct process *process, const struct spec *spec)
{
    _cleanup_(spawned_release) struct spawned spawned = SPAWNED_NONE;
    _cleanup_fd_ int notify_fd = -1;
    _cleanup_fd_ int read_fd = -1;
    _cleanup_fd_ int write_fd = -1;
    int pipe_fds[2];
    int r;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_from_errno();
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = open_notify_socket(process, spec, &notify_fd);
    if (r == 0)
        r = make_cgroup(process);
    if (r == 0)
        r = spawn_process(process, spec, write_fd, &spawned);
    if (r < 0)
        return r;
    process->pid = spawned.pid;
    process->pidfd = take_fd(spawned.pidfd);
    process->start_time = spawned.start_time;
    process->guarded =
        process->app->guard_fd >= 0 && guard_add(process->app->guard_fd, process->pid) == 0;
    r = watch_process(process, &spawned, &notify_fd, &read_fd);
    if (r < 0) {
        struct pidfd_exit how;

        /* Nobody would hear of it: not to be left alive. */
        process_kill(process);
        (void)pidfd_reap(process->pidfd, &how);
    }
    return r;
}

void process_start(struct app *app, const struct effect *spawn)
{
    const struct spec *spec = app_spec(app, spawn->revision);
    _cleanup_(cleanup_process) struct process *process = calloc(1, sizeof(*process));
    int r = -ENOMEM;

    if (process) {
        process->app = app;
        process->worker = spawn->worker;
        process->revision = spawn->revision;
        process->slot = spawn->slot;
        process->pidfd = -1;
        r = process_begin(process, spec);
    }
    if (r < 0) {
        app_say(app, LEVEL_ERROR, "worker %llu can't be started: %s",
                (unsigned long long)spawn->worker, strerror(-r));
        app_answer(app, &(struct event){.kind = EVENT_SPAWN_FAILED,
                                        .worker = spawn->worker,
                                        .exit = {.cause = CAUSE_SPAWN_FAILED, .code = -r}});
        return;
    }
    app_answer(app, &(struct event){.kind = EVENT_SPAWNED,
                                    .worker = spawn->worker,
                                    .pid = process->pid,
                                    .start_time = process->start_time});
    process->next = app->processes;
    app->processes = process;
    process = NULL; /* handed over */
}
