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
#include "reloadd/app.h"
#include "reloadd/birth.h"
#include "reloadd/capturing.h"
#include "reloadd/clock.h"
#include "reloadd/lanes.h"
#include "reloadd/probe.h"
#include "reloadd/readiness.h"
#include "reloadd/socket_files.h"
#include "wire/notify.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Whoever is the parent of an adopted worker now takes its status at once; it is told after
 * that. */
#define REAPER_PATIENCE span_from_ms(50)

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

size_t process_listeners(const struct process *process,
                         const struct listener *list[static PROCESS_LISTENERS_MAX])
{
    const struct listeners *listeners = &process->app->listeners;
    const struct spec *spec = app_spec(process->app, process->revision);
    size_t n = 0;

    for (size_t i = 0; i < spec->listener_n && n < PROCESS_LISTENERS_MAX; i++) {
        const struct listener *listener = listeners_find(listeners, spec->listeners[i].address);

        if (listener)
            list[n++] = listener;
    }
    for (size_t i = 0; i < listeners->n && n < PROCESS_LISTENERS_MAX; i++)
        if (capturing_has_bound(process, &listeners->items[i]))
            list[n++] = &listeners->items[i];
    return n;
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
    probe_end(process);
    unguard(process);
    capturing_release(process, false);
    descriptor_unwatch(process->exec_watch);
    descriptor_unwatch(process->notify_watch);
    descriptor_unwatch(process->pidfd_watch);
    lines_free(process->output);
    lanes_leave(process);
    (void)close_fd(process->pidfd);
    free(process->notify_path);
    free(process->cgroup);
    free(process->status);
    free(process);
}

void process_store_name(const struct process *process, char name[static FD_NAME_SIZE])
{
    fd_store_name_worker(&(struct stored_worker){process->worker, process->slot,
                                                 process->revision, process->lane},
                         name);
}

/* Also what would tell the next primary of it. */
static void process_bury(struct process *process)
{
    const struct fd_store *store = &process->app->store;
    char name[FD_NAME_SIZE];

    fd_store_name_notify(process->worker, name);
    fd_store_drop(store, name);
    process_store_name(process, name);
    fd_store_drop(store, name);
    capturing_release(process, true);
    if (process->notify_path)
        (void)unlink(process->notify_path);
    if (process->cgroup && cgroup_remove(process->cgroup) != 0)
        log_debug("cgroup %s stays: somebody is in it", process->cgroup);
    process_free(process);
}

static void cleanup_process(struct process **process)
{
    if (*process)
        process_bury(*process);
}

void process_release_all(struct app *app)
{
    while (app->processes) {
        struct process *process = app->processes;

        if (app->survives) {
            process_free(process);
            continue;
        }
        process_kill(process);
        process_bury(process);
    }
}

