#include "reloadd/clock.h"

#include <time.h>

static int64_t clock_read(clockid_t id)
{
    struct timespec now = {0};

    /* Can't fail with a clock that is always there (clock_gettime(2)). */
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct wall clock_wall(void)
{
    return (struct wall){clock_read(CLOCK_REALTIME)};
}

struct wall clock_wall_of(struct instant at)
{
    if (instant_is_never(at))
        return (struct wall){0};
    return (struct wall){clock_read(CLOCK_REALTIME) - clock_read(CLOCK_MONOTONIC) +
                         (int64_t)(at.nanoseconds / 1000)};
}

struct span clock_processor(void)
{
    return span_from_us((uint64_t)clock_read(CLOCK_THREAD_CPUTIME_ID));
}
