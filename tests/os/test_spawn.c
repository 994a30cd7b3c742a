#include "os/scratch.h"

#include "os/capture.h"

#include "os/cgroup.h"
#include "os/group.h"
#include "os/pidfd.h"
#include "os/proc.h"
#include "os/spawn.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

static const char loader[] = TEST_BIN "/reloadd-exec";

/* A request to run `script` by sh, whose output comes by *ret_output. */
struct trial {
    struct spawn_request request;
    struct spawned spawned;
    const char *argv[4];
    const char *environment[8];
    int output[2];
};

static void trial_init(struct trial *trial, const char *script)
{
    *trial = (struct trial){
        .request = {.loader = loader,
                    .file = "/bin/sh",
                    .capture_channel = -1,
                    .input = -1,
                    .error = -1},
        .spawned = SPAWNED_NONE,
        .argv = {"sh", "-c", script},
        .environment = {"PATH=/usr/bin:/bin"},
    };
    assert_int_equal(pipe2(trial->output, O_CLOEXEC), 0);
    trial->request.output = trial->output[1];
    trial->request.argv = (char *const *)(uintptr_t)trial->argv;
    trial->request.environment = (char *const *)(uintptr_t)trial->environment;
}

static void wait_readable(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    while (poll(&item, 1, -1) < 0)
        assert_int_equal(errno, EINTR);
}

/* Runs it; returns what spawn_read_status() said. */
static int trial_start(struct trial *trial, struct exec_status *ret_status)
{
    assert_int_equal(spawn_worker(&trial->request, &trial->spawned), 0);
    trial->output[1] = close_fd(trial->output[1]);
    wait_readable(trial->spawned.status_fd);
    return spawn_read_status(trial->spawned.status_fd, ret_status);
}

/* Reads its output to the end and reaps it; returns its exit. */
static struct pidfd_exit trial_end(struct trial *trial, char *text, size_t size)
{
    struct pidfd_exit ended;
    size_t filled = 0;
    ssize_t count;

    while ((count = read(trial->output[0], text + filled, size - 1 - filled)) > 0)
        filled += (size_t)count;
    text[filled] = '\0';
    trial->output[0] = close_fd(trial->output[0]);
    wait_readable(trial->spawned.pidfd);
    assert_int_equal(pidfd_reap(trial->spawned.pidfd, &ended), 0);
    spawned_release(&trial->spawned);
    return ended;
}

static void spawn_program_tells_its_identity(void **state)
{
    struct trial trial;
    struct exec_status status;
    struct proc_stat stat;
    struct pidfd_exit ended;
    char text[256];
    char expected[64];
    pid_t pid;

    (void)state;
    trial_init(&trial, "echo $$ $LISTEN_PID $EINHORN_MASTER_PID $0; exit 7");
    trial.argv[3] = NULL;
    assert_int_equal(trial_start(&trial, &status), 0);
    pid = trial.spawned.pid;
    assert_int_equal(proc_stat_read(pid, &stat), 0);
    assert_true(stat.start_time == trial.spawned.start_time && stat.start_time > 0);
    assert_int_equal(stat.group, pid);
    ended = trial_end(&trial, text, sizeof text);
    assert_false(ended.signaled);
    assert_int_equal(ended.code, 7);
    (void)snprintf(expected, sizeof expected, "%d %d %d sh\n", pid, pid, getpid());
    assert_string_equal(text, expected);
}

