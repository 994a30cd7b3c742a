/* Time as two structs, so that a point and a distance can't be mixed up.
 *
 * An instant is a reading of CLOCK_MONOTONIC; a span is a distance between two instants. Both
 * count nanoseconds. Nothing here reads a clock: the programs do, and hand the instant on.
 * INSTANT_NEVER is later than every other instant and stands for "no deadline".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct instant {
    uint64_t nanoseconds;
};

struct span {
    uint64_t nanoseconds;
};

#define INSTANT_NEVER ((struct instant){UINT64_MAX})
#define SPAN_FOREVER  ((struct span){UINT64_MAX})

static inline struct span span_from_ms(uint64_t milliseconds)
{
    return (struct span){milliseconds * 1000000u};
}

static inline struct span span_from_us(uint64_t microseconds)
{
    return microseconds > UINT64_MAX / 1000u ? SPAN_FOREVER
                                             : (struct span){microseconds * 1000u};
}

static inline uint64_t span_to_ms(struct span span)
{
    return span.nanoseconds / 1000000u;
}

static inline double span_to_seconds(struct span span)
{
    return (double)span.nanoseconds / 1e9;
}

/* The sum, or INSTANT_NEVER where it would not fit. */
static inline struct instant instant_plus(struct instant at, struct span span)
{
    return span.nanoseconds >= UINT64_MAX - at.nanoseconds
               ? INSTANT_NEVER
               : (struct instant){at.nanoseconds + span.nanoseconds};
}

/* The distance from `from` to `to`, or zero where `to` is earlier. */
static inline struct span instant_since(struct instant to, struct instant from)
{
    return (struct span){to.nanoseconds > from.nanoseconds ? to.nanoseconds - from.nanoseconds
                                                           : 0};
}

static inline bool instant_reached(struct instant now, struct instant deadline)
{
    return deadline.nanoseconds != UINT64_MAX && now.nanoseconds >= deadline.nanoseconds;
}

static inline bool instant_is_never(struct instant at)
{
    return at.nanoseconds == UINT64_MAX;
}

static inline struct instant instant_earlier(struct instant a, struct instant b)
{
    return a.nanoseconds < b.nanoseconds ? a : b;
}

static inline struct instant instant_later(struct instant a, struct instant b)
{
    return a.nanoseconds > b.nanoseconds ? a : b;
}
