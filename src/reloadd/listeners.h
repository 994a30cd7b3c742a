/* The listening sockets of the app: opened once, or taken over from the service manager, and
 * kept until no revision in use has them any more. A listener is known by the address that the
 * configuration gives it; what a later configuration still has keeps its socket, and so its
 * accept queue.
 */
#pragma once

#include "os/listener.h"
#include "wire/spec.h"

struct listener {
    char *address; /* as configured: the key */
    char *bound;   /* as it is really bound */
    char *name;    /* of the newest configuration that has it */
    int fd;
    bool inherited;
    uint16_t port; /* as it is really bound; 0: a unix socket */
    struct listener_identity identity;
};

/* A socket that the service manager handed over. */
struct inherited {
    int fd;
    char *name;
    struct listener_description description;
    bool taken;
};

struct listeners {
    struct listener *items;
    size_t n;
    struct inherited *inherited;
    size_t inherited_n;
};

enum { LISTENERS_ERROR_SIZE = 512 };

/* Takes over what sd_listen_fds(3) tells of, close-on-exec from now on, and clears its
 * variables. Returns 0, 1 where a descriptor is no listening stream socket (said in `error`),
 * or -errno. */
MUST_CHECK int listeners_inherit(struct listeners *listeners,
                                 char error[static LISTENERS_ERROR_SIZE]);

/* Where the configuration has no listener at all, it has those that were handed over. Returns 0
 * or -ENOMEM. */
MUST_CHECK int listeners_complete(const struct listeners *listeners, struct spec *spec);

/* Has every listener of `spec` open; those that are stay untouched. All or nothing. Returns 0;
 * 1 with a sentence in `error` and nothing opened; -ENOMEM. */
MUST_CHECK int listeners_open(struct listeners *listeners, const struct spec *spec,
                              char error[static LISTENERS_ERROR_SIZE]);

/* NULL: there is none. Borrowed. */
const struct listener *listeners_find(const struct listeners *listeners, const char *address);

/* Closes those that `wanted` does not want; what was handed over is kept aside, for it could
 * not be had a second time. A unix socket's file goes with it, unless it was handed over. */
void listeners_close_unwanted(struct listeners *listeners,
                              bool (*wanted)(void *user, const struct listener *listener),
                              void *user);

/* Closes everything. */
void listeners_release(struct listeners *listeners);
