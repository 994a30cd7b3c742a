/* What a process waits for by epoll, seen from outside (/proc/PID/fdinfo, "tfd: … ino:…";
 * proc(5)).
 *
 * It needs the right to trace the process (ptrace(2), "Ptrace access mode checking"), which
 * root has, and an ancestor has over its own user's processes.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    EPOLL_SETS_DESCRIPTORS_MAX = 4096, /* descriptors of a process that are looked at */
    EPOLL_SETS_TEXT_SIZE = 1 << 20,    /* bytes of the text of one set that are read */
};

/* One descriptor in one set, by the numbers of its own process. */
struct epoll_entry {
    int set;
    int fd;
    unsigned events;
    uint64_t inode;
};

/* Shows the entries of all sets of the process to `visit`, until it returns true. Returns 0; 1
 * where it did; -EACCES where the process may not be looked into; -ENOMEM. A process, set or
 * descriptor that is gone has no entries. */
MUST_CHECK int epoll_sets_walk(pid_t pid,
                               bool (*visit)(void *user, const struct epoll_entry *entry),
                               void *user);
