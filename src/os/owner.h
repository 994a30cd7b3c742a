/* Who listens on an address: what a person wants to know when it is taken.
 *
 * The kernel's tables (/proc/net) give the socket, and /proc/PID/fd the processes that hold it,
 * as far as we may look into them. All of it is a look at a moving thing: words, nothing to act
 * upon.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct owner {
    pid_t pid;
    char name[16];
};

struct owners {
    size_t count;
    struct owner list[8]; /* the first ones found; of a server with many workers, some */
    bool hidden;          /* somebody has it whom we may not see */
};

/* Finds who listens on a canonical address ("127.0.0.1:80", "[::1]:80", "/path"), or on one
 * that stands in its way ("0.0.0.0:80"). Returns 0; 1 where nobody does, as far as can be seen;
 * -EINVAL where the address is none; -errno. */
MUST_CHECK int owner_find(const char *address, struct owners *ret_owners);

/* A few words, such as "nginx (pid 12) and nginx (pid 13)", or "a process that may not be seen
 * (run as root)". Writes at most `size` bytes, always terminated. Returns text. */
const char *owner_describe(const struct owners *owners, char *text, size_t size);
