#include "os/proc.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PATH_SIZE = 64,
    STAT_SIZE = 1024,
    /* From the state, which is field 3, to the start time, which is field 22. */
    FIELDS_TO_START_TIME = 19,
};

/* A process that ends while its file is being read: ENOENT before, ESRCH after open(2). */
static bool is_gone(int error)
{
    return error == -ENOENT || error == -ESRCH;
}

int proc_stat_read(pid_t pid, struct proc_stat *ret_stat)
{
    char path[PATH_SIZE];
    char text[STAT_SIZE];
    struct proc_stat stat = {0};
    const char *at;
    size_t size;
    int parent;
    int group;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    rv = text_file_read(AT_FDCWD, path, text, sizeof text, &size);
    if (is_gone(rv))
        return 1;
    if (rv < 0)
        return rv;

    /* The name may hold blanks and parentheses: what counts is after the last one. */
    at = strrchr(text, ')');
    if (at == NULL || sscanf(at, ") %c %d %d", &stat.state, &parent, &group) != 3)
        return -EBADMSG;
    at += 1;
    for (int i = 0; i < FIELDS_TO_START_TIME && at != NULL; i++)
        at = strchr(at + 1, ' ');
    if (at == NULL || sscanf(at, " %" SCNu64, &stat.start_time) != 1)
        return -EBADMSG;
    stat.parent = parent;
    stat.group = group;
    *ret_stat = stat;
    return 0;
}

int proc_name(pid_t pid, char *name, size_t size)
{
    char path[PATH_SIZE];
    char text[PATH_SIZE];
    size_t length;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    rv = text_file_read(AT_FDCWD, path, text, sizeof text, &length);
    if (is_gone(rv))
        return 1;
    if (rv < 0)
        return rv;
    if (length > 0 && text[length - 1] == '\n')
        text[--length] = '\0';
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = '?';
    (void)snprintf(name, size, "%s", text);
    return 0;
}

static int read_socket_link(int dir_fd, const char *path, uint64_t *ret_inode)
{
    char target[PATH_SIZE];
    uint64_t inode;
    ssize_t length = readlinkat(dir_fd, path, target, sizeof target - 1);

    if (length < 0)
        return is_gone(-errno) ? 1 : error_from_errno();
    target[length] = '\0';
    if (sscanf(target, "socket:[%" SCNu64 "]", &inode) != 1)
        return 1;
    *ret_inode = inode;
    return 0;
}

bool proc_runs(pid_t pid, const char *path)
{
    char link[64];
    struct stat runs;
    struct stat wanted;

    (void)snprintf(link, sizeof(link), "/proc/%d/exe", pid);
    return stat(link, &runs) == 0 && stat(path, &wanted) == 0 && runs.st_dev == wanted.st_dev &&
           runs.st_ino == wanted.st_ino;
}

int proc_fd_socket(pid_t pid, int fd, uint64_t *ret_inode)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    return read_socket_link(AT_FDCWD, path, ret_inode);
}

int proc_fd_socket_at(int dir_fd, int fd, uint64_t *ret_inode)
{
    char path[PATH_SIZE];

    (void)snprintf(path, sizeof path, "%d", fd);
    return read_socket_link(dir_fd, path, ret_inode);
}

int proc_open(const char *path, DIR **ret_dir)
{
    DIR *dir = opendir(path); /* O_CLOEXEC in glibc and musl */

    if (dir == NULL)
        return is_gone(-errno) ? 1 : error_from_errno();
    *ret_dir = dir;
    return 0;
}

int proc_next(DIR *dir, int *ret_number)
{
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL) {
        char *end;
        long number;

        if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
            continue;
        number = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && number >= 0 && number <= INT32_MAX) {
            *ret_number = (int)number;
            return 0;
        }
    }
    return 1;
}
