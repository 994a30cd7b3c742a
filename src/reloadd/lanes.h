/* Which worker sits in which lane, and so who gets the next connection.
 *
 * Each listener that can be steered (os/steering.h) has lanes: listening sockets of one
 * address, the first of which is the listener's own socket. A lane has the same number in all
 * listeners of the app, and each live worker has a number of its own, its seat; so the old and
 * the new worker of a slot never share a lane. Where a listener can't be steered, it has its
 * own socket alone, and all workers accept from that: dispatch is shared there, which is the
 * same with one lane.
 *
 * Lanes are never closed while the app runs: they wait for the next worker, in the service
 * manager's store too. Whoever is admitted is in the plan, a program in the kernel; a worker
 * that is to go is taken out of it first, and then empties its lane.
 */
#pragma once

#include "os/steering_probe.h"
#include "reloadd/listeners.h"

struct app;
struct process;

/* Gives a worker that is about to be born its seat, and opens the lanes that lack for it. A
 * listener that can't be steered is no failure: it is shared then. Returns 0 or -errno. */
MUST_CHECK int lanes_seat(struct process *process);

/* A worker that has its seat gets one listener more, which it has bound (capturing.h): opens
 * its lane there, if the listener has any and this one lacks. Returns 0 or -errno. */
MUST_CHECK int lanes_join(struct process *process, const struct listener *listener);

/* The socket that the worker gets for a listener: its lane, or where that is shared, the
 * listener's own. Borrowed. */
MUST_CHECK int lanes_fd(const struct process *process, const struct listener *listener);

/* Which socket that is, for who looks for it in the worker. */
uint64_t lanes_inode(const struct process *process, const struct listener *listener);

/* Whether the worker's lane is nobody else's: what waits there waits for it alone. */
bool lanes_is_own(const struct process *process, const struct listener *listener);

/* Whether that is so of any of its listeners. */
bool lanes_has_own(const struct process *process);

/* Connections that wait to be accepted by this worker alone; 0 where all its listeners are
 * shared. */
unsigned lanes_waiting(const struct process *process);

/* To be called for a worker that is draining: whether nothing can come to it any more by lanes
 * of its own, for it is out of the plan, the handshakes that were under way have ended, and its
 * queues are empty. True where all its listeners are shared. */
bool lanes_have_emptied(struct process *process);

/* Puts in force what the rollout's state says: those who are admitted get what comes. After
 * each step of the core, before its effects. */
void lanes_steer(struct app *app);

/* The timer's turn: brings back lanes that their programs have shut down (os/steering.h), and
 * with them everybody's place. A worker that was just asked to go is looked at often. */
void lanes_look(void *app);

/* Takes back the lanes that an earlier primary has left, before anything else of the store is
 * given up. Returns 0 or -errno. */
MUST_CHECK int lanes_recover(struct app *app);

/* Forgets what was noted of a worker that leaves. */
void lanes_leave(struct process *process);

/* A connection that goes to this worker, admitted or not, over its own lane of a listener:
 * opens its socket and has the kernel's program name it. The caller connects `ret_ends->fd`, a
 * nonblocking socket that is the caller's, to `ret_ends->to`, and must call lanes_probe_end()
 * before it closes it. Returns 0; 1 where the listener is shared or can't be reached from here,
 * and no connection can be directed; -EBUSY: too many probes at once; -errno. */
MUST_CHECK int lanes_probe_begin(struct process *process, const struct listener *listener,
                                 struct steering_probe_ends *ret_ends);
void lanes_probe_end(struct process *process, const struct steering_probe_ends *ends);