static void spawn_with_listeners_puts_them_from_3_on_and_nothing_else(void **state)
{
    int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int second = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int stray = open("/dev/null", O_RDONLY); /* inheritable, and not wanted */
    const int listeners[] = {second, first};
    struct trial trial;
    struct exec_status status;
    struct stat one;
    struct stat two;
    char text[1024];
    char expected[256];

    (void)state;
    assert_int_equal(fstat(first, &one), 0);
    assert_int_equal(fstat(second, &two), 0);
    trial_init(&trial, "ls /proc/$$/fd; readlink /proc/$$/fd/3 /proc/$$/fd/4");
    trial.request.listeners = listeners;
    trial.request.listener_count = 2;
    assert_int_equal(trial_start(&trial, &status), 0);
    assert_int_equal(trial_end(&trial, text, sizeof text).code, 0);
    (void)snprintf(expected, sizeof expected, "0\n1\n2\n3\n4\nsocket:[%lu]\nsocket:[%lu]\n",
                   two.st_ino, one.st_ino);
    assert_string_equal(text, expected);
    assert_true((fcntl(first, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(first, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(first);
    (void)close(second);
    (void)close(stray);
}

/* The worst order: a source sits where another one has to go. */
static void spawn_with_sources_at_targets_sorts_them_out(void **state)
{
    int high = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
    struct trial trial;
    struct exec_status status;
    char text[256];
    int a;
    int b;
    int pair[2];

    (void)state;
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    a = pair[0] < pair[1] ? pair[0] : pair[1];
    b = a == pair[0] ? pair[1] : pair[0];
    trial_init(&trial, "[ -p /dev/fd/3 ] && [ -p /dev/fd/4 ] && echo both pipes");
    trial.request.listeners = (const int[]){b, a};
    trial.request.listener_count = 2;
    assert_int_equal(trial_start(&trial, &status), 0);
    assert_int_equal(trial_end(&trial, text, sizeof text).code, 0);
    assert_string_equal(text, "both pipes\n");
    (void)close(high);
    (void)close(a);
    (void)close(b);
}

static void spawn_with_ignored_and_blocked_signals_starts_clean(void **state)
{
    struct trial trial;
    struct exec_status status;
    sigset_t block;
    sigset_t before;
    char text[256];

    (void)state;
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    (void)sigemptyset(&block);
    (void)sigaddset(&block, SIGTERM);
    assert_int_equal(sigprocmask(SIG_BLOCK, &block, &before), 0);
    trial_init(&trial, "grep -E '^Sig(Blk|Ign)' /proc/self/status");
    assert_int_equal(trial_start(&trial, &status), 0);
    (void)trial_end(&trial, text, sizeof text);
    assert_string_equal(text, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
}

static void expect_failure(struct trial *trial, enum exec_step step, int error,
                           const char *detail)
{
    struct exec_status status;
    char text[256];

    assert_int_equal(trial_start(trial, &status), 1);
    assert_string_equal(exec_step_name(status.step), exec_step_name(step));
    assert_int_equal(status.error, error);
    assert_string_equal(status.detail, detail);
    assert_int_not_equal(trial_end(trial, text, sizeof text).code, 0);
    assert_string_equal(text, "");
}

static void spawn_missing_program_reports_exec(void **state)
{
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.file = "/nonexistent/app";
    expect_failure(&trial, EXEC_STEP_EXEC, ENOENT, "/nonexistent/app");
}

static void spawn_missing_interpreter_reports_it(void **state)
{
    char path[PATH_MAX];
    struct trial trial;
    FILE *file = fopen(scratch_path(state, "app", path), "we");

    assert_non_null(file);
    assert_true(fputs("#!/nonexistent/python\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    trial_init(&trial, "");
    trial.request.file = path;
    expect_failure(&trial, EXEC_STEP_INTERPRETER, ENOENT, path);
}

static void spawn_missing_loader_reports_it(void **state)
{
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.loader = "/nonexistent/reloadd-exec";
    expect_failure(&trial, EXEC_STEP_LOADER, ENOENT, "/nonexistent/reloadd-exec");
}

static void spawn_missing_directory_reports_it(void **state)
{
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.directory = "/nonexistent";
    expect_failure(&trial, EXEC_STEP_DIRECTORY, ENOENT, "/nonexistent");
}

static void spawn_unknown_user_reports_it(void **state)
{
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.user = "no-such-user";
    expect_failure(&trial, EXEC_STEP_USER, ESRCH, "no-such-user");
}

static void spawn_wrong_limit_reports_it(void **state)
{
    static const char *const limits[] = {"nofile=64:128", "nofile=x", NULL};
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.limits = limits;
    expect_failure(&trial, EXEC_STEP_LIMIT, EINVAL, "nofile=x");
}

static void spawn_missing_cgroup_reports_it(void **state)
{
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.cgroup = "/nonexistent";
    expect_failure(&trial, EXEC_STEP_CGROUP, ENOENT, "/nonexistent");
}

static void spawn_with_closed_source_reports_descriptors(void **state)
{
    const int listeners[] = {999};
    struct trial trial;

    (void)state;
    trial_init(&trial, "");
    trial.request.listeners = listeners;
    trial.request.listener_count = 1;
    expect_failure(&trial, EXEC_STEP_DESCRIPTORS, EBADF, "");
}

static void spawn_with_limits_and_directory_applies_them(void **state)
{
    static const char *const limits[] = {"nofile=64:128", "core=0", NULL};
    struct trial trial;
    struct exec_status status;
    char text[256];
    char expected[PATH_MAX];

    trial_init(&trial, "ulimit -Sn; ulimit -Hn; ulimit -c; pwd");
    trial.request.limits = limits;
    trial.request.directory = *state;
    assert_int_equal(trial_start(&trial, &status), 0);
    assert_int_equal(trial_end(&trial, text, sizeof text).code, 0);
    (void)snprintf(expected, sizeof expected, "64\n128\n0\n%s\n", (const char *)*state);
    assert_string_equal(text, expected);
}

static void spawn_as_another_user_drops_all_of_root(void **state)
{
    struct trial trial;
    struct exec_status status;
    char text[512];

    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    trial_init(&trial, "grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status");
    trial.request.user = "65534";
    trial.request.group = "65534";
    trial.request.parent_death_signal = SIGKILL;
    assert_int_equal(trial_start(&trial, &status), 0);
    assert_int_equal(trial_end(&trial, text, sizeof text).code, 0);
    assert_non_null(strstr(text, "Uid:\t65534\t65534\t65534\t65534\n"));
    assert_non_null(strstr(text, "Gid:\t65534\t65534\t65534\t65534\n"));
    assert_non_null(strstr(text, "Groups:\t65534 \n"));
    assert_non_null(strstr(text, "CapEff:\t0000000000000000\n"));
}

/* The primary is this child; its worker must go when it goes. */
static int be_primary(const struct child_ends *ends, void *argument)
{
    struct trial *trial = argument;
    struct exec_status status;

    if (spawn_worker(&trial->request, &trial->spawned) < 0)
        return 1;
    wait_readable(trial->spawned.status_fd);
    if (spawn_read_status(trial->spawned.status_fd, &status) != 0)
        return 2;
    if (write(ends->news, &trial->spawned.pid, sizeof(pid_t)) != sizeof(pid_t))
        return 3;
    child_wait_for_end(ends);
    return 0;
}

static void kill_of_parent_ends_worker_of_another_user_too(void **state)
{
    struct trial trial;
    struct child primary;
    char byte;
    pid_t worker;

    (void)state;
    trial_init(&trial, "exec sleep 1000");
    trial.request.parent_death_signal = SIGKILL;
    if (geteuid() == 0) {
        trial.request.user = "65534";
        trial.request.group = "65534";
    }
    primary = child_start(be_primary, &trial);
    assert_int_equal(read(primary.news, &worker, sizeof worker), sizeof worker);
    trial.output[1] = close_fd(trial.output[1]);
    (void)child_end(&primary, true);
    /* The worker held the last write end. */
    assert_int_equal(read(trial.output[0], &byte, 1), 0);
    (void)close(trial.output[0]);
}

/* *state: a cgroup of this test's own; NULL where none can be made. */
static int cgroup_setup(void **state)
{
    _cleanup_free_ char *base = NULL;
    char *folder = NULL;
    char name[64];

    *state = NULL;
    if (cgroup_find_writable(&base) != 0)
        return 0;
    (void)snprintf(name, sizeof name, "reloadd-test-%d", getpid());
    if (cgroup_create(base, name, &folder) != 0)
        return -1;
    *state = folder;
    return 0;
}

/* The dead leave their group a moment later than their parent hears of it. */
static int cgroup_teardown(void **state)
{
    int rv;

    if (*state == NULL)
        return 0;
    rv = cgroup_kill(*state);
    if (rv == 0) {
        do {
            rv = cgroup_remove(*state);
        } while (rv == 1);
    }
    free(*state);
    return rv;
}

static void spawn_into_cgroup_kills_with_descendants(void **state)
{
    struct trial trial;
    struct exec_status status;
    struct group group;
    struct pidfd_exit ended;
    const char *folder = *state;
    char text[64];
    bool empty;

    if (folder == NULL) {
        print_message("no writable cgroup2 here\n");
        skip();
    }
    /* The grandchild leaves the process group. */
    trial_init(&trial, "setsid sh -c 'echo; exec sleep 1000' & wait");
    trial.request.cgroup = folder;
    assert_int_equal(trial_start(&trial, &status), 0);
    assert_int_equal(read(trial.output[0], text, 1), 1);
    group = (struct group){trial.spawned.pid, trial.spawned.start_time, folder};
    assert_int_equal(group_is_empty(&group, &empty), 0);
    assert_false(empty);
    assert_int_equal(group_kill(&group, SIGKILL), 0);
    /* End of file: also the grandchild has let go of the pipe. */
    ended = trial_end(&trial, text, sizeof text);
    assert_true(ended.signaled);
    assert_int_equal(ended.code, SIGKILL);
    do {
        assert_int_equal(cgroup_is_empty(folder, &empty), 0);
    } while (!empty);
    assert_int_equal(group_is_empty(&group, &empty), 0);
    assert_true(empty);
}

static void spawn_with_a_channel_sends_the_filter_and_hides_it(void **state)
{
    int channel[2];
    struct trial trial;
    struct exec_status status;
    struct pidfd_exit ended;
    char text[256];
    int filter = -1;
    int r;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    trial_init(&trial, "ls /proc/self/fd | wc -l");
    trial.request.capture_channel = channel[1];
    trial.request.capture_optional = true;
    assert_int_equal(trial_start(&trial, &status), 0);
    (void)close(channel[1]);
    ended = trial_end(&trial, text, sizeof text);
    assert_int_equal(ended.code, 0);
    assert_int_equal(atoi(text), 4); /* 0, 1, 2, and the folder itself */
    r = capture_take(channel[0], &filter);
    if (r < 0)
        print_message("captured nothing here: %s\n", strerror(-r));
    else
        assert_int_equal(r, 0);
    (void)close_fd(filter);
    (void)close(channel[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spawn_program_tells_its_identity),
        cmocka_unit_test(spawn_with_listeners_puts_them_from_3_on_and_nothing_else),
        cmocka_unit_test(spawn_with_sources_at_targets_sorts_them_out),
        cmocka_unit_test(spawn_with_ignored_and_blocked_signals_starts_clean),
        cmocka_unit_test(spawn_missing_program_reports_exec),
        scratch_test(spawn_missing_interpreter_reports_it),
        cmocka_unit_test(spawn_missing_loader_reports_it),
        cmocka_unit_test(spawn_missing_directory_reports_it),
        cmocka_unit_test(spawn_unknown_user_reports_it),
        cmocka_unit_test(spawn_wrong_limit_reports_it),
        cmocka_unit_test(spawn_missing_cgroup_reports_it),
        cmocka_unit_test(spawn_with_closed_source_reports_descriptors),
        scratch_test(spawn_with_limits_and_directory_applies_them),
        cmocka_unit_test(spawn_as_another_user_drops_all_of_root),
        cmocka_unit_test(kill_of_parent_ends_worker_of_another_user_too),
        cmocka_unit_test(spawn_with_a_channel_sends_the_filter_and_hides_it),
        cmocka_unit_test_setup_teardown(spawn_into_cgroup_kills_with_descendants, cgroup_setup,
                                        cgroup_teardown),
    };

    return run_os_tests(tests);
}
