/* Where a life's surprises come from.
 *
 * By seed, every question has a drawn answer. By script (the exhaustive mode), chance_below()
 * is dull, it always answers 0, and what is to be tried in all ways is asked by chance_choose()
 * alone, which reads the script and grows it. So 0 must be the quiet answer everywhere.
 */
#pragma once

#include "base/mono.h"

#include <stddef.h>

enum { SCRIPT_MAX = 512 };

/* One path through the tree of choices. */
struct script {
    uint8_t choice[SCRIPT_MAX];
    uint8_t of[SCRIPT_MAX]; /* how many there were */
    size_t n;               /* known so far */
    size_t at;              /* the next one */
};

struct chance {
    uint64_t state;
    struct script *script; /* NULL: by seed; borrowed */
};

void chance_seed(struct chance *chance, uint64_t seed);

/* 0 … n − 1; n > 0. */
uint32_t chance_below(struct chance *chance, uint32_t n);

/* Whether the one case in n has come; never by script. */
bool chance_one_in(struct chance *chance, uint32_t n);

/* A span of low … high milliseconds. */
struct span chance_ms(struct chance *chance, uint32_t low, uint32_t high);

/* 0 … n − 1, and by script each of them in turn; n is 1 … 255. */
uint32_t chance_choose(struct chance *chance, uint32_t n);

/* Sets out for the next path. Returns false where all have been walked. */
bool script_advance(struct script *script);
