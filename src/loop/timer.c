#include "loop/timer.h"

#include "base/error.h"

#include <sys/timerfd.h>
#include <uv.h>

/* A timerfd, and not a uv_timer_t: that one counts whole milliseconds from a time it read when
 * it woke up, so it is early by up to one; and one that is set to a passed deadline in its own
 * callback fires again before anything else gets its turn (uv__run_timers in uv/src/timer.c).
 */
struct timer {
    uv_poll_t uv;
    int fd;
    void (*expired)(void *user);
    void *user;
};

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct timer *timer = handle->data;
    uint64_t expirations;
    if (read(timer->fd, &expirations, sizeof(expirations)) != sizeof(expirations))
        return;                 /* set anew since epoll told */
    (void)uv_poll_stop(handle); /* disarmed: it does not keep loop_run() waiting */
    timer->expired(timer->user);
}

int timer_new(struct loop *loop, void (*expired)(void *user), void *user,
              struct timer **ret_timer)
{
    _cleanup_free_ struct timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return -ENOMEM;
    _cleanup_fd_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return error_from_errno();
    int r = uv_poll_init(loop_handle(loop), &timer->uv, fd);
    if (r < 0)
        return r;
    timer->uv.data = timer;
    timer->fd = take_fd(fd);
    timer->expired = expired;
    timer->user = user;
    *ret_timer = take_ptr(timer);
    return 0;
}

void timer_set(struct timer *timer, struct instant deadline)
{
    struct itimerspec spec = {0}; /* disarms */
    int r = uv_poll_stop(&timer->uv);
    assert(r == 0);
    if (!instant_is_never(deadline)) {
        /* Zero would disarm as well; the first nanosecond has passed just as long ago. */
        uint64_t nanoseconds = deadline.nanoseconds ? deadline.nanoseconds : 1;
        spec.it_value.tv_sec = (time_t)(nanoseconds / 1000000000u);
        spec.it_value.tv_nsec = (long)(nanoseconds % 1000000000u);
        r = uv_poll_start(&timer->uv, UV_READABLE, on_poll);
        assert(r == 0);
    }
    r = timerfd_settime(timer->fd, TFD_TIMER_ABSTIME, &spec, NULL);
    assert(r == 0); /* fails on bad arguments alone (timerfd_settime(2)) */
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void timer_free(struct timer *timer)
{
    if (!timer)
        return;
    uv_close((uv_handle_t *)&timer->uv, on_closed);
    timer->fd = close_fd(timer->fd);
}
