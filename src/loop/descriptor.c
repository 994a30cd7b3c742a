#include "loop/descriptor.h"

#include "base/error.h"

#include <uv.h>

struct descriptor {
    uv_poll_t uv;
    int fd;
    int owned_fd; /* -1: fd is borrowed */
    void (*told)(void *user, int fd);
    void *user;
};

/* A failed poll is a notice too: read(2) says what is wrong. libuv has stopped the watch then.
 */
static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct descriptor *descriptor = handle->data;
    descriptor->told(descriptor->user, descriptor->fd);
}

static int watch(struct loop *loop, int fd, int events, void (*told)(void *user, int fd),
                 void *user, struct descriptor **ret_descriptor)
{
    _cleanup_free_ struct descriptor *descriptor = calloc(1, sizeof(*descriptor));
    if (!descriptor)
        return -ENOMEM;
    descriptor->fd = fd;
    descriptor->owned_fd = -1;
    descriptor->told = told;
    descriptor->user = user;
    int r = uv_poll_init(loop_handle(loop), &descriptor->uv, fd);
    if (r < 0)
        return r; /* the handle is not in the loop yet (uv/src/unix/poll.c) */
    descriptor->uv.data = descriptor;
    r = uv_poll_start(&descriptor->uv, events, on_poll);
    assert(r == 0);
    *ret_descriptor = take_ptr(descriptor);
    return 0;
}

int descriptor_watch(struct loop *loop, int fd, void (*readable)(void *user, int fd),
                     void *user, struct descriptor **ret_descriptor)
{
    return watch(loop, fd, UV_READABLE, readable, user, ret_descriptor);
}

int descriptor_watch_writable(struct loop *loop, int fd, void (*writable)(void *user, int fd),
                              void *user, struct descriptor **ret_descriptor)
{
    return watch(loop, fd, UV_WRITABLE, writable, user, ret_descriptor);
}

int descriptor_watch_take(struct loop *loop, int fd, void (*readable)(void *user, int fd),
                          void *user, struct descriptor **ret_descriptor)
{
    int r = descriptor_watch(loop, fd, readable, user, ret_descriptor);
    if (r == 0)
        (*ret_descriptor)->owned_fd = fd;
    return r;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void descriptor_unwatch(struct descriptor *descriptor)
{
    if (!descriptor)
        return;
    /* uv_close() takes it out of epoll before it returns, so it may be closed now. */
    uv_close((uv_handle_t *)&descriptor->uv, on_closed);
    descriptor->owned_fd = close_fd(descriptor->owned_fd);
}
