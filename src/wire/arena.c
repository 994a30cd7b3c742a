#include "wire/arena.h"

#include "base/own.h"

#include <stdint.h>

struct arena_block {
    struct arena_block *before;
    max_align_t content[];
};

void *arena_allocate(struct arena *arena, size_t n, size_t size)
{
    struct arena_block *block;

    if (size != 0 && n > (SIZE_MAX - sizeof(*block)) / size)
        return NULL;
    block = calloc(1, sizeof(*block) + n * size);
    if (!block)
        return NULL;
    block->before = arena->last;
    arena->last = block;
    return block->content;
}

void arena_release(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->last) {
        struct arena_block *block = arena->last;

        arena->last = block->before;
        free(block);
    }
}
