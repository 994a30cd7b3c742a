/* The listening sockets of the app: opened once, or taken over from the service manager, and
 * kept until no revision in use has them any more. A listener is known by the address that its
 * specs give it; what a later configuration still has keeps its socket, and so its accept
 * queue.
 *
 * Where systemd's socket units hold the sockets, theirs is the truth, and a spec is first made
 * to say so (listeners_complete()). What the primary has opened itself is kept in the fd store,
 * for the next primary: its address could not be bound a second time while workers have it.
 */
#pragma once

#include "os/listener.h"
#include "reloadd/fd_store.h"
#include "reloadd/lane_group.h"
#include "wire/spec.h"

enum { LISTENER_REVISIONS = 4 };

struct listener {
    char *address; /* of its specs: the key. Discovered by port 0: "127.0.0.1:0#ORDINAL" */
    char *bound;   /* as it is really bound */
    char *name;    /* of the newest configuration that has it */
    char *differs; /* how `listen` and the socket unit differ, a sentence; NULL: they do not */
    int fd;
    bool inherited;
    uint16_t port; /* as it is really bound; 0: a unix socket */
    struct listener_identity identity;
    struct lane_group lanes;
    char *stored;     /* its name in the store; NULL: it is not there, or a socket unit's */
    bool discovered;  /* of no configuration: a worker has bound it (capturing.h) */
    unsigned ordinal; /* discovered by port 0: which one at its host, from 1; 0: its own port */
    bool kept;        /* its file has a second link (socket_files.h) */
    /* Those whose workers have bound it, the youngest first; 0: none more. */
    uint64_t revisions[LISTENER_REVISIONS];
};

/* A socket that the service manager handed over. */
struct inherited {
    int fd;
    char *name;
    struct listener_description description;
    bool taken;
    bool opened;     /* by an earlier primary, and kept in the store: of no socket unit */
    bool discovered; /* the same, and as that; with its ordinal */
    unsigned ordinal;
};

struct listeners {
    struct listener *items;
    size_t n;
    struct inherited *inherited;
    size_t inherited_n;
    struct fd_store *store; /* keeps what this primary opens; NULL: nobody does */
};

enum { LISTENERS_ERROR_SIZE = 512 };

/* Takes over the listening sockets among what the service manager handed over; the rest stays
 * in the store, which is borrowed for as long as the listeners live. Returns 0, 1 where a
 * descriptor is no listening stream socket (said in `error`), or -errno. */
MUST_CHECK int listeners_inherit(struct listeners *listeners, struct fd_store *store,
                                 char error[static LISTENERS_ERROR_SIZE]);

/* Whether socket units hold sockets for this app: theirs is the truth then. */
bool listeners_are_of_units(const struct listeners *listeners);

/* Where socket units handed sockets over, what they hold is what the app listens on, whatever
 * `listen` says: a drop-in may have changed them. A socket belongs to the listener of its
 * address, or else to the one of its name, or else to the only one left where it is the only
 * one left, too. The listener's address becomes the socket's, with the former in `configured`;
 * one without a socket goes from `listeners` to `left_out`; a socket that none claims is added.
 * Names stay those of the configuration; nothing is discovered. A spec that was completed
 * before comes out the same. Returns 0; 1 where `exec` names a listener that is left out (said
 * in `error`); -ENOMEM. */
MUST_CHECK int listeners_complete(const struct listeners *listeners, struct spec *spec,
                                  char error[static LISTENERS_ERROR_SIZE]);

/* Whether the completed `spec` leaves out a listener that `running` does not leave out: a
 * reload that wants a new one can't have it of systemd. Returns 0, or 1 with what to do in
 * `error`. */
MUST_CHECK int listeners_refuse_new(const struct spec *spec, const struct spec *running,
                                    char error[static LISTENERS_ERROR_SIZE]);

/* What the completed spec leaves out, as a sentence for status and the log. Returns false, and
 * writes nothing, where it leaves out nothing. */
bool listeners_warn(const struct spec *spec, char warning[static LISTENERS_ERROR_SIZE]);

/* The sentence for struct listener's `differs`, the caller's, or NULL. Returns 0 or -ENOMEM. */
MUST_CHECK int listener_differs(const struct listener_spec *wanted, char **ret_differs);

/* What a listener that the primary has opened, or discovered, is called in the store. */
void listeners_store_name(const struct listener *listener, char name[static FD_NAME_SIZE]);

/* Puts a socket into the table; owns `fd` on success. Returns 0 or -errno. */
MUST_CHECK int listeners_add_take(struct listeners *listeners,
                                  const struct listener_spec *wanted, int fd, bool inherited);

/* Has the next primary get what this one has opened. Returns 0 or -ENOMEM. */
MUST_CHECK int listeners_keep(const struct listeners *listeners, struct listener *listener);

/* Opens what a worker binds and the table lacks; `address` is canonical (os/listener.h), of a
 * unix socket absolute, or abstract. Its file gets `mode`. *ret_listener is borrowed. Returns
 * 0; -errno, as bind(2) would have it. */
MUST_CHECK int listeners_discover(struct listeners *listeners, const char *address, bool v6only,
                                  mode_t mode, const struct listener **ret_listener);

/* The same for the `ordinal`th that is bound with port 0 at a host: opened where `fd` is -1,
 * else that very socket, which is owned in any case. */
MUST_CHECK int listeners_discover_port_consume(struct listeners *listeners, const char *address,
                                               bool v6only, unsigned ordinal, int fd,
                                               const struct listener **ret_listener);

/* Takes over what an earlier primary had discovered, as far as no revision in use has opened
 * it; those of `revisions`, LISTENER_REVISIONS at most, are taken to have bound it. Returns 0
 * or -ENOMEM. */
MUST_CHECK int listeners_rediscover(struct listeners *listeners, const uint64_t *revisions);

/* Whether workers of this revision have bound it, and its configuration lacks it. */
bool listeners_was_bound_by(const struct listener *listener, uint64_t revision);

/* A worker of this revision has bound it. */
void listeners_note_bound(struct listeners *listeners, const struct listener *listener,
                          uint64_t revision);

/* Has every listener of `spec` open; those that are stay untouched. All or nothing. Returns 0;
 * 1 with a sentence in `error` and nothing opened; -ENOMEM. */
MUST_CHECK int listeners_open(struct listeners *listeners, const struct spec *spec,
                              char error[static LISTENERS_ERROR_SIZE]);

/* Whether its programs need nonblocking listeners: os/listener.h says why, and why only these.
 */
bool listeners_must_not_block(const struct spec *spec);

/* NULL: there is none. Borrowed. */
const struct listener *listeners_find(const struct listeners *listeners, const char *address);

/* As listeners_find(), to change its lanes. */
struct listener *listeners_find_mutable(struct listeners *listeners, const char *address);

/* Closes those that `wanted` does not want; what was handed over is kept aside, for it could
 * not be had a second time. A unix socket's file goes with it, unless it was handed over. */
void listeners_close_unwanted(struct listeners *listeners,
                              bool (*wanted)(void *user, const struct listener *listener),
                              void *user);

/* Closes everything for good: files of unix sockets go, and the store's copies. */
void listeners_release(struct listeners *listeners);

/* Closes this process's descriptors, and leaves files and the store as they are: for a primary
 * whose workers go on without it, until the next one comes. */
void listeners_leave(struct listeners *listeners);
