#include "os/accepting.h"

#include "base/error.h"
#include "os/epoll_sets.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
    PATH_SIZE = 64,
};

/* What is looked for, in one process. */
struct look {
    pid_t pid;
    const uint64_t *inodes;
    size_t inode_count;
    bool denied;
};

/* All leaves below return whether they saw it accept. A process, thread or descriptor that is
 * not there any more is as good as one that does not accept. */

static bool is_wanted(const struct look *look, uint64_t inode)
{
    for (size_t i = 0; i < look->inode_count; i++)
        if (look->inodes[i] == inode)
            return true;
    return false;
}

static void note_denial(struct look *look, int error)
{
    look->denied = look->denied || error == -EACCES || error == -EPERM;
}

static bool is_wanted_fd(const struct look *look, int fd)
{
    uint64_t inode;

    return fd >= 0 && proc_fd_socket(look->pid, fd, &inode) == 0 && is_wanted(look, inode);
}

static bool entry_accepts(void *user, const struct epoll_entry *entry)
{
    const struct look *look = user;

    return (entry->events & EPOLLIN) != 0 && is_wanted(look, entry->inode);
}

/* Returns 0; 1: it accepts; -ENOMEM. */
static int descriptors_accept(struct look *look)
{
    int rv = epoll_sets_walk(look->pid, entry_accepts, look);

    note_denial(look, rv);
    return rv == -EACCES ? 0 : rv;
}

static bool read_memory(const struct look *look, uint64_t address, void *buffer, size_t size)
{
    const struct iovec local = {.iov_base = buffer, .iov_len = size};
    /* An address of the other process: never followed here. */
    const struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};

    return process_vm_readv(look->pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

static bool poll_accepts(const struct look *look, uint64_t address, uint64_t count)
{
    struct pollfd items[ACCEPTING_POLL_MAX];

    if (count == 0 || count > ACCEPTING_POLL_MAX ||
        !read_memory(look, address, items, (size_t)count * sizeof items[0]))
        return false;
    for (size_t i = 0; i < count; i++)
        if ((items[i].events & POLLIN) != 0 && is_wanted_fd(look, items[i].fd))
            return true;
    return false;
}

/* An fd_set is an array of unsigned long, descriptor 0 in the lowest bit of the first; the
 * kernel takes it at any length (core_sys_select() in fs/select.c), FD_SETSIZE is libc's. */
static bool select_accepts(const struct look *look, uint64_t address, uint64_t count)
{
    enum {
        BITS = sizeof(unsigned long) * 8,
    };
    unsigned long set[ACCEPTING_POLL_MAX / BITS];
    size_t words = ((size_t)count + BITS - 1) / BITS;

    if (count == 0 || count > ACCEPTING_POLL_MAX || address == 0 ||
        !read_memory(look, address, set, words * sizeof set[0]))
        return false;
    for (size_t fd = 0; fd < count; fd++)
        if ((set[fd / BITS] >> fd % BITS & 1) != 0 && is_wanted_fd(look, (int)fd))
            return true;
    return false;
}

/* "288 0x3 0x0 …": the call's number, in decimal, and its arguments; "running" where the thread
 * is in none. */
static bool syscall_accepts(const struct look *look, const char *text)
{
    long number;
    uint64_t first;
    uint64_t second;

    if (sscanf(text, "%ld 0x%" SCNx64 " 0x%" SCNx64, &number, &first, &second) != 3)
        return false;
    switch (number) {
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
        return is_wanted_fd(look, (int)first);
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
        return poll_accepts(look, first, second);
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
        return select_accepts(look, second, first);
    default:
        return false;
    }
}

static bool threads_accept(struct look *look)
{
    _cleanup_dir_ DIR *dir = NULL;
    char path[PATH_SIZE];
    int thread;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)look->pid);
    rv = proc_open(path, &dir);
    if (rv != 0) {
        note_denial(look, rv);
        return false;
    }
    for (int seen = 0; seen < ACCEPTING_THREADS_MAX && proc_next(dir, &thread) == 0; seen++) {
        char text[256];
        size_t size;

        (void)snprintf(path, sizeof path, "%d/syscall", thread);
        rv = text_file_read(dirfd(dir), path, text, sizeof text, &size);
        if (rv >= 0 && syscall_accepts(look, text))
            return true;
        note_denial(look, rv);
    }
    return false;
}

int accepting_look(const pid_t *pids, size_t pid_count, const uint64_t *inodes,
                   size_t inode_count, bool *ret_accepting)
{
    bool denied = false;

    for (size_t i = 0; i < pid_count; i++) {
        struct look look = {.pid = pids[i], .inodes = inodes, .inode_count = inode_count};
        int rv = threads_accept(&look) ? 1 : descriptors_accept(&look);

        if (rv < 0)
            return rv;
        if (rv > 0) {
            *ret_accepting = true;
            return 0;
        }
        denied = denied || look.denied;
    }
    if (denied)
        return -EACCES;
    *ret_accepting = false;
    return 0;
}
