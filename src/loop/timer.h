/* A deadline. One timer has one deadline at a time; it never fires early. */
#pragma once

#include "loop/loop.h"

struct timer;

/* Makes a disarmed timer; `expired` is called once for each deadline that passes. Returns 0,
 * -ENOMEM, or the -errno of timerfd_create(2). */
MUST_CHECK int timer_new(struct loop *loop, void (*expired)(void *user), void *user,
                         struct timer **ret_timer);

/* Replaces the deadline. One that has passed fires in the loop's next turn, not in this call;
 * INSTANT_NEVER disarms. */
void timer_set(struct timer *timer, struct instant deadline);

/* NULL is ignored. */
void timer_free(struct timer *timer);
