/* The walk of os/polite.h: the connections of a worker, each borrowed for a moment.
 *
 * The kernel's list of connections (os/sock_diag.h) is joined with the descriptors that the
 * worker's processes hold (/proc/PID/fd). A borrowed descriptor is closed right after the
 * visit: as long as it is open, a close(2) of the worker's sends no FIN.
 */
#pragma once

#include "os/polite.h"

struct polite_connection {
    uint64_t cookie; /* the kernel's own number, of this connection alone */
    uint64_t inode;
    bool half_closed; /* our side was shut down (FIN_WAIT2) */
    bool is_left;     /* its client has closed its own (CLOSE_WAIT) */
    uint32_t unread;
    uint32_t unsent; /* not acknowledged included */
};

struct polite_visitor {
    /* Is the connection worth to be borrowed? Returns 1 yes, 0 no, -errno. */
    int (*wants)(void *context, const struct polite_connection *connection);
    /* `fd` is the walk's. Returns 0 or -errno, which ends the walk. */
    int (*visit)(void *context, const struct polite_connection *connection, int fd);
    void *context;
    bool half_closed_too;
};

/* Visits each established connection of the worker's once for each descriptor that it has
 * there. Returns 0; -EACCES or -EPERM where a process may not be looked into; -ENOMEM; -errno.
 */
MUST_CHECK int polite_walk(const struct polite_worker *worker,
                           const struct polite_visitor *visitor);
