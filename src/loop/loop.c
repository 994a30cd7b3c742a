#include "loop/loop.h"

#include "base/error.h"

#include <time.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;
    bool stopped;
};

int loop_new(struct loop **ret_loop)
{
    _cleanup_free_ struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    int r = uv_loop_init(&loop->uv); /* libuv's errors are -errno on Linux */
    if (r < 0)
        return r;
    *ret_loop = take_ptr(loop);
    return 0;
}

int loop_run(struct loop *loop)
{
    if (!loop->stopped)
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    bool stopped = loop->stopped;
    loop->stopped = false;
    return stopped ? 0 : 1;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
    uv_stop(&loop->uv);
}

static void assert_closing(uv_handle_t *handle, void *user)
{
    (void)user;
    assert(uv_is_closing(handle));
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    uv_walk(&loop->uv, assert_closing, NULL);
    /* A pending uv_stop() ends one uv_run() early. */
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ;
    int r = uv_loop_close(&loop->uv);
    assert(r == 0);
    free(loop);
}

struct instant loop_now(const struct loop *loop)
{
    (void)loop;
    struct timespec now;
    int r = clock_gettime(CLOCK_MONOTONIC, &now);
    assert(r == 0);
    return (struct instant){(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec};
}

void *loop_handle(struct loop *loop)
{
    return &loop->uv;
}
