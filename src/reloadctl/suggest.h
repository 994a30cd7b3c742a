/* "Did you mean …?": the nearest of the known words. */
#pragma once

#include <stddef.h>

/* The one of the `n` words that takes the fewest insertions, deletions, replacements and swaps
 * of neighbours to become `wrong`; NULL where none is near enough to be meant (more than a
 * third of its letters differ), or where `wrong` is longer than any word of ours. A longer word
 * that `wrong` begins is meant as well. Borrowed from `words`; NULL words are passed over. */
const char *suggest_nearest(const char *wrong, const char *const *words, size_t n);
