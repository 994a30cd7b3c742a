/* How a worker is asked to go.
 *
 *     LEAVING ──▶ READING ──▶ QUIETING ──▶ SIGNALLED
 *
 *     leaving     nothing new is to come to it. With lanes of its own it is out of the plan,
 *                 and empties them (lanes.h); from a shared queue it is taken off, from outside
 *                 (os/detach.h).
 *     reading     it reads what its clients have sent: a program that gets its signal may close
 *                 connections that it has accepted and not yet read from (uvicorn does).
 *     quieting    its requests in flight end. Only for a program that would cut them off.
 *     signalled   it has its drain signal, and goes by itself.
 *
 * Each phase but the last has a condition that ends it, seen from outside (os/connections.h),
 * and a limit; and the core's drain deadline goes on meanwhile, at which the worker is killed
 * in whatever phase it is. A worker that nothing keeps from getting new connections (it waits
 * for them in accept, poll or select on a shared queue), or that has never served, is signalled
 * at once. A primary that adopts a worker between its retirement and its signal begins anew:
 * each phase may be gone through twice.
 */
#pragma once

#include "base/mono.h"
#include "os/connections.h"

#include <stdbool.h>
#include <stddef.h>

struct app;
struct process;

enum drain_phase {
    DRAIN_NOT, /* it was not asked to go */
    DRAIN_LEAVING,
    DRAIN_READING,
    DRAIN_QUIETING,
    DRAIN_SIGNALLED,
    DRAIN_CUT, /* killed: the end of its time, or somebody was in a hurry */
    DRAIN_PHASE_N,
};

/* Of one process; zeroed: it does not drain. */
struct drain {
    enum drain_phase phase;
    struct instant limit;         /* of the phase */
    unsigned looks;               /* at its connections, in this phase */
    unsigned looks_with_all_read; /* in a row */
    struct connections told;      /* the picture that was published last (server.h) */
    struct instant told_at;       /* 0: none yet */
    bool is_resumed;              /* begun by an earlier primary */
    bool was_impatient;           /* got its signal though it was not quiet */
};

enum {
    DRAIN_READING_MAX_MS = 500,
};

/* Begins. */
void drain_begin(struct process *process);

/* Closes the listeners for good, once all workers have been signalled: until then they are what
 * workers are taken off from, and what their connections are known by. */
void drain_close_listeners(struct app *app);

/* For a worker that an earlier primary has retired. `was_asked`: it has its signal. */
void drain_resume(struct process *process, bool was_asked);

/* Is about to be killed: says what is cut off, where it drains. */
void drain_cut(struct process *process);

/* Whether it is in any of the phases, and has not ended. */
bool drain_is_under_way(const struct process *process);

/* The timer's turn: looks at every worker that drains. */
void drain_look(void *app);

/* What keeps the worker, in words, for "waits for ..."; `text` is of `size` bytes. */
const char *drain_words(const struct process *process, char *text, size_t size);
