/* One connection to a primary: NUL-ended messages there and back, by a deadline.
 *
 * It knows nothing of what the messages say. Whoever is at the other end may be broken: a
 * message has a greatest size, and none is waited for longer than the caller wants.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stddef.h>

enum {
    CLIENT_CLOSED = 1,  /* the other end hung up, between two messages */
    CLIENT_CUT = 2,     /* … in the middle of one */
    CLIENT_TIMEOUT = 3, /* the deadline has come */
};

struct client {
    int fd;
    char *buffer;
    size_t capacity;
    size_t size;    /* bytes received */
    size_t scanned; /* … of them known to have no NUL after `taken` */
    size_t taken;   /* … of them the message that was handed out last, with its NUL */
};

/* `fd` is a connected stream socket; it is the client's. */
void client_init_take(struct client *client, int fd);

/* NULL and a released client are ignored. */
void client_release(struct client *client);

/* Sends the text and its NUL. Returns 0, CLIENT_CLOSED, CLIENT_TIMEOUT or -errno. */
MUST_CHECK int client_send(struct client *client, const char *text, struct instant deadline);

/* Waits for the next message. *ret_text is NUL-ended and borrowed until the next call. Returns
 * 0, CLIENT_CLOSED, CLIENT_CUT, CLIENT_TIMEOUT (call again to go on waiting), -EMSGSIZE where a
 * message has more than 64 MiB, -ENOMEM or -errno. */
MUST_CHECK int client_receive(struct client *client, struct instant deadline,
                              const char **ret_text, size_t *ret_size);
