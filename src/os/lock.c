#include "os/lock.h"

#include "base/error.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>

static pid_t read_holder(int fd)
{
    char text[16];
    long pid;
    ssize_t count = pread(fd, text, sizeof text - 1, 0);

    if (count <= 0)
        return 0;
    text[count] = '\0';
    pid = strtol(text, NULL, 10);
    return pid > 0 && pid <= INT_MAX ? (pid_t)pid : 0;
}

/* Blanks at the end instead of a cut: the file is at no moment empty. */
static void write_holder(int fd)
{
    char text[16];
    int length = snprintf(text, sizeof text, "%-10d\n", (int)getpid());

    /* Only words: a full disk must not keep the primary from starting. */
    if (pwrite(fd, text, (size_t)length, 0) != length)
        return;
}

int lock_take(const char *path, int *ret_fd, pid_t *ret_holder)
{
    _cleanup_fd_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return error_from_errno();
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK)
            return error_from_errno();
        *ret_holder = read_holder(fd);
        return 1;
    }
    write_holder(fd);
    *ret_fd = take_fd(fd);
    return 0;
}
