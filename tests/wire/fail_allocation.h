/* Out of memory on demand: while fail_allocation_after(n) is in force, the n-th allocation from
 * then on fails, and all that follow. For one file of a test program, which gets a malloc of
 * its own by including this.
 *
 * What jansson asks for in powers of two from 32 on is spared: its lexer ignores that its
 * buffer could not grow, and then reads on behind the end of it (load.c, lex_save(), as
 * of 2.14).
 */
#pragma once

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The allocator below ours: the sanitizer's where there is one, else libc's. */
extern void *__interceptor_malloc(size_t size) __attribute__((weak));
extern void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static long allocations_left = -1; /* negative: none fails */

static bool allocation_fails(void)
{
    if (allocations_left < 0)
        return false;
    if (allocations_left > 0) {
        allocations_left--;
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    if (allocation_fails())
        return NULL;
    return __interceptor_malloc != NULL ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    if (allocation_fails())
        return NULL;
    return __interceptor_calloc != NULL ? __interceptor_calloc(n, size)
                                        : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    if (allocation_fails())
        return NULL;
    return __interceptor_realloc != NULL ? __interceptor_realloc(old, size)
                                         : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t n, size_t size)
{
    return size != 0 && n > SIZE_MAX / size ? NULL : realloc(old, n * size);
}

static void *allocate_for_jansson(size_t size)
{
    long kept = allocations_left;
    void *memory;

    if (size < 32 || (size & (size - 1)) != 0)
        return malloc(size);
    allocations_left = -1;
    memory = malloc(size);
    allocations_left = kept;
    return memory;
}

static void fail_allocation_after(long n)
{
    json_set_alloc_funcs(allocate_for_jansson, free);
    allocations_left = n;
}

static void fail_no_allocation(void)
{
    allocations_left = -1;
}
