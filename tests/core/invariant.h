/* What must hold after every step of the core, whatever happened (DESIGN of the core:
 * "capacity, surge, order, patience, durable, told").
 *
 *   capacity  the core itself never takes a serving worker away below desired -
 *             max_unavailable, unless its replacement serves
 *   surge     nothing is spawned beyond desired + max_surge
 *   patience  no worker is killed before its deadline, unless somebody said hurry
 *   durable   the records, as the codec keeps them, replay to the same state; so does a
 *             snapshot
 *   paired    each record that promises an act has its effect; ADOPT promises again what was
 *             not done
 *   asked     a worker that was asked to go is not asked again
 *   recycle   one worker at a time is replaced for its age or size, while nothing else goes on
 *   told      every reload gets exactly one outcome
 *
 * It keeps a second state that is fed by nothing but records, and a third that is fed by
 * snapshots. A violation is told as a sentence, not asserted, so that a test can print the seed
 * or the transcript that led to it.
 */
#pragma once

#include "core/rollout.h"

struct invariant {
    struct rollout
        *before; /* the state that records alone have made; after a check: the state */
    struct rollout *thawed;
    struct update *snapshot;
    uint64_t told;   /* outcomes so far */
    uint64_t wished; /* reloads so far */
};

/* Allocates the two states. Returns 0 or -ENOMEM. */
MUST_CHECK int invariant_init(struct invariant *invariant);
void invariant_release(struct invariant *invariant);

/* Forgets everything, as before the first event. */
void invariant_reset(struct invariant *invariant);

/* Checks `rollout` after it has taken `event` and answered `update`, all borrowed. Returns
 * NULL, or what is wrong. Static. */
const char *invariant_check(struct invariant *invariant, const struct rollout *rollout,
                            const struct event *event, const struct update *update);

/* The record as it comes back from the journal: members that its kind does not use are zero. */
struct record invariant_journaled(const struct record *record);

/* Whether both states are the same, but for what is not journaled. Returns NULL or the name of
 * the first member that differs. Static. */
const char *invariant_difference(const struct rollout *a, const struct rollout *b);

/* Brings `to` to the state of `from` by way of a snapshot, using `update` for it. Returns false
 * where the snapshot does not replay. */
bool invariant_copy(const struct rollout *from, struct rollout *to, struct update *update);
