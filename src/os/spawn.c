#include "os/spawn.h"

#include "base/error.h"
#include "os/pidfd.h"
#include "os/proc.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    OPTIONS_MAX = 32, /* words of the loader's command line, but for limits and the program */
    EXIT_FAILED = 125,
};

/* All that the child needs, made before the fork: after it, nothing may allocate. */
struct birth {
    int *sources; /* descriptor i of the child is a copy of sources[i] */
    int *parked;  /* room for the child */
    int count;    /* the last one is the status pipe */
    char **argv;
    char *const *environment;
    const char *loader;
    char status[16];
    char channel[16];
    char parent[16];
    char signal[16];
};

static void birth_release(struct birth *birth)
{
    free(birth->sources);
    free(birth->parked);
    free(birth->argv);
}

/* execve(2) takes char *const * for reasons older than const; it writes to none of it. */
static char *unconst(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void add_option(char ***at, const char *option, const char *value)
{
    if (value == NULL)
        return;
    *(*at)++ = unconst(option);
    *(*at)++ = unconst(value);
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;

    while (words != NULL && words[count] != NULL)
        count++;
    return count;
}

static int make_argv(const struct spawn_request *request, struct birth *birth)
{
    size_t limits = count_words(request->limits);
    size_t words = 0;
    char **at;

    while (request->argv[words] != NULL)
        words++;
    birth->argv = calloc(OPTIONS_MAX + 2 * limits + words, sizeof *birth->argv);
    if (birth->argv == NULL)
        return -ENOMEM;
    (void)snprintf(birth->status, sizeof birth->status, "%d", birth->count - 1);
    (void)snprintf(birth->channel, sizeof birth->channel, "%d", birth->count - 2);
    (void)snprintf(birth->parent, sizeof birth->parent, "%d", (int)getpid());
    (void)snprintf(birth->signal, sizeof birth->signal, "%d", request->parent_death_signal);

    at = birth->argv;
    *at++ = unconst("reloadd-exec");
    add_option(&at, "--status-fd", birth->status);
    add_option(&at, "--cgroup", request->cgroup);
    for (size_t i = 0; i < limits; i++)
        add_option(&at, "--rlimit", request->limits[i]);
    if (request->capture_channel >= 0) {
        add_option(&at, "--capture",
                   request->capture_scope == CAPTURE_FILTER_ALL ? "all" : "internet");
        add_option(&at, "--capture-fd", birth->channel);
        if (request->capture_optional)
            *at++ = unconst("--capture-optional");
    }
    add_option(&at, "--user", request->user);
    add_option(&at, "--group", request->group);
    add_option(&at, "--directory", request->directory);
    if (request->parent_death_signal != 0) {
        add_option(&at, "--pdeathsig", birth->signal);
        add_option(&at, "--parent", birth->parent);
    }
    *at++ = unconst("--listen-pid");
    *at++ = unconst("--einhorn-pid");
    *at++ = unconst("--watchdog-pid");
    if (words > 0)
        add_option(&at, "--argv0", request->argv[0]);
    *at++ = unconst("--");
    *at++ = unconst(request->file);
    for (size_t i = 1; i < words; i++)
        *at++ = request->argv[i];
    assert(at < birth->argv + OPTIONS_MAX + 2 * limits + words);
    return 0;
}

static int make_birth(const struct spawn_request *request, int input, int status_fd,
                      struct birth *birth)
{
    birth->count = (int)request->listener_count + 4 + (request->capture_channel >= 0);
    birth->sources = calloc((size_t)birth->count, sizeof *birth->sources);
    birth->parked = calloc((size_t)birth->count, sizeof *birth->parked);
    if (birth->sources == NULL || birth->parked == NULL)
        return -ENOMEM;
    birth->sources[0] = input;
    birth->sources[1] = request->output >= 0 ? request->output : STDOUT_FILENO;
    birth->sources[2] = request->error >= 0 ? request->error : STDERR_FILENO;
    for (size_t i = 0; i < request->listener_count; i++)
        birth->sources[3 + i] = request->listeners[i];
    if (request->capture_channel >= 0)
        birth->sources[birth->count - 2] = request->capture_channel;
    birth->sources[birth->count - 1] = status_fd;
    birth->loader = request->loader;
    birth->environment = request->environment;
    return make_argv(request, birth);
}

/* Below runs in the child, where only what is async-signal-safe may be called. */

static _Noreturn void child_fail(int status_fd, enum exec_step step, const char *detail)
{
    char line[EXEC_STATUS_LINE_MAX];
    size_t size = exec_status_encode(step, errno > 0 ? errno : EIO, detail, line);

    if (write(status_fd, line, size) < 0)
        _exit(EXIT_FAILED + 1); /* the reader is gone: nobody to tell */
    _exit(EXIT_FAILED);
}

/* Ignored signals would stay ignored through exec; and while the mask is still full, no handler
 * of the primary can run here and write to what it shares with us. */
static void child_reset_signals(void)
{
    const struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;

    /* Fails for SIGKILL, SIGSTOP and those that libc keeps for itself: these are as they
     * should. */
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First all sources out of the way, then each to its place: a source may sit where another has
 * to go. Returns where it failed, or 0. */
static int child_place_descriptors(const struct birth *birth)
{
    for (int i = 0; i < birth->count; i++) {
        birth->parked[i] = fcntl(birth->sources[i], F_DUPFD_CLOEXEC, birth->count);
        if (birth->parked[i] < 0)
            return -1;
    }
    for (int i = 0; i < birth->count; i++)
        if (dup2(birth->parked[i], i) < 0)
            return -1;
    return 0;
}

static _Noreturn void child_run(const struct birth *birth)
{
    int status_fd = birth->count - 1;

    if (setpgid(0, 0) < 0)
        child_fail(birth->sources[status_fd], EXEC_STEP_GROUP, NULL);
    /* Parked copies are above, so this one is still whole where it fails. */
    if (child_place_descriptors(birth) < 0)
        child_fail(birth->parked[status_fd] > 0 ? birth->parked[status_fd]
                                                : birth->sources[status_fd],
                   EXEC_STEP_DESCRIPTORS, NULL);
    if (close_range((unsigned)birth->count, ~0u, 0) < 0)
        child_fail(status_fd, EXEC_STEP_DESCRIPTORS, NULL);
    child_reset_signals();
    (void)execve(birth->loader, birth->argv, birth->environment);
    if (fcntl(status_fd, F_SETFD, FD_CLOEXEC) < 0)
        _exit(EXIT_FAILED);
    child_fail(status_fd, EXEC_STEP_LOADER, birth->loader);
}

/* Above runs in the child. */

/* fork(2) into a cgroup (CLONE_INTO_CGROUP, since Linux 5.7), so that whoever looks there finds
 * the child from its first moment on; -1: into our own. It also gives a pidfd: at one go by
 * clone3(2), since Linux 5.3; in two where that is missing or forbidden (an older seccomp
 * filter says EPERM). The second way is safe too: the child is ours to reap, so its number
 * can't be taken before. Returns the pid, 0 in the child, -errno. */
static pid_t fork_with_pidfd(int cgroup_fd, int *ret_pidfd)
{
    int pidfd = -1;
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | (cgroup_fd >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup_fd >= 0 ? (uint64_t)cgroup_fd : 0,
    };
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
    int rv;

    if (pid >= 0) {
        *ret_pidfd = pidfd;
        return pid;
    }
    if (cgroup_fd >= 0 && errno != EAGAIN && errno != ENOMEM)
        return fork_with_pidfd(-1, ret_pidfd); /* the loader joins it, and says why it can't */
    if (errno != ENOSYS && errno != EPERM)
        return error_from_errno();
    pid = fork();
    if (pid < 0)
        return error_from_errno();
    if (pid == 0)
        return 0;
    pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        rv = error_from_errno();
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return rv;
    }
    *ret_pidfd = pidfd;
    return pid;
}

/* Forks with all signals blocked, so that the child starts without the primary's handlers. */
static pid_t fork_quietly(const struct birth *birth, int cgroup_fd, int *ret_pidfd)
{
    sigset_t all;
    sigset_t before;
    pid_t pid;

    (void)sigfillset(&all);
    if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
        return error_from_errno();
    pid = fork_with_pidfd(cgroup_fd, ret_pidfd);
    if (pid == 0)
        child_run(birth);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* Ends a child that can't be used, and waits for its end. */
static void abandon(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static int open_status_pipe(int *ret_read_fd, int *ret_write_fd)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_from_errno();
    /* Only our end: the flag would be in the way of the writer, who writes just once. */
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
        (void)close_fd(ends[0]);
        (void)close_fd(ends[1]);
        return error_from_errno();
    }
    *ret_read_fd = ends[0];
    *ret_write_fd = ends[1];
    return 0;
}

int spawn_worker(const struct spawn_request *request, struct spawned *ret_spawned)
{
    _cleanup_(birth_release) struct birth birth = {0};
    _cleanup_(spawned_release) struct spawned spawned = SPAWNED_NONE;
    _cleanup_fd_ int write_fd = -1;
    _cleanup_fd_ int null_fd = -1;
    _cleanup_fd_ int cgroup_fd = -1;
    struct proc_stat stat;
    int rv = open_status_pipe(&spawned.status_fd, &write_fd);

    if (rv == 0 && request->input < 0) {
        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        rv = null_fd < 0 ? error_from_errno() : 0;
    }
    if (rv == 0)
        rv = make_birth(request, request->input >= 0 ? request->input : null_fd, write_fd,
                        &birth);
    if (rv < 0)
        return rv;
    if (request->cgroup)
        cgroup_fd = open(request->cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
    spawned.pid = fork_quietly(&birth, cgroup_fd, &spawned.pidfd);
    if (spawned.pid < 0)
        return spawned.pid;

    /* The child does it too; whoever comes first, its group is there before we return. EACCES:
     * it has done it, and runs the loader by now. */
    (void)setpgid(spawned.pid, spawned.pid);
    rv = proc_stat_read(spawned.pid, &stat);
    if (rv != 0) {
        abandon(spawned.pid);
        return rv < 0 ? rv : -ESRCH;
    }
    spawned.start_time = stat.start_time;
    *ret_spawned = spawned;
    spawned = SPAWNED_NONE; /* handed over */
    return 0;
}

void spawned_release(struct spawned *spawned)
{
    if (spawned == NULL)
        return;
    spawned->pidfd = close_fd(spawned->pidfd);
    spawned->status_fd = close_fd(spawned->status_fd);
}

int spawn_read_status(int status_fd, struct exec_status *ret_status)
{
    char line[EXEC_STATUS_LINE_MAX];
    ssize_t count;

    do {
        count = read(status_fd, line, sizeof line);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_from_errno();
    if (count == 0)
        return 0;
    return exec_status_decode(line, (size_t)count, ret_status) == 0 ? 1 : -EBADMSG;
}
