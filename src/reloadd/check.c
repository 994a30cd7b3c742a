#include "reloadd/check.h"

#include "base/error.h"
#include "loop/descriptor.h"
#include "loop/lines.h"
#include "loop/timer.h"
#include "os/group.h"
#include "os/pidfd.h"
#include "os/spawn.h"
#include "reloadd/app.h"
#include "wire/strings.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* A check that hangs would hold up every reload behind it. */
#define CHECK_TIMEOUT span_from_ms(60000)

enum { CHECK_LINES = 20 };

struct check {
    void (*finished)(void *user, const struct check_result *result);
    void *user;
    struct spawned spawned;
    bool ended;
    bool timed_out;
    struct lines *output;
    struct descriptor *watch;
    struct timer *timer;
    char *lines[CHECK_LINES];
    size_t line_n;
};

static void check_kill(const struct check *check)
{
    struct group group = {check->spawned.pid, check->spawned.start_time, NULL};

    (void)group_kill(&group, SIGKILL);
}

bool check_is_ours(const struct check *check, pid_t pid)
{
    return check && !check->ended && check->spawned.pid == pid;
}

void check_free(struct check *check)
{
    struct pidfd_exit how;

    if (!check)
        return;
    if (check->spawned.pid > 0 && !check->ended) {
        check_kill(check);
        (void)pidfd_reap(check->spawned.pidfd, &how);
    }
    descriptor_unwatch(check->watch);
    timer_free(check->timer);
    lines_free(check->output);
    spawned_release(&check->spawned);
    for (size_t i = 0; i < check->line_n; i++)
        free(check->lines[i]);
    free(check);
}

static void cleanup_check(struct check **check)
{
    check_free(*check);
}

/* Keeps the last lines. */
static void on_line(void *user, const char *text, size_t size, enum line_end end)
{
    struct check *check = user;
    char *line = strndup(text, size);

    (void)end;
    if (!line)
        return;
    if (check->line_n == CHECK_LINES) {
        free(check->lines[0]);
        memmove(check->lines, check->lines + 1, (CHECK_LINES - 1) * sizeof(check->lines[0]));
        check->line_n--;
    }
    check->lines[check->line_n++] = line;
}

static void on_timeout(void *user)
{
    struct check *check = user;

    check->timed_out = true;
    check_kill(check);
}

static void describe(const struct check *check, const struct pidfd_exit *how, char *text,
                     size_t size)
{
    if (check->timed_out)
        (void)snprintf(text, size, "was still running after 60 s, and was killed");
    else if (how->signaled)
        (void)snprintf(text, size, "was ended by SIG%s", sigabbrev_np(how->code));
    else
        (void)snprintf(text, size, "exited with status %d", how->code);
}

static void on_ended(void *user, int fd)
{
    struct check *check = user;
    struct exec_status status;
    struct pidfd_exit how = {.code = -1};
    char text[EXEC_STATUS_LINE_MAX + 64];
    struct check_result result = {.text = text};

    lines_drain(check->output);
    if (pidfd_reap(fd, &how) == 1)
        return;
    check->ended = true;
    check_kill(check); /* what it left behind */
    describe(check, &how, text, sizeof(text));
    if (spawn_read_status(check->spawned.status_fd, &status) == 1)
        (void)exec_status_describe(&status, text, sizeof(text));
    result.passed = !how.signaled && how.code == 0;
    result.lines = (const char *const *)check->lines;
    result.line_n = check->line_n;
    check->finished(check->user, &result);
    check_free(check);
}

static int check_spawn(struct check *check, const struct app *app, const struct spec *spec,
                       int output_fd)
{
    return spawn_worker(
        &(struct spawn_request){
            .loader = app->loader,
            .file = spec->check[0],
            .argv = spec->check,
            .environment = spec->pinned_environment,
            .directory = spec->pinned_directory,
            .user = spec->user,
            .group = spec->group,
            .capture_channel = -1,
            .input = -1,
            .output = output_fd,
            .error = output_fd,
            .parent_death_signal = SIGKILL,
        },
        &check->spawned);
}

int check_start(struct app *app, const struct spec *spec,
                void (*finished)(void *user, const struct check_result *result), void *user,
                struct check **ret_check)
{
    static const struct lines_handlers handlers = {.line = on_line};
    _cleanup_(cleanup_check) struct check *check = calloc(1, sizeof(*check));
    _cleanup_fd_ int read_fd = -1;
    _cleanup_fd_ int write_fd = -1;
    int pipe_fds[2];
    int r;

    if (!check)
        return -ENOMEM;
    check->finished = finished;
    check->user = user;
    check->spawned = SPAWNED_NONE;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_from_errno();
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    r = check_spawn(check, app, spec, write_fd);
    if (r == 0)
        r = lines_new_take(app->loop, read_fd, &handlers, check, &check->output);
    if (r < 0)
        return r;
    read_fd = -1;
    r = timer_new(app->loop, on_timeout, check, &check->timer);
    if (r == 0)
        r = descriptor_watch(app->loop, check->spawned.pidfd, on_ended, check, &check->watch);
    if (r < 0)
        return r;
    timer_set(check->timer, instant_plus(loop_now(app->loop), CHECK_TIMEOUT));
    *ret_check = take_ptr(check);
    return 0;
}
