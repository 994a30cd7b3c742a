#include "os/detach.h"

#include "base/error.h"
#include "os/epoll_sets.h"
#include "os/pidfd.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    ENTRIES_MAX = 256, /* of one process: sets times listeners */
};

struct found {
    const struct detach_listener *listeners;
    size_t listener_count;
    struct {
        int set;
        int fd;
        int listener_fd;
    } entries[ENTRIES_MAX];
    size_t count;
};

static bool note_entry(void *user, const struct epoll_entry *entry)
{
    struct found *found = user;

    for (size_t i = 0; i < found->listener_count; i++) {
        if (found->listeners[i].inode != entry->inode)
            continue;
        found->entries[found->count].set = entry->set;
        found->entries[found->count].fd = entry->fd;
        found->entries[found->count].listener_fd = found->listeners[i].fd;
        found->count++;
    }
    return found->count + found->listener_count > ENTRIES_MAX;
}

/* In a child that shares our memory but not our descriptors: only system calls. The set is
 * moved out of the way of the number that the listener must have. */
static int remove_entry(int set, int listener_fd, int number)
{
    int free_number = number + 1;
    int copy = fcntl(set, F_DUPFD, free_number);

    if (copy < 0 || (listener_fd != number && dup2(listener_fd, number) < 0) ||
        epoll_ctl(copy, EPOLL_CTL_DEL, number, NULL) < 0)
        return errno;
    return 0;
}

/* Returns 0, also where the entry is gone already; -errno. */
static int detach_entry(int set, int listener_fd, int number)
{
    /* Written by the child: vfork(2) lets us go on when it has ended. */
    volatile int error = 0;
    pid_t pid = vfork();

    if (pid == 0) {
        error = remove_entry(set, listener_fd, number);
        _exit(0);
    }
    if (pid < 0)
        return error_from_errno();
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return error == ENOENT ? 0 : -error;
}

static int detach_process(pid_t pid, struct found *found, size_t *count)
{
    _cleanup_fd_ int pidfd = -1;
    int rv = epoll_sets_walk(pid, note_entry, found);

    if (rv < 0)
        return rv;
    if (found->count == 0)
        return 0;
    rv = pidfd_open_process(pid, 0, &pidfd);
    if (rv != 0)
        return rv == 1 ? 0 : rv;
    for (size_t i = 0; i < found->count; i++) {
        _cleanup_fd_ int set = (int)syscall(SYS_pidfd_getfd, pidfd, found->entries[i].set, 0);

        if (set < 0 && (errno == ESRCH || errno == EBADF))
            continue;
        if (set < 0)
            return error_from_errno();
        rv = detach_entry(set, found->entries[i].listener_fd, found->entries[i].fd);
        if (rv < 0)
            return rv;
        (*count)++;
    }
    return 0;
}

int detach_from_listeners(const pid_t *pids, size_t pid_count,
                          const struct detach_listener *listeners, size_t listener_count,
                          size_t *ret_count)
{
    size_t count = 0;

    for (size_t i = 0; i < pid_count; i++) {
        struct found found = {.listeners = listeners, .listener_count = listener_count};
        int rv = detach_process(pids[i], &found, &count);

        if (rv < 0)
            return rv;
    }
    *ret_count = count;
    return 0;
}
