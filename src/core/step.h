/* What the parts of the core share while a step is under way. Private to core/. */
#pragma once

#include "core/rollout.h"

struct step {
    struct rollout *rollout;
    const struct event *event;
    struct update *update;
    struct reason verdict; /* why the rollout can't go on; CAUSE_NONE: it can */
};

/* Writes a record and applies it: the only way in which a step changes journaled state. `at` is
 * filled in. */
void step_record(struct step *step, struct record record);
void step_effect(struct step *step, struct effect effect);

/* A worker ended, or must be ended, though nobody asked it to: counts against the rollout that
 * it belongs to, or sends its slot into back-off. */
void step_worker_failed(struct step *step, const struct worker *worker, struct reason reason);

/* The end of a rollout, or of one that waits for its turn; and of the app: it empties itself.
 * The primary then ends by step_exit(). */
void step_end_rollout(struct step *step, uint64_t revision, enum outcome outcome,
                      struct reason reason);
void step_stop(struct step *step, struct reason reason);
void step_exit(struct step *step);

/* The events by which a primary takes over the workers of an earlier one (adopt.c). */
void step_vanished(struct step *step);
void step_found(struct step *step);
void step_adopt(struct step *step);

/* When an admitted worker is as old as it may be; INSTANT_NEVER: never, or it is not admitted.
 */
struct instant recycle_due(const struct rollout *rollout, const struct worker *worker);

/* The admitted worker of the target revision that is to be replaced first at `at`, and why;
 * NULL where all may stay. */
const struct worker *recycle_next(const struct rollout *rollout, struct instant at,
                                  struct reason *ret_reason);

/* What can happen to one worker: the events that name one, and those that the core finds. */
enum worker_event {
    WORKER_EVENT_SPAWNED,
    WORKER_EVENT_SPAWN_FAILED,
    WORKER_EVENT_READY,
    WORKER_EVENT_EXTEND,
    WORKER_EVENT_PING,
    WORKER_EVENT_WATCHDOG_SET,
    WORKER_EVENT_TRIGGER,
    WORKER_EVENT_ASKED,
    WORKER_EVENT_OVERWEIGHT,
    WORKER_EVENT_UNHEALTHY,
    WORKER_EVENT_HEALTHY,
    WORKER_EVENT_EXITED,
    WORKER_EVENT_LOST,        /* the primary ended before it knew whether it had begun */
    WORKER_EVENT_DEADLINE,    /* of its state */
    WORKER_EVENT_PING_MISSED, /* the watchdog's deadline */
    WORKER_EVENT_RETIRE,      /* a replacement serves, or its slot closes */
    WORKER_EVENT_HURRY,       /* no more patience */
    WORKER_EVENT_N,
};

/* Does what the table has for this event in the worker's state. `worker` may have left the
 * rollout's table, or have moved in it, afterwards. */
void worker_dispatch(struct step *step, uint64_t worker, enum worker_event event);

/* The table for docs/STATES.md: what the cell is called; NULL where the event can't happen. */
const char *worker_cell_name(enum worker_state state, enum worker_event event);
const char *worker_event_name(enum worker_event event);

/* Applies a record to the state. Returns 0, or 1 where it can't follow from it. */
MUST_CHECK int state_apply(struct rollout *rollout, const struct record *record);

struct worker *state_worker(struct rollout *rollout, uint64_t id);
const struct policy *state_policy(const struct rollout *rollout, uint64_t revision);
