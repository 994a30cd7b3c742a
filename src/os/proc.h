/* What /proc says about a process (proc(5)).
 *
 * A pid is only a number, and a new process may have it before the next line runs. What must
 * not go wrong is done by pidfd (os/pidfd.h); what is read here serves to look and to compare.
 */
#pragma once

#include "base/own.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_stat {
    char state; /* 'R', 'S', … 'Z' for a zombie */
    pid_t parent;
    pid_t group;
    uint64_t start_time; /* field 22: clock ticks since boot */
};

/* Returns 0; 1 where there is no such process; -errno. */
MUST_CHECK int proc_stat_read(pid_t pid, struct proc_stat *ret_stat);

/* The process's short name (comm), at most 15 bytes and the terminator; control characters
 * become
 * '?'. Returns 0; 1 where there is no such process; -errno. */
MUST_CHECK int proc_name(pid_t pid, char *name, size_t size);

/* Whether the process runs the executable at `path`; false also where that can't be seen. */
bool proc_runs(pid_t pid, const char *path);

/* The inode of the socket that is descriptor `fd` of the process. Returns 0; 1 where it is no
 * socket, or there is no such process or descriptor; -errno (-EACCES: another user's). */
MUST_CHECK int proc_fd_socket(pid_t pid, int fd, uint64_t *ret_inode);

/* As proc_fd_socket(), by a descriptor of the folder /proc/PID/fd. */
MUST_CHECK int proc_fd_socket_at(int dir_fd, int fd, uint64_t *ret_inode);

/* Opens a folder of /proc, such as "/proc/12/task"; the caller closes it (_cleanup_dir_).
 * Returns 0; 1 where it is not there; -errno. */
MUST_CHECK int proc_open(const char *path, DIR **ret_dir);

/* The next entry whose name is a number. Returns 0, or 1 at the end. */
MUST_CHECK int proc_next(DIR *dir, int *ret_number);

static inline void cleanup_dir(DIR **dir)
{
    if (*dir != NULL)
        (void)closedir(*dir);
}

#define _cleanup_dir_ _cleanup_(cleanup_dir)