/* Keeps a process as long as anybody may still ask for it, or hear of it. */
static void process_settle(struct process *process)
{
    if (process->ended && process->silent &&
        !rollout_worker(process->app->rollout, process->worker))
        process_bury(process);
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

struct reason process_exit_reason(int pidfd)
{
    struct pidfd_exit how;
    int r = pidfd_reap(pidfd, &how);

    if (r == -ECHILD) /* adopted: another process is its parent now */
        r = pidfd_exit_of_stranger(pidfd, REAPER_PATIENCE, &how);
    if (r != 0)
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
    if (process->output)
        lines_drain(process->output);
    (void)fd;
    descriptor_unwatch(process->pidfd_watch);
    process->pidfd_watch = NULL;
    post(process, (struct event){
                      .kind = EVENT_EXITED,
                      .exit = limits_judge_end(process, process_exit_reason(process->pidfd))});
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
    if (notice->said & NOTICE_STATUS)
        take_status(process, notice->status, notice->status_size);
    if (notice->said & NOTICE_WATCHDOG_SET)
        post(process, (struct event){.kind = EVENT_WATCHDOG_SET, .span = notice->watchdog});
    if (notice->said & NOTICE_EXTEND)
        post(process, (struct event){.kind = EVENT_EXTEND, .span = notice->extend});
    if (notice->said & NOTICE_READY)
        readiness_of_said(process);
    if (notice->said & NOTICE_PING)
        post(process, (struct event){.kind = EVENT_PING});
    if (notice->said & NOTICE_TRIGGER)
        post(process, (struct event){.kind = EVENT_TRIGGER});
}

static void on_notify(void *user, int fd)
{
    struct process *process = user;

    char buffer[DATAGRAM_SIZE];
    struct notify_datagram datagram;

    for (int i = 0; i < DATAGRAMS_AT_ONCE; i++) {
        struct notice notice;

        if (notify_socket_peek(fd, buffer, sizeof(buffer), &datagram) != 0)
            break;
        (void)close_fd(datagram.fd);
        if (!datagram.truncated && rollout_worker(process->app->rollout, process->worker)) {
            notice = notice_parse(buffer, datagram.size);
            take_notice(process, &notice);
            app_pump(process->app); /* on disk, before it is taken from the socket */
        }
        /* BARRIER=1 is answered by closing what came with it: all before it has been heard. */
        if (notify_socket_receive(fd, buffer, sizeof(buffer), &datagram) == 0)
            (void)close_fd(datagram.fd);
    }
}

/* Starting. */

/* Where the worker writes to: a pipe that is read here, or, where it is to go on without us,
 * what needs nobody between. Its write end is -1 where the worker has the primary's own stdout.
 */
static int open_output(struct process *process, int *ret_write_fd)
{
    static const struct lines_handlers handlers = {.line = on_line, .closed = on_output_closed};
    struct app *app = process->app;
    _cleanup_fd_ int read_fd = -1;
    _cleanup_fd_ int write_fd = -1;
    int pipe_fds[2];
    int r;

    if (app->survives) {
        process->silent = true;
        *ret_write_fd = birth_open_stream(process);
        return 0;
    }
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_from_errno();
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = lines_new_take(app->loop, read_fd, &handlers, process, &process->output);
    if (r < 0)
        return r;
    read_fd = -1;
    *ret_write_fd = take_fd(write_fd);
    return 0;
}

static int watch_notices(struct process *process, int *notify_fd)
{
    struct loop *loop = process->app->loop;
    int r = descriptor_watch_take(loop, *notify_fd, on_notify, process, &process->notify_watch);

    if (r < 0)
        return r;
    process->notify_fd = take_fd(*notify_fd);
    return descriptor_watch(loop, process->pidfd, on_ended, process, &process->pidfd_watch);
}

static int watch_process(struct process *process, struct spawned *spawned, int *notify_fd)
{
    int r = descriptor_watch_take(process->app->loop, spawned->status_fd, on_exec, process,
                                  &process->exec_watch);

    if (r < 0)
        return r;
    process->exec_fd = take_fd(spawned->status_fd);
    r = capturing_begin(process);
    return r < 0 ? r : watch_notices(process, notify_fd);
}

static void keep_pidfd(const struct process *process)
{
    char name[FD_NAME_SIZE];

    process_store_name(process, name);
    fd_store_keep(&process->app->store, name, process->pidfd);
}

static int process_begin(struct process *process, const struct spec *spec)
{
    _cleanup_(spawned_release) struct spawned spawned = SPAWNED_NONE;
    _cleanup_fd_ int notify_fd = -1;
    _cleanup_fd_ int write_fd = -1;
    int r = birth_open_notify_socket(process, spec, &notify_fd);

    if (r == 0)
        r = birth_make_cgroup(process);
    if (r == 0)
        r = open_output(process, &write_fd);
    if (r == 0 && spec->delivery != DELIVERY_INHERIT)
        socket_files_keep_for(process);
    if (r == 0)
        r = birth_spawn(process, spec, write_fd, &spawned);
    if (r < 0)
        return r;
    process->pid = spawned.pid;
    process->pidfd = take_fd(spawned.pidfd);
    process->start_time = spawned.start_time;
    process->guarded =
        process->app->guard_fd >= 0 && guard_add(process->app->guard_fd, process->pid) == 0;
    keep_pidfd(process);
    r = watch_process(process, &spawned, &notify_fd);
    if (r < 0) {
        struct pidfd_exit how;

        /* Nobody would hear of it: not to be left alive. */
        process_kill(process);
        (void)pidfd_reap(process->pidfd, &how);
    }
    return r;
}

static struct process *process_new(struct app *app, uint64_t worker, uint32_t slot,
                                   uint64_t revision)
{
    struct process *process = calloc(1, sizeof(*process));

    if (!process)
        return NULL;
    process->app = app;
    process->worker = worker;
    process->slot = slot;
    process->revision = revision;
    process->pidfd = -1;
    process->notify_fd = -1;
    return process;
}

static void process_insert(struct process *process)
{
    process->next = process->app->processes;
    process->app->processes = process;
}

static int adopt(struct process *process, const struct worker *worker, int *pidfd,
                 int *notify_fd)
{
    int r = birth_make_cgroup(process);

    if (r == 0 && *notify_fd < 0)
        r = birth_open_notify_socket(process, app_spec(process->app, worker->revision),
                                     notify_fd);
    else if (r == 0)
        r = birth_name_notify_socket(process);
    if (r < 0)
        return r;
    process->pidfd = *pidfd;
    keep_pidfd(process);
    r = capturing_adopt(process);
    if (capturing_is_on(process))
        socket_files_keep_for(process);
    if (r == 0)
        r = watch_notices(process, notify_fd);
    if (r < 0) {
        process->pidfd = -1;
        return r;
    }
    *pidfd = -1;
    return 0;
}

int process_adopt_consume(struct app *app, const struct worker *worker, uint32_t lane,
                          int pidfd, int notify_fd)
{
    struct process *process = process_new(app, worker->id, worker->slot, worker->revision);
    int r = -ENOMEM;

    if (process) {
        process->adopted = true;
        process->lane = lane;
        process->silent = true;
        process->pid = worker->pid;
        process->start_time = worker->start_time;
        process->asked_to_go = worker->state >= WORKER_DRAINING;
        r = adopt(process, worker, &pidfd, &notify_fd);
    }
    (void)close_fd(pidfd);
    (void)close_fd(notify_fd);
    if (r < 0) {
        if (process)
            process_free(process);
        return r;
    }
    process_insert(process);
    if (worker->state == WORKER_DRAINING)
        drain_resume(process, !instant_is_never(worker->asked));
    readiness_of_adopted(process, worker->state);
    return 0;
}

void process_start(struct app *app, const struct effect *spawn)
{
    const struct spec *spec = app_spec(app, spawn->revision);
    _cleanup_(cleanup_process) struct process *process =
        process_new(app, spawn->worker, spawn->slot, spawn->revision);
    int r = process ? process_begin(process, spec) : -ENOMEM;

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
    process_insert(process);
    process = NULL; /* handed over */
}
