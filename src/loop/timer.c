#include "loop/timer.h"

#include "base/error.h"

#include <uv.h>

struct timer {
    uv_timer_t uv;
    struct loop *loop;
    struct instant deadline;
    void (*expired)(void *user);
    void *user;
};

int timer_new(struct loop *loop, void (*expired)(void *user), void *user,
              struct timer **ret_timer)
{
    struct timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return -ENOMEM;
    *timer = (struct timer){
        .loop = loop, .deadline = INSTANT_NEVER, .expired = expired, .user = user};
    int r = uv_timer_init(loop_handle(loop), &timer->uv);
    assert(r == 0); /* it has no way to fail (uv/src/timer.c) */
    timer->uv.data = timer;
    *ret_timer = timer;
    return 0;
}

static void timer_start(struct timer *timer);

/* libuv counts whole milliseconds from a time it read when it woke up, so it may be early by
 * nearly one: the clock decides, and the rest is waited for. */
static void on_timer(uv_timer_t *handle)
{
    struct timer *timer = handle->data;
    if (!instant_reached(loop_now(timer->loop), timer->deadline)) {
        timer_start(timer);
        return;
    }
    timer->deadline = INSTANT_NEVER;
    timer->expired(timer->user);
}

static void timer_start(struct timer *timer)
{
    struct span rest = instant_since(timer->deadline, loop_now(timer->loop));
    uint64_t milliseconds = rest.nanoseconds / 1000000u + (rest.nanoseconds % 1000000u > 0);
    int r = uv_timer_start(&timer->uv, on_timer, milliseconds, 0);
    assert(r == 0); /* fails on a closing handle alone */
}

void timer_set(struct timer *timer, struct instant deadline)
{
    timer->deadline = deadline;
    if (instant_is_never(deadline))
        (void)uv_timer_stop(&timer->uv);
    else
        timer_start(timer);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void timer_free(struct timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, on_closed);
}
