/* The server's side of a control socket: many clients, each with NUL-ended messages in both
 * directions (Varlink's framing), none of them trusted.
 *
 * A client has one call at a time. Its message is handed to the program; until the program says
 * control_done(), the client's next messages wait in the kernel's buffer, unread. So calls on
 * one connection are answered in their order, and a client that asks faster than it listens
 * blocks itself alone.
 *
 * What a bad client can cost is bounded (struct control_limits) and it is cut off beyond: for a
 * message without an end; for answers it does not read; for sitting there without a call. The
 * places are few, so when they are taken the one that has been idle longest is cut off, and no
 * uid can take all of them: an administrator always gets in.
 */
#pragma once

#include "loop/loop.h"

#include <sys/types.h>

struct control;
struct control_client;

struct control_handlers {
    /* Whether this uid may talk to us: asked before a byte of the client is read. */
    bool (*allow)(void *user, uid_t uid);

    /* A call: `size` bytes of `text`, without their NUL, though one follows; valid for the call
     * alone. Finished by control_done(), now or at any time later. */
    void (*message)(void *user, struct control_client *client, const char *text, size_t size);

    /* All that was sent has left, and the call goes on: more may be sent. May be NULL. */
    void (*drained)(void *user, struct control_client *client);

    /* The client is gone: it hung up or was cut off. Called once for every client that was
     * allowed in, also for those that never said a word; its handle is not valid after it. */
    void (*closed)(void *user, struct control_client *client);

    /* What one who is not allowed, or finds no place, is told before he is shown out. NULL:
     * nothing. Borrowed as long as the control lives. */
    const char *denied;
    const char *crowded;
};

struct control_limits {
    size_t clients;        /* at once; at most CONTROL_CLIENTS_MAX */
    size_t clients_of_uid; /* of these, by one uid */
    size_t message_size;   /* bytes of a client's message, without the NUL */
    size_t queued_size;    /* bytes that a client has not read, when more is to be sent */
    struct span idle;      /* without a call, and without a byte read or written */
};

enum { CONTROL_CLIENTS_MAX = 1024 };

/* 128 clients, 96 of one uid, 64 KiB, 1 MiB, 10 s. */
struct control_limits control_limits_default(void);

/* Serves the listening unix stream socket `fd`, which is borrowed until control_free() and made
 * non-blocking. `handlers` and `limits` are copied. Returns 0, -ENOMEM, or -EEXIST where `fd`
 * is watched already. */
MUST_CHECK int control_new(struct loop *loop, int fd, const struct control_handlers *handlers,
                           const struct control_limits *limits, void *user,
                           struct control **ret_control);

/* Cuts every client off, `closed` is called for each before it returns, then stops listening.
 * NULL is ignored. */
void control_free(struct control *control);

/* Queues `size` bytes of `text` and a NUL for the client. Never blocks, and never calls back: a
 * client that can't be served (it has too much unread, or memory is out) is cut off, and
 * `closed` tells so from the loop. One message of any size is sent to a client that keeps up.
 */
void control_send(struct control_client *client, const char *text, size_t size);

/* Bytes that the client was sent and has not taken yet. */
size_t control_queued(const struct control_client *client);

/* The reply is complete: the client's next message may come. Asserts that a call was open,
 * unless the client is on its way out. */
void control_done(struct control_client *client);

/* Sends what is queued, reads nothing more, and closes. */
void control_close_after_send(struct control_client *client);

/* The program's own pointer for this client; NULL until set. */
void control_client_set_user(struct control_client *client, void *user);
void *control_client_user(const struct control_client *client);

/* Who it is, as of its connect(2) (SO_PEERCRED, unix(7)). */
uid_t control_client_uid(const struct control_client *client);
pid_t control_client_pid(const struct control_client *client);
