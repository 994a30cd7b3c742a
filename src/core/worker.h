/* One worker, and the state machine it goes through.
 *
 *   SPAWNING ─▶ STARTING ─▶ WARMING ─▶ ADMITTED ─▶ DRAINING ─▶ (gone)
 *                   │           │          │           │
 *                   └───────────┴──────────┴─▶ KILLING ◀┘
 *
 * SPAWNING lasts only until the shell has answered EFFECT_SPAWN. WARMING is the time that
 * min_ready_seconds asks for. A gone worker leaves the table: a late notice about it finds
 * nothing and is dropped. What every event does in every state is in worker.c, one table, one
 * cell each.
 */
#pragma once

#include "core/event.h"

enum worker_state {
    WORKER_SPAWNING,
    WORKER_STARTING,
    WORKER_WARMING,
    WORKER_ADMITTED,
    WORKER_DRAINING,
    WORKER_KILLING,
    WORKER_STATE_N,
};

struct worker {
    uint64_t id; /* never used twice */
    uint64_t revision;
    uint32_t slot;
    enum worker_state state;
    struct instant started;  /* its record was written */
    struct instant since;    /* of its state */
    struct instant ready;    /* INSTANT_NEVER: not yet */
    struct instant expired;  /* since then it is to be replaced, too old or too big as it is;
                                INSTANT_NEVER: it is not */
    struct instant asked;    /* was sent its drain signal; INSTANT_NEVER: not yet */
    struct instant deadline; /* of its state; INSTANT_NEVER: none */
    int32_t pid;
    uint64_t start_time;
    struct reason failure; /* why it is being ended, where that is a failure */
    struct span watchdog;  /* WATCHDOG=1 is due this often; 0: never */

    /* Not journaled: a new primary starts the watchdog, its weighing and its probing anew. */
    struct instant ping_deadline;
    bool overweight;
    struct reason unhealthy; /* what its probes come to; CAUSE_NONE: well */
};

const char *worker_state_name(enum worker_state state);

/* Live and meant to stay: not draining, not being killed. What max_surge counts. */
bool worker_is_active(const struct worker *worker);
