#include "reloadctl/child.h"

#include "base/error.h"
#include "reloadctl/complain.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>

/* What systemd gives a service (systemd.exec(5), $PATH); /sbin and /bin for systems where they
 * are no links. */
static const char service_path[] =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static int wait_for(pid_t pid, const char *what)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            complain("%s: %s", what, strerror(errno));
            return CHILD_LOST;
        }
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    complain("%s was ended by SIG%s", what, sigabbrev_np(WTERMSIG(status)));
    return CHILD_LOST;
}

static pid_t split(void)
{
    pid_t pid;

    (void)fflush(NULL);
    pid = fork();
    if (pid < 0)
        complain("no process can be started: %s", strerror(errno));
    return pid;
}

int child_run(const char *const *words)
{
    pid_t pid = split();

    if (pid < 0)
        return CHILD_LOST;
    if (pid == 0) {
        /* exec(2) takes char *const[], and changes none of them. */
        union {
            const char *const *borrowed;
            char *const *argv;
        } both = {.borrowed = words};

        (void)signal(SIGPIPE, SIG_DFL); /* ignored signals stay ignored over exec(2) */
        (void)execvp(words[0], both.argv);
        complain("%s can't be run: %s", words[0], strerror(errno));
        _exit(CHILD_LOST);
    }
    return wait_for(pid, words[0]);
}

static void become_like_a_service(void)
{
    if (clearenv() != 0 || setenv("PATH", service_path, 1) < 0 || chdir("/") < 0)
        complain("a service's surroundings can't be made: %s", strerror(errno));
}

int child_call(int (*body)(void *user), void *user, bool as_service)
{
    pid_t pid = split();
    int null_fd;

    if (pid < 0)
        return CHILD_LOST;
    if (pid != 0)
        return wait_for(pid, "reloadd");
    null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null_fd >= 0)
        (void)dup2(null_fd, STDOUT_FILENO);
    if (as_service)
        become_like_a_service();
    _exit(body(user));
}
