/* The descriptors that outlive this primary: the service manager keeps a copy of each, under a
 * name, and hands all of them to the next primary beside the sockets of the socket units
 * (FDSTORE=1, sd_pid_notify_with_fds(3), systemd.service(5) FileDescriptorStoreMax=).
 *
 *   notify-7     the notify socket of worker 7, before the worker is born
 *   worker-7-2-3-4  the pidfd of worker 7: slot 2, revision 3, lane 4
 *   channel-7    where the loader of worker 7 sends its capture filter (capturing.h)
 *   capture-7    that filter's descriptor, from which its binds are received
 *   lane-812-4   lane 4 of the listener whose own socket has the inode 812
 *   polite-…     the maps and the program of polite drains that are under way (courtesy.h)
 *   opened-812   a listener that the primary has opened itself, by its inode
 *   discovered-812-0
 *                a listener that a worker has bound; the second number is its ordinal, where
 *                that was with port 0 (listeners.h)
 *
 * The names alone tell whose a worker is, so that it can be adopted where the journal was lost.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stored_fd {
    int fd;     /* -1: taken */
    char *name; /* as the service manager has it */
};

/* What was handed to this primary, and whether what it gives away is kept. */
struct fd_store {
    bool keeps; /* false: nothing is sent anywhere */
    struct stored_fd *items;
    size_t n;
};

/* Takes over what sd_listen_fds(3) tells of, close-on-exec from now on, and clears its
 * variables. Returns 0 or -errno. */
MUST_CHECK int fd_store_receive(struct fd_store *store);

/* Closes what nobody has taken; of workers, it is dropped from the manager's store, too. */
void fd_store_release(struct fd_store *store);

/* The same, and the manager keeps its copies: the next primary is to have them. */
void fd_store_leave(struct fd_store *store);

/* The first untaken descriptor of that name, which is the caller's then; -1: there is none. */
MUST_CHECK int fd_store_take(struct fd_store *store, const char *name);

/* Gives a copy away, or takes it back out of the manager's store. `fd` stays the caller's. A
 * manager that does not keep it is not told of by anybody; nothing is returned for it. */
void fd_store_keep(const struct fd_store *store, const char *name, int fd);
void fd_store_drop(const struct fd_store *store, const char *name);

enum { FD_NAME_SIZE = 80 };

/* Whose pidfd it is. */
struct stored_worker {
    uint64_t worker;
    uint32_t slot;
    uint64_t revision;
    uint32_t lane;
};

/* The names of a worker's descriptors. */
void fd_store_name_notify(uint64_t worker, char name[static FD_NAME_SIZE]);
void fd_store_name_channel(uint64_t worker, char name[static FD_NAME_SIZE]);
void fd_store_name_capture(uint64_t worker, char name[static FD_NAME_SIZE]);
void fd_store_name_worker(const struct stored_worker *worker, char name[static FD_NAME_SIZE]);

/* The inverse. A name without a lane, as it was before there were lanes, is in lane 0.
 * Returns false where the name is none of a worker's pidfd. */
bool fd_store_read_worker(const char *name, struct stored_worker *ret_worker);

/* The untaken pidfd of this worker: borrowed; NULL: there is none. */
struct stored_fd *fd_store_find_worker(const struct fd_store *store, uint64_t worker,
                                       struct stored_worker *ret_worker);

/* Whether any worker's descriptor is there still: an earlier primary has left it. */
bool fd_store_has_workers(const struct fd_store *store);

/* Whether the name is a worker's or one of courtesy.h, and not a listener's or a socket unit's.
 */
bool fd_store_is_own_name(const char *name);
