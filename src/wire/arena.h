/* Memory that lives and dies together: what a decoded message's arrays and objects lie in.
 * A zeroed arena is empty. */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *last;
};

/* Zeroed memory for `n` things of `size` bytes, aligned for every type; never NULL for n = 0.
 * Borrowed: gone with arena_release(). NULL: out of memory. */
void *arena_allocate(struct arena *arena, size_t n, size_t size);

void arena_release(struct arena *arena);
