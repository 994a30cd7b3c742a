#include "os/guard.h"

#include "base/error.h"
#include "os/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { GUARD_GROUPS_MAX = 4096 };

/* A message is a number: a group to guard, or, negative, one to forget. */

static void guard_learn(pid_t *groups, size_t *n, int32_t message)
{
    size_t i = 0;

    if (message > 0 && *n < GUARD_GROUPS_MAX) {
        groups[(*n)++] = message;
        return;
    }
    while (i < *n && groups[i] != -message)
        i++;
    if (i < *n)
        groups[i] = groups[--*n];
}

static void guard_kill(const char *cgroup, const pid_t *groups, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)kill(-groups[i], SIGKILL);
    if (!cgroup)
        return;
    (void)cgroup_kill(cgroup);
    /* The kernel needs a moment until the dead have left; nothing waits for us. */
    for (int i = 0; i < 100 && cgroup_remove(cgroup) == 1; i++)
        (void)usleep(10000);
}

static _Noreturn void guard_run(const char *cgroup, int fd)
{
    pid_t groups[GUARD_GROUPS_MAX];
    sigset_t all;
    int32_t message;
    size_t n = 0;
    ssize_t size;

    (void)prctl(PR_SET_NAME, "reloadd-guard");
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    (void)setsid();
    /* Nothing of the primary's must be kept open by it, least of all a listener or the lock. */
    if (fd != 0)
        (void)dup2(fd, 0);
    (void)close_range(1, ~0u, 0);
    do {
        size = read(0, &message, sizeof(message));
        if (size == (ssize_t)sizeof(message))
            guard_learn(groups, &n, message);
    } while (size > 0 || (size < 0 && errno == EINTR));
    guard_kill(cgroup, groups, n);
    _exit(0);
}

int guard_start(const char *cgroup, int *ret_fd, pid_t *ret_pid)
{
    int fds[2];
    pid_t pid;

    /* Of the kind that keeps messages apart, and ends with an end of file. */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return error_from_errno();
    pid = fork();
    if (pid == 0) {
        (void)close(fds[0]);
        guard_run(cgroup, fds[1]);
    }
    (void)close_fd(fds[1]);
    if (pid < 0) {
        int r = error_from_errno();

        (void)close_fd(fds[0]);
        return r;
    }
    *ret_fd = fds[0];
    *ret_pid = pid;
    return 0;
}

static int guard_tell(int fd, int32_t message)
{
    return send(fd, &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL) < 0
               ? error_from_errno()
               : 0;
}

int guard_add(int fd, pid_t group)
{
    return guard_tell(fd, group);
}

int guard_remove(int fd, pid_t group)
{
    return guard_tell(fd, -group);
}
