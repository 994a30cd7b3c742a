/* The lanes of one listener, and the program in the kernel that chooses between them: what
 * os/steering.h can do, kept together with what was done last.
 *
 * Lane 0 is the listener's own socket. A group has no lanes until it is begun, and where it
 * can't be, it says why. Lanes are kept in the service manager's store, under the inode of lane
 * 0 and their number, for the next primary; their places in the kernel's array are learned
 * anew.
 *
 * Behind the lanes are spares, sockets that no plan names and no worker has. Where a program
 * shuts its lane down (shutdown(2); HAProxy and Starman do, when they leave), the kernel moves
 * the array's last socket into the hole. That is a spare then, so the plan stays right, and all
 * that comes goes where it should, until lane_group_mend() puts everybody back. Spares are the
 * primary's alone: nothing moves where the last ones are closed.
 */
#pragma once

#include "os/steering.h"
#include "os/steering_probe.h"
#include "reloadd/fd_store.h"

enum { LANE_SPARES = 8 }; /* so many lanes may be shut down between two looks */

struct lane {
    int fd; /* lane 0's is the listener's; -1: it got lost, and is nobody's any more */
    uint64_t inode;
    uint32_t index; /* its place; STEERING_INDEX_NONE: not in the kernel's group */
};

/* Zeroed: not begun. */
struct lane_group {
    struct lane *lanes;
    size_t n;
    const char
        *refusal; /* why it can't be steered; static. NULL: it is, or was not asked to be */
    const struct fd_store *store;  /* NULL: nobody keeps lanes */
    struct steering_share *shares; /* of the plan in force */
    size_t share_n;
    struct steering_probe probes[STEERING_PROBES_MAX]; /* of the plan in force, too */
    size_t probe_n;
    int spares[LANE_SPARES];
    size_t spare_n;
};

/* How much of the world's connections a lane is to get, beside the others. */
struct lane_share {
    uint32_t lane;
    uint16_t weight;
};

/* Makes a group of a listener's socket, with the lanes that an earlier primary has left in
 * `store`, which is borrowed for as long as the group lives. `shares` are those that it left
 * the plan with, as far as is known; without any, lane 0 gets what comes. Once begun, or
 * refused, a group is left as it is. Returns 0, also where it is refused; -errno. */
MUST_CHECK int lane_group_begin(struct lane_group *group, int listener_fd,
                                struct fd_store *store, const struct lane_share *shares,
                                size_t n);

/* Whether an earlier primary has left lanes of this listener. */
bool lane_group_was_left(int listener_fd, const struct fd_store *store);

/* Has at least `n` lanes. New ones get nothing until they are named. Returns 0; 1 where the
 * kernel or the machine refuses more; -errno. */
MUST_CHECK int lane_group_grow(struct lane_group *group, size_t n);

/* Puts a plan in force; where it is in force already, nothing is done. Lanes that are not in
 * the kernel's group are passed over; with nobody left, lane 0 gets what comes. Returns 0 or
 * -errno. */
MUST_CHECK int lane_group_steer(struct lane_group *group, const struct lane_share *shares,
                                size_t n);

/* Whether the plan in force gives anything to this lane. */
bool lane_group_names(const struct lane_group *group, uint32_t lane);

/* Connections that wait in a lane. 0 where there is no such lane. */
unsigned lane_group_waiting(const struct lane_group *group, uint32_t lane);

/* A program may close its lane for everybody (shutdown(2)): it listens again, the spares go
 * behind it, and the places of all are learned anew. Returns 1 where there was something to
 * mend; 0; -errno. */
MUST_CHECK int lane_group_mend(struct lane_group *group);

/* Opens a probe's socket and directs it to a lane (os/steering_probe.h). Returns 0; 1 where
 * that can't be; -EBUSY: STEERING_PROBES_MAX - 1 are under way; -errno. */
MUST_CHECK int lane_group_probe(struct lane_group *group, uint32_t lane,
                                struct steering_probe_ends *ret_ends);

/* The program forgets it; before its socket is closed. */
void lane_group_probe_end(struct lane_group *group, const struct steering_probe_ends *ends);

/* Closes lanes 1 and up, here and in the store. */
void lane_group_release(struct lane_group *group);

/* The same, and the store keeps them. */
void lane_group_leave(struct lane_group *group);

/* What a lane is called in the store. */
void lane_group_store_name(const struct lane_group *group, uint32_t lane,
                           char name[static FD_NAME_SIZE]);
