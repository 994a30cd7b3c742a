/* A lawful but ill-willed world, driven by bytes: reloads, crashes, deaf workers, late notices,
 * the primary's own death between any two records, all in virtual time. After every step the
 * invariants are checked. When the bytes are used up, all faults stop, and within a bounded
 * virtual time every wish must have its outcome and every slot a worker that serves.
 *
 * The fuzzer finds the bytes by coverage, test_random.c by seed.
 */
#pragma once

#include "invariant.h"

#include <stdio.h>

struct play {
    struct rollout *rollout;
    struct update *update;
    struct invariant invariant;
    uint64_t steps; /* taken so far, by all runs */
    FILE *trace;    /* where each step is told; NULL: nowhere */

    const uint8_t *bytes;
    size_t left;
    struct instant now;
    const char *wrong;  /* the first violation; NULL: none so far */
    bool last_in_first; /* in what order the answers to a batch of EFFECT_SPAWN come */
    uint64_t spawning[UPDATE_EFFECTS_MAX]; /* not answered yet */
    size_t spawning_n;
};

/* Allocates. Returns 0 or -ENOMEM. */
MUST_CHECK int play_init(struct play *play);
void play_release(struct play *play);

/* Plays one run from an empty state. `bytes` is borrowed. Returns NULL, or what went wrong.
 * Static. */
const char *play_run(struct play *play, const uint8_t *bytes, size_t size);
