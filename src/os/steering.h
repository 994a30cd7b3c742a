/* Who gets the next connection: one listening socket for each worker, and a program in the
 * kernel that chooses between them. Such a socket is a lane, all lanes of one address are a
 * steered group.
 *
 * The group is the kernel's SO_REUSEPORT group (socket(7); net/core/sock_reuseport.c), an array
 * of sockets. The program is classic BPF (SO_ATTACH_REUSEPORT_CBPF, Linux 4.6 for TCP), needs
 * no privilege, and answers with an index into that array (os/steering_program.h). It runs when
 * a SYN comes in: the handshake then belongs to the lane that it named, whatever happens to the
 * program afterwards (its ACK is found by address and port, not chosen again; but where the
 * kernel answers with SYN cookies it keeps nothing, and the ACK chooses). So one setsockopt(2)
 * moves all connections that are yet to come, at once, and none that has begun.
 *
 * The life of a group:
 *
 *   steering_prepare(base)           the socket we have, ours or systemd's, becomes lane 0
 *   steering_apply(base, all to 0)   a program before there is a choice
 *   steering_open_lane(base, &fd)    one more lane, at the end of the array
 *   steering_order_learn(lanes …)    which place has it?
 *   steering_apply(base, plan)       who is admitted; again whenever that changes
 *
 *   - A lane is never closed. Closing a listener resets what waits in its queue and, what is
 *     worse, moves the group's last lane into the hole: the places after that are wrong, and
 *     connections go to a worker that was never admitted. Lanes are kept open (by the primary
 *     and in systemd's fd store) and used again.
 *   - A lane that no plan names is quiet: nothing new comes, what waits in it stays until
 *     somebody accepts it (os/accept_queue.h), handshakes that it was given before still end in
 *     it (os/handshakes.h).
 *   - Without a program, and with one that names a place beyond the array, the kernel
 *     spreads by hash over all lanes. So the first plan comes before the first open_lane;
 *     where that says STEERING_NO_GROUP, at once after it. What fell into lane 1 in between
 *     waits there for the worker that sits in it.
 *   - Places are learned (os/steering_order.h), not counted: a program that listens at the
 *     address with SO_REUSEPORT by itself, as the owner's user, has joined the group too. No
 *     plan names it, so it gets nothing. Learn after each open_lane, at recovery, and when a
 *     lane was seen to listen no more.
 *   - The program stays in force as long as one socket of the group lives, also while the
 *     primary is dead. It can't be read back: the next primary has its lanes from the fd store
 *     (by name: the store keeps no order), learns their places, and applies its plan anew, for
 *     the program may still name a probe that died with its primary.
 *   - Two listeners (say 0.0.0.0:80 and [::]:80) are two groups, each with lanes and a plan of
 *     its own.
 *   - O_NONBLOCK is each lane's own, so a worker's choice is nobody else's (compare
 *     os/listener.h); set it as the next worker expects it before the lane is used again. What
 *     else a program has set on its lane, the next one inherits.
 *
 * What a program in a worker does to its lane is harmless: listen(2) again (the backlog
 * changes), SO_REUSEPORT and SO_REUSEADDR set again, SO_INCOMING_CPU, TCP_DEFER_ACCEPT,
 * SO_LOCK_FILTER (apply by another lane then). Not harmless are two things:
 *   - shutdown(2), which closes the lane for everybody and leaves the hole described above;
 *     accept_queue_look() sees it, steering_reopen_lane() brings the lane back;
 *   - SO_REUSEPORT set to 0: where the kernel's search happens to meet this lane first, it gets
 *     everything, and no program is asked (inet_lookup_reuseport()). steering_prepare() of the
 *     lane mends it, and steering_order_learn() does so for all.
 */
#pragma once

#include "base/own.h"
#include "os/steering_program.h"

/* Why a listener can't be steered; it works on, shared. */
enum steering_refusal {
    STEERING_NOT_TCP = 1, /* a unix socket, MPTCP, a datagram socket */
    STEERING_NOT_LISTENING,
    STEERING_OTHER_USER, /* opened by another user, and we may not act for that one */
    STEERING_TAKEN,      /* somebody else is in the way at the same address */
    STEERING_NO_GROUP,   /* no group yet: a lane has to be opened first */
};

/* A few words for a person, such as "it is no TCP socket". Never NULL. */
const char *steering_refusal_text(enum steering_refusal refusal);

/* Makes a listening socket the base of a group, where it is not: its owner is looked at, and
 * SO_REUSEPORT set. That a socket was bound without (a .socket unit that lacks ReusePort=yes)
 * does not matter, the option may come later (reuseport_add_sock() makes the group when the
 * first lane joins; tried on Linux 6.18). The connections of the socket, waiting ones too, are
 * not touched. From then on any process of the socket's owner can listen on the address. Does
 * not block; may be repeated, and done to any lane. Returns 0; STEERING_NOT_TCP, _NOT_LISTENING
 * or _OTHER_USER; -errno. */
MUST_CHECK int steering_prepare(int base_fd);

/* Opens one more lane, at the end of the group: address, owner, backlog, O_NONBLOCK and the
 * options that a socket unit can set are those of the base, which was prepared. It listens when
 * this returns, and gets no connection but by a plan (or by hash, where no plan was ever
 * applied). Where the base is another user's, this needs CAP_CHOWN: the kernel compares the
 * owners of the sockets, not the effective users (inet_csk_bind_conflict()). Close-on-exec;
 * *ret_fd is the caller's, to be put into safety before a worker gets it. Does not block.
 * Returns 0; STEERING_OTHER_USER; STEERING_TAKEN (also: the base was opened without
 * SO_REUSEADDR and has connections from before it was prepared); -ENOMEM (also: 32768 lanes);
 * -errno. */
MUST_CHECK int steering_open_lane(int base_fd, int *ret_fd);

/* Brings back a lane that was shut down, as the last of the group. One that was bound to port 0
 * has let go of its port by that, and takes the same one again. Returns 0; -EADDRINUSE where
 * somebody else has it by now; -errno. */
MUST_CHECK int steering_reopen_lane(int fd);

/* Puts a plan in force for the whole group, by any of its sockets; connections that come
 * meanwhile see the old plan or the new one. Indexes are not checked by the kernel: for one
 * beyond the group it spreads by hash over all lanes. Does not block. Returns 0;
 * STEERING_NO_GROUP (the base was bound without SO_REUSEPORT and has no second lane);
 * STEERING_NOT_LISTENING (somebody has shut this socket down: take another lane); -EINVAL or
 * -E2BIG of steering_program_build(); -ENOMEM (the program is longer than net.core.optmem_max
 * lets it be); -EPERM (a worker locked this socket's filter: take another lane); -errno. */
MUST_CHECK int steering_apply(int any_fd, const struct steering_plan *plan);
