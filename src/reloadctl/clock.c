#include "reloadctl/clock.h"

#include <limits.h>
#include <time.h>

struct instant clock_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (struct instant){(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec};
}

double clock_wall(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int clock_poll_timeout(struct instant deadline)
{
    if (instant_is_never(deadline))
        return -1;
    uint64_t nanoseconds = instant_since(deadline, clock_now()).nanoseconds;
    uint64_t milliseconds = nanoseconds / 1000000u + (nanoseconds % 1000000u > 0 ? 1 : 0);
    return milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
}
