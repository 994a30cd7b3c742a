#include "os/epoll_sets.h"

#include "base/error.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_SIZE = 64,
};

struct walk {
    pid_t pid;
    bool (*visit)(void *user, const struct epoll_entry *entry);
    void *user;
};

/* "tfd:        6 events:       19 data:                6  pos:0 ino:61ef sdev:7", numbers but
 * the first in hexadecimal (ep_show_fdinfo() in fs/eventpoll.c). */
static bool walk_text(const struct walk *walk, int set, char *text)
{
    char *save = NULL;

    for (const char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        struct epoll_entry entry = {.set = set};

        if (sscanf(line, "tfd: %d events: %x data: %*x pos:%*d ino:%" SCNx64, &entry.fd,
                   &entry.events, &entry.inode) == 3 &&
            walk->visit(walk->user, &entry))
            return true;
    }
    return false;
}

/* Returns 0; 1: the visitor has had enough; -ENOMEM. A set that is longer than the limit is
 * read up to there. */
static int walk_set(const struct walk *walk, int set)
{
    _cleanup_free_ char *text = malloc(EPOLL_SETS_TEXT_SIZE);
    char path[PATH_SIZE];
    size_t size;

    if (text == NULL)
        return -ENOMEM;
    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)walk->pid, set);
    if (text_file_read(AT_FDCWD, path, text, EPOLL_SETS_TEXT_SIZE, &size) < 0)
        return 0;
    return walk_text(walk, set, text);
}

static bool is_epoll_set(int dir_fd, int fd)
{
    char name[PATH_SIZE];
    char target[PATH_SIZE];
    ssize_t length;

    (void)snprintf(name, sizeof name, "%d", fd);
    length = readlinkat(dir_fd, name, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = '\0';
    return strcmp(target, "anon_inode:[eventpoll]") == 0;
}

int epoll_sets_walk(pid_t pid, bool (*visit)(void *user, const struct epoll_entry *entry),
                    void *user)
{
    const struct walk walk = {.pid = pid, .visit = visit, .user = user};
    _cleanup_dir_ DIR *dir = NULL;
    char path[PATH_SIZE];
    int fd;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    rv = proc_open(path, &dir);
    if (rv != 0)
        return rv == -EACCES || rv == -EPERM ? -EACCES : 0;
    for (int seen = 0; seen < EPOLL_SETS_DESCRIPTORS_MAX && proc_next(dir, &fd) == 0; seen++) {
        if (!is_epoll_set(dirfd(dir), fd))
            continue;
        rv = walk_set(&walk, fd);
        if (rv != 0)
            return rv;
    }
    return 0;
}
