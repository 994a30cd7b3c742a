#include "reloadd/upgrade.h"

#include "base/error.h"
#include "base/log.h"
#include "os/pidfd.h"
#include "reloadd/app.h"
#include "reloadd/capturing.h"
#include "reloadd/options.h"
#include "reloadd/process.h"
#include "reloadd/reload.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

extern char **environ;

enum {
    ANSWER_MS = 10000,
    DIGITS = 16,
};

int upgrade_check_journal(const char *app)
{
    _cleanup_(directories_release) struct directories directories = {0};
    _cleanup_free_ char *path = NULL;
    struct recovery recovery;
    int r = directories_find(geteuid(), app, &directories);

    if (r == 0) {
        path = directories_path(directories.state, "journal.jsonl");
        r = path ? state_journal_check(path, app, &recovery) : -ENOMEM;
    }
    if (r == 0)
        return EXIT_DONE;
    log_error("the state journal %s can't be read by reloadd %s: %s", path ? path : "",
              RELOADD_VERSION, r == 1 ? recovery.damage : strerror(-r));
    return EXIT_REFUSED;
}

/* Asking. */

__attribute__((format(printf, 2, 3))) static int refuse(char error[static UPGRADE_ERROR_SIZE],
                                                        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error, UPGRADE_ERROR_SIZE, format, arguments);
    va_end(arguments);
    return 1;
}

