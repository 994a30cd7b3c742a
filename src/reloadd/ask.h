/* One question of a probe: a connection of its own, made, used and given up, within a time and
 * a number of bytes that are bounded. What is asked is an HTTP request; or nothing, and then it
 * is answered when the program accepts, which is more than that the kernel completes the
 * handshake in its place (os/accepted.h).
 */
#pragma once

#include "base/mono.h"
#include "loop/loop.h"
#include "os/steering_probe.h"

struct ask;

struct ask_question {
    const struct steering_probe_ends *ends; /* borrowed until ask_free() */
    const char *request;                    /* HTTP, whole; NULL: none. Copied */
    struct span patience;
};

/* error: 0, or errno as probe_describe() takes it. status: of the HTTP answer, where there is
 * one. */
struct ask_answer {
    int error;
    int status;
};

/* Connects, and tells the answer, once, never from within this call; ask_free() may be called
 * from there. Does not block. Returns 0, -ENOMEM, or -errno of timerfd_create(2) or of the
 * loop. */
MUST_CHECK int ask_start(struct loop *loop, const struct ask_question *question,
                         void (*answered)(void *user, const struct ask_answer *answer),
                         void *user, struct ask **ret_ask);

/* Ends it, with nothing told any more. The socket stays open: it is the caller's. NULL is
 * ignored. */
void ask_free(struct ask *ask);
