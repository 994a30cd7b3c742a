/* The event loop: one thread, one loop, everything the primary waits for.
 *
 * This room is the only home of libuv. Each file adapts one kind of notice (a timer, a
 * descriptor, a signal, a worker's output, a client) to a plain callback; no header shows a
 * type of libuv. An adapter includes this header and no other one of the room.
 *
 * Two promises hold for all adapters. A callback comes from within loop_run() alone, never from
 * within a verb, so a caller is never entered again behind its back. And after an adapter's
 * _free its callbacks don't come any more, though its memory lives until libuv has let go of
 * it; so an adapter may be freed within its own callback.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

struct loop;

/* Returns 0, -ENOMEM, or the -errno of epoll_create1(2) or pipe2(2). */
MUST_CHECK int loop_new(struct loop **ret_loop);

/* Handles notices until loop_stop() was called. Returns 0 then; 1 where nothing is left that
 * could ever bring a notice. */
MUST_CHECK int loop_run(struct loop *loop);

/* Makes loop_run() return after the notices at hand; before loop_run(): the next one, at once.
 */
void loop_stop(struct loop *loop);

/* Runs what the adapters freed before have left to close, then frees the loop. An adapter that
 * is still there is a bug of the caller's, and asserts. NULL is ignored. */
void loop_free(struct loop *loop);

/* CLOCK_MONOTONIC now; read afresh, not when the loop woke up. */
struct instant loop_now(const struct loop *loop);

/* libuv's loop, for the adapters in this room; untyped, to keep uv.h out of headers. */
void *loop_handle(struct loop *loop);
