/* A journal written by an enemy: arbitrary records into rollout_replay(). Whatever they say, it
 * either takes a record or refuses it with the state unchanged, and what it took can be frozen
 * into a snapshot and booted from. */
#pragma once

#include "invariant.h"

struct hostile {
    struct rollout *rollout;
    struct rollout *before;
    struct update *update;
};

/* Allocates. Returns 0 or -ENOMEM. */
MUST_CHECK int hostile_init(struct hostile *hostile);
void hostile_release(struct hostile *hostile);

/* Replays the records that `bytes`, borrowed, stand for into an empty state, then boots.
 * Returns NULL, or what went wrong. Static. */
const char *hostile_run(struct hostile *hostile, const uint8_t *bytes, size_t size);
