/* Makes the n-th allocation of the JSON library fail, so that every way out of a codec is gone
 * once. Allocations are counted from allocation_fail_at() on; 0: none fails. */
#pragma once

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static unsigned allocation_countdown;

static void *allocation_malloc(size_t size)
{
    if (allocation_countdown > 0 && --allocation_countdown == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return malloc(size);
}

static inline void allocation_fail_at(unsigned n)
{
    allocation_countdown = n;
    json_set_alloc_funcs(allocation_malloc, free);
}
