/* The core: everything an app decides, as one function over two closed alphabets.
 *
 *     rollout_step(rollout, event, update)
 *
 * No I/O, clock, memory, chance, callback, errno or JSON in here; so a day of an app's life
 * runs in a test in a millisecond, and the simulator can kill the primary between any two
 * records.
 *
 * The state is a desired picture (target revision, desired workers) and the real one (slots and
 * workers). A step first lets the event act on the worker or the rollout it names, then
 * reconciles: it compares both pictures and writes what must happen next, again and again until
 * nothing is left to do. Nothing else remembers "what to do next", so nothing can be forgotten.
 *
 *   STEADY ──reload──▶ FORWARD ──all admitted──▶ SETTLING ──old ones gone──▶ STEADY
 *                         │ failed
 *                         ▼
 *                     REVERTING ──old ones are back, new ones gone──▶ STEADY
 *   any ──stop──▶ STOPPING ──nothing lives──▶ STOPPED
 */
#pragma once

#include "base/own.h"
#include "core/update.h"
#include "core/worker.h"

enum rollout_state {
    ROLLOUT_STEADY,
    ROLLOUT_FORWARD,
    ROLLOUT_SETTLING,
    ROLLOUT_REVERTING,
    ROLLOUT_STOPPING,
    ROLLOUT_STOPPED,
    ROLLOUT_STATE_N,
};

/* A slot is VACANT when nothing says otherwise; FILLED since a worker was started in it;
 * WAITING since its worker failed and until the back-off is over. */
enum slot_state {
    SLOT_VACANT,
    SLOT_FILLED,
    SLOT_WAITING,
    SLOT_STATE_N,
};

struct slot {
    enum slot_state state;
    uint64_t revision; /* what a respawn runs: the last revision admitted here */
    uint32_t failures; /* in a row */
    struct instant since;
    struct instant retry; /* WAITING: filled again then */
    struct reason last;   /* why the last worker here failed; CAUSE_NONE: none has */
};

struct revision {
    uint64_t number;
    struct policy policy;
};

struct rollout {
    enum rollout_state state;
    struct instant since;    /* of the state */
    struct instant progress; /* the last admission */
    uint64_t stable;         /* the last revision that was promoted; 0: none yet */
    uint64_t target;         /* where slots are being moved; the stable one when REVERTING */
    uint64_t trial;          /* the revision whose outcome is awaited; 0: none */
    struct reason reason;    /* why it reverts or stops */
    uint32_t failures;       /* failed workers of this rollout */
    uint32_t scale;          /* the user's `scale`; 0: none */
    uint32_t scale_base;     /* `workers` of the configuration when it was said */
    uint64_t last_revision;
    uint64_t last_worker;

    struct instant now; /* of the last step; not journaled */

    uint32_t slot_n; /* slots in use: desired ones, and those whose last worker drains */
    size_t worker_n;
    size_t revision_n;
    size_t queue_n;
    struct slot slots[SLOT_MAX];
    struct worker workers[WORKER_MAX]; /* ascending by id */
    struct revision revisions[REVISION_MAX];
    uint64_t queue[QUEUE_MAX];
};

/* Takes one event: changes the state and overwrites `ret_update` with what must be made durable
 * and then done. Total: every event has a defined answer in every state. */
void rollout_step(struct rollout *rollout, const struct event *event,
                  struct update *ret_update);

/* Folds a record back in. Returns 0, or 1 where the record can't follow from this state (a
 * damaged or hand-made journal); the state is then as before. */
MUST_CHECK int rollout_replay(struct rollout *rollout, const struct record *record);

/* Writes records that bring an empty state to this one: the body of a snapshot. `emit` order is
 * replay order. */
void rollout_snapshot(const struct rollout *rollout, struct instant now,
                      struct update *ret_update);

/* When the next EVENT_TICK is due; INSTANT_NEVER: nothing is waited for. */
struct instant rollout_wake(const struct rollout *rollout);

uint32_t rollout_desired(const struct rollout *rollout);
bool rollout_is_busy(const struct rollout *rollout); /* a rollout is under way, or waits */

/* Whether a worker, a slot or a wish has this revision: its listeners are needed then. */
bool rollout_uses(const struct rollout *rollout, uint64_t revision);

/* NULL where there is none. Borrowed from `rollout`, valid until its next step. */
const struct worker *rollout_worker(const struct rollout *rollout, uint64_t id);
const struct revision *rollout_revision(const struct rollout *rollout, uint64_t number);

const char *rollout_state_name(enum rollout_state state);
const char *slot_state_name(enum slot_state state);
