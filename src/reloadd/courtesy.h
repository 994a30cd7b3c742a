/* Polite drains (os/polite.h, docs/DRAIN.md): the clients of a worker that drains are told to
 * close their connections, in the program's place.
 *
 *     a rollout spawns      the connections of those who will have to go are watched from now
 * on, so that at the drain it is known what is being answered a worker is to drain  they are
 * covered, before anything else is done to it it drains             new ones are covered at
 * each look, idle ones ended it is gone            they are forgotten nobody drains, and    the
 * programs and maps are dropped: outside of rollouts, nothing of no rollout goes on    this is
 * there
 *
 * The maps are in the service manager's store meanwhile (polite-sockets, polite-states,
 * polite-shut, polite-filter): they stay in force when this primary is killed, and the next one
 * goes on with them. Where it can't be done, `why` says so, and workers drain as they do
 * without.
 */
#pragma once

#include "base/mono.h"
#include "os/polite.h"

#include <stdbool.h>

struct app;
struct process;

enum {
    COURTESY_FDS = 4, /* that are to outlive this program */
};

struct courtesy {
    struct polite polite;
    bool is_open;
    const char *why; /* it can't be done here; static. NULL: it can, or it is not known yet */
    struct instant next; /* not before that is looked again: looking has a bound (census.h) */
};

/* Of one process; zeroed: nothing was done for it. */
struct courtesy_of_process {
    bool in_force;
    struct polite_counts counts; /* at the last look; ended and ended_told are sums */
    unsigned refused;            /* connections that can't be covered, at the last look */
    unsigned ended_idle;         /* connections that were ended from outside */
    struct instant idle_next;    /* when idle ones are to be looked for again */
};

/* At the beginning: finds out whether it can be done, and takes back what an earlier primary
 * has left in the store. */
void courtesy_begin(struct app *app);

/* A worker is about to be spawned: watches those that run another revision. */
void courtesy_watch(struct app *app);

/* Covers the worker's connections. */
void courtesy_cover(struct process *process);

/* For each worker that drains and was not signalled yet: covers what is new, ends what is idle,
 * counts. At most once in 10 ms, and a twentieth of a processor. */
void courtesy_look(struct app *app);

/* Why the clients of workers that drain are not told, in words; static. NULL: they are. */
const char *courtesy_why_not(const struct app *app);

/* Whether the clients of the worker are told. */
bool courtesy_is_in_force(const struct process *process);

/* Its connections for which nothing can be done: encrypted, upgraded, not HTTP. */
unsigned courtesy_untold(const struct process *process);

/* The worker is gone, or a rollout has ended: forgets what nobody needs any more. */
void courtesy_end(struct app *app, uint64_t worker);
void courtesy_rest(struct app *app);

/* Frees; the store keeps its copies, unless `drops`. */
void courtesy_release(struct app *app);

/* Calls `visit` for each descriptor that is to outlive this program, with its name. Returns 0
 * or what `visit` returned. */
MUST_CHECK int courtesy_visit(const struct app *app,
                              int (*visit)(void *context, const char *name, int fd),
                              void *context);

/* In words, what is open of a worker's connections and can't be told; "" where there is
 * nothing. Returns text. */
const char *courtesy_words(const struct process *process, char *text, size_t size);