/* Its stderr becomes `write_fd`. Signals are as at the start of a program. */
static int spawn_asker(const struct app *app, int write_fd, pid_t *ret_pid)
{
    char *argv[] = {app->self, (char[]){"--check-journal"}, (char[]){"--name"}, app->name,
                    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int r = posix_spawn_file_actions_init(&actions);

    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attributes);
    if (r == 0) {
        (void)sigemptyset(&none);
        r = posix_spawnattr_setsigmask(&attributes, &none);
        if (r == 0)
            r = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        if (r == 0)
            r = posix_spawn_file_actions_adddup2(&actions, write_fd, STDERR_FILENO);
        if (r == 0)
            r = posix_spawn(ret_pid, app->self, &actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -r;
}

/* Returns 0 with its exit status and what it said; -errno. */
static int await_answer(pid_t pid, int read_fd, int *ret_status, char *said, size_t size)
{
    _cleanup_fd_ int pidfd = -1;
    struct pollfd turn = {.events = POLLIN};
    struct pidfd_exit how;
    ssize_t n;
    int r = pidfd_open_process(pid, 0, &pidfd);

    if (r != 0)
        return r < 0 ? r : -ECHILD;
    turn.fd = pidfd;
    if (poll(&turn, 1, ANSWER_MS) <= 0) {
        (void)pidfd_kill(pidfd, SIGKILL);
        (void)poll(&turn, 1, ANSWER_MS);
        (void)pidfd_reap(pidfd, &how);
        return -ETIMEDOUT;
    }
    r = pidfd_reap(pidfd, &how);
    if (r != 0)
        return r < 0 ? r : -ECHILD;
    n = read(read_fd, said, size - 1);
    said[n > 0 ? n : 0] = '\0';
    said[strcspn(said, "\n")] = '\0';
    *ret_status = how.signaled ? 128 + how.code : how.code;
    return 0;
}

static int ask(const struct app *app, char error[static UPGRADE_ERROR_SIZE])
{
    _cleanup_fd_ int read_fd = -1;
    _cleanup_fd_ int write_fd = -1;
    char said[256] = "";
    int pipe_fds[2];
    int status = 0;
    pid_t pid;
    int r;

    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return refuse(error, "a pipe can't be made: %s", strerror(errno));
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = spawn_asker(app, write_fd, &pid);
    if (r == 0)
        r = await_answer(pid, read_fd, &status, said, sizeof(said));
    if (r < 0)
        return refuse(error, "%s can't be asked whether it reads the state journal: %s",
                      app->self, strerror(-r));
    if (status == EXIT_DONE)
        return 0;
    return refuse(error,
                  "%s says that it can't go on from the state journal (exit status %d): %s",
                  app->self, status, said[0] != '\0' ? said : "no reason given");
}

int upgrade_begin(struct app *app, char error[static UPGRADE_ERROR_SIZE])
{
    int r;

    if (!app->survives)
        return refuse(error, "its workers can't outlive this primary: %s", app->survives_not);
    if (app->rollout->state >= ROLLOUT_STOPPING)
        return refuse(error, "the app is stopping");
    /* What is not on disk, the new program can't know. */
    r = state_journal_trouble(app->journal) ? app_compact(app)
                                            : state_journal_sync(app->journal);
    if (r < 0)
        return refuse(error, "the state journal can't be written: %s", strerror(-r));
    return ask(app, error);
}

/* Handing over. */

struct handed {
    int *fds;
    char *names; /* colons between them, as LISTEN_FDNAMES wants it */
    size_t n;
};

static int hand(struct handed *handed, int fd, const char *name, int lowest)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
    char *names = NULL;

    if (copy < 0)
        return error_from_errno();
    handed->fds[handed->n++] = copy;
    if (asprintf(&names, "%s%s%s", handed->names ? handed->names : "", handed->names ? ":" : "",
                 name) < 0)
        return -ENOMEM;
    free(handed->names);
    handed->names = names;
    return 0;
}

static const char *name_of_listener(const struct app *app, const struct listener *listener)
{
    for (size_t i = 0; i < app->listeners.inherited_n; i++)
        if (app->listeners.inherited[i].fd == listener->fd)
            return app->listeners.inherited[i].name;
    return listener->stored ? listener->stored : "listener";
}

static int hand_listeners(const struct app *app, struct handed *handed, int lowest)
{
    int r = 0;

    for (size_t i = 0; i < app->listeners.n && r == 0; i++)
        r = hand(handed, app->listeners.items[i].fd,
                 name_of_listener(app, &app->listeners.items[i]), lowest);
    for (size_t i = 0; i < app->listeners.inherited_n && r == 0; i++)
        if (!app->listeners.inherited[i].taken)
            r = hand(handed, app->listeners.inherited[i].fd, app->listeners.inherited[i].name,
                     lowest);
    return r;
}

static int hand_workers(const struct app *app, struct handed *handed, int lowest)
{
    char name[FD_NAME_SIZE];
    int r = 0;

    for (const struct process *each = app->processes; each && r == 0; each = each->next) {
        process_store_name(each, name);
        r = hand(handed, each->pidfd, name, lowest);
        fd_store_name_notify(each->worker, name);
        if (r == 0)
            r = hand(handed, each->notify_fd, name, lowest);
        fd_store_name_channel(each->worker, name);
        if (r == 0 && capturing_channel(each) >= 0)
            r = hand(handed, capturing_channel(each), name, lowest);
        fd_store_name_capture(each->worker, name);
        if (r == 0 && capturing_filter(each) >= 0)
            r = hand(handed, capturing_filter(each), name, lowest);
    }
    return r;
}

static int hand_lanes(const struct app *app, struct handed *handed, int lowest)
{
    char name[FD_NAME_SIZE];
    int r = 0;

    for (size_t i = 0; i < app->listeners.n; i++) {
        const struct lane_group *group = &app->listeners.items[i].lanes;

        for (size_t lane = 1; lane < group->n && r == 0; lane++) {
            lane_group_store_name(group, (uint32_t)lane, name);
            if (group->lanes[lane].fd >= 0)
                r = hand(handed, group->lanes[lane].fd, name, lowest);
        }
    }
    return r;
}

struct handing {
    struct handed *handed;
    int lowest;
};

static int hand_one(void *context, const char *name, int fd)
{
    const struct handing *handing = context;

    return hand(handing->handed, fd, name, handing->lowest);
}

static size_t count_handed(const struct app *app)
{
    size_t n = app->listeners.n + app->listeners.inherited_n + COURTESY_FDS;

    for (size_t i = 0; i < app->listeners.n; i++)
        n += app->listeners.items[i].lanes.n;
    for (const struct process *each = app->processes; each; each = each->next)
        n += 4;
    return n;
}

static int set_number(const char *name, long long number)
{
    char text[DIGITS * 2];

    (void)snprintf(text, sizeof(text), "%lld", number);
    return setenv(name, text, 1) < 0 ? error_from_errno() : 0;
}

/* From here on our own descriptors are overwritten: there is no way back. */
static int put_in_place(const struct handed *handed)
{
    int r = set_number("LISTEN_PID", getpid());

    if (r == 0)
        r = set_number("LISTEN_FDS", (long long)handed->n);
    if (r == 0 && setenv("LISTEN_FDNAMES", handed->names ? handed->names : "", 1) < 0)
        r = error_from_errno();
    for (size_t i = 0; i < handed->n && r == 0; i++)
        if (dup2(handed->fds[i], SD_LISTEN_FDS_START + (int)i) < 0)
            r = error_from_errno();
    return r;
}

static int hand_over(const struct app *app)
{
    size_t n = count_handed(app);
    int lowest = SD_LISTEN_FDS_START + (int)n; /* out of the way of the places */
    struct handed handed = {.fds = calloc(n + 1, sizeof(int))};
    int r = handed.fds ? hand_listeners(app, &handed, lowest) : -ENOMEM;

    if (r == 0)
        r = hand_workers(app, &handed, lowest);
    if (r == 0)
        r = hand_lanes(app, &handed, lowest);
    if (r == 0)
        r = courtesy_visit(app, hand_one, &(struct handing){&handed, lowest});
    if (r == 0)
        r = put_in_place(&handed);
    free(handed.fds);
    free(handed.names);
    return r;
}

static int execute(const struct app *app)
{
    char *argv[] = {
        app->self,
        (char[]){"--config"},
        (char *)(uintptr_t)app->options->config,
        (char[]){"--name"},
        app->name,
        (char[]){"--adopt"},
        NULL,
    };
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execv(app->self, argv);
    return error_from_errno();
}

void upgrade_execute(struct app *app)
{
    int r;

    app_say(app, LEVEL_NOTICE, "executing %s in place", app->self);
    reload_release_all(app); /* a check command that still runs is ended, and asked for again */
    r = hand_over(app);
    if (r == 0)
        r = execute(app);
    log_error("%s can't be executed in place: %s", app->self, strerror(-r));
    _exit(EXIT_AGAIN); /* the service manager starts it again, and it recovers */
}
