#include "loop/lines.h"

#include "base/error.h"

#include <string.h>
#include <uv.h>

struct lines {
    uv_poll_t uv;
    int fd;
    struct lines_handlers handlers;
    void *user;
    size_t size;                   /* of the begun line, which has no newline in it */
    char begun[LINE_SIZE_MAX + 1]; /* one more: the newline of a longest line */
};

/* A callback may have freed it: the memory lives until libuv has let go, but nothing more may
 * be told. */
static bool lines_are_freed(const struct lines *lines)
{
    return uv_is_closing((const uv_handle_t *)&lines->uv);
}

static void hand_on(struct lines *lines, size_t from, size_t size, enum line_end end)
{
    lines->handlers.line(lines->user, lines->begun + from, size, end);
}

/* Hands on the whole lines after `size` more bytes have come, and a begun one that fills the
 * buffer; moves the rest to the front. */
static void split(struct lines *lines, size_t size)
{
    size_t searched = lines->size;
    size_t start = 0;
    lines->size += size;
    for (;;) {
        char *from = lines->begun + searched;
        char *newline = memchr(from, '\n', lines->size - searched);
        if (!newline)
            break;
        size_t end = (size_t)(newline - lines->begun);
        hand_on(lines, start, end - start, LINE_WHOLE);
        if (lines_are_freed(lines))
            return;
        start = searched = end + 1;
    }
    lines->size -= start;
    memmove(lines->begun, lines->begun + start, lines->size);
    if (lines->size > LINE_SIZE_MAX) {
        lines->size = 1;
        hand_on(lines, 0, LINE_SIZE_MAX, LINE_CUT);
        lines->begun[0] = lines->begun[LINE_SIZE_MAX];
    }
}

static void flush(struct lines *lines)
{
    size_t size = lines->size;
    lines->size = 0;
    if (size > 0)
        hand_on(lines, 0, size, LINE_WHOLE);
}

/* Reads once. Returns the bytes read; 0 at the end of the output, -EAGAIN when nothing is
 * there, or another -errno of read(2). */
static ssize_t read_once(struct lines *lines)
{
    ssize_t n = read(lines->fd, lines->begun + lines->size, sizeof(lines->begun) - lines->size);
    if (n < 0)
        return error_from_errno();
    if (n > 0)
        split(lines, (size_t)n);
    return n;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    (void)status; /* a failed poll is a failed read */
    (void)events;
    struct lines *lines = handle->data;
    ssize_t n = read_once(lines);
    if (n > 0 || n == -EAGAIN || n == -EINTR)
        return;
    (void)uv_poll_stop(handle);
    flush(lines);
    if (!lines_are_freed(lines) && lines->handlers.closed)
        lines->handlers.closed(lines->user);
}

int lines_new_take(struct loop *loop, int fd, const struct lines_handlers *handlers, void *user,
                   struct lines **ret_lines)
{
    _cleanup_free_ struct lines *lines = calloc(1, sizeof(*lines));
    if (!lines)
        return -ENOMEM;
    lines->fd = fd;
    lines->handlers = *handlers;
    lines->user = user;
    int r = uv_poll_init(loop_handle(loop), &lines->uv, fd);
    if (r < 0)
        return r;
    lines->uv.data = lines;
    r = uv_poll_start(&lines->uv, UV_READABLE, on_poll);
    assert(r == 0);
    *ret_lines = take_ptr(lines);
    return 0;
}

void lines_drain(struct lines *lines)
{
    size_t total = 0;
    while (total < LINES_DRAIN_MAX) {
        ssize_t n = read_once(lines);
        if (lines_are_freed(lines) || n <= 0)
            break;
        total += (size_t)n;
    }
    if (!lines_are_freed(lines))
        flush(lines);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void lines_free(struct lines *lines)
{
    if (!lines)
        return;
    uv_close((uv_handle_t *)&lines->uv, on_closed);
    lines->fd = close_fd(lines->fd);
}
