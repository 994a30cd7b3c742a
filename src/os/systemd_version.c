#include "os/systemd_version.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

extern char **environ;

enum { ANSWER_MAX = 4096 };

/* Runs it with its output at the pipe. Returns 0 or -errno. */
static int start(int output, pid_t *ret_pid)
{
    /* posix_spawn(3) takes char *const[], and changes none of them. */
    char program[] = "systemctl";
    char option[] = "--version";
    char *const argv[] = {program, option, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return -error;
    error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawnp(ret_pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int systemd_version_read(unsigned *ret_version)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_fd_ int read_fd = -1;
    _cleanup_fd_ int write_fd = -1;
    int pipe_fds[2];
    size_t size;
    pid_t pid;
    int rv;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return error_from_errno();
    read_fd = pipe_fds[0];
    write_fd = pipe_fds[1];
    rv = start(write_fd, &pid);
    if (rv < 0)
        return rv == -ENOENT ? 1 : rv;
    write_fd = close_fd(write_fd);
    rv = text_file_read_fd(read_fd, ANSWER_MAX, &text, &size);
    read_fd = close_fd(read_fd);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (rv < 0)
        return rv == -EFBIG ? 1 : rv;
    /* "systemd 252 (252.39-1~deb12u2)" */
    return sscanf(text, "systemd %u", ret_version) == 1 ? 0 : 1;
}
