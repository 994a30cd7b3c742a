/* What a revision runs, pinned whole: the configuration with every default filled in, and what
 * the outside looked like when it was accepted (real paths, environment). It is written into
 * the journal with its revision, so that a respawn next week runs what was accepted today.
 *
 * All strings and vectors are owned by the spec. Vectors are NULL-ended. A zeroed spec is
 * empty.
 */
#pragma once

#include "base/own.h"
#include "core/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum listener_type {
    LISTENER_TCP,
    LISTENER_UNIX,
    LISTENER_TYPE_N,
};

struct listener_spec {
    char *name;       /* never empty; unique in its spec; fit for LISTEN_FDNAMES */
    char *address;    /* canonical: "127.0.0.1:8080", "[::1]:8080", "/run/x.sock"; unique too */
    char *configured; /* the address that `listen` has, where the socket unit has another;
                         "": `listen` lacks it; NULL: both say the same, or there is no unit */
    enum listener_type type;
    char *host;    /* TCP: numeric, without brackets; never NULL there */
    uint16_t port; /* TCP */
    mode_t mode;   /* UNIX: of the socket file */
    char *owner;   /* UNIX: user name or number; NULL: the primary's */
    char *group;   /* UNIX */
    int backlog;
    bool polite_off; /* its connections are never told to close (drain_polite_off) */
};

/* The ways to tell a program of its inherited sockets; a set of bits. */
enum dialect {
    DIALECT_LISTEN_FDS = 1 << 0,     /* default */
    DIALECT_SERVER_STARTER = 1 << 1, /* default */
    DIALECT_EINHORN = 1 << 2,        /* default */
    DIALECT_NGINX = 1 << 3,
    DIALECT_PHP_FPM = 1 << 4,
    DIALECT_UNICORN = 1 << 5,
    DIALECT_PUMA = 1 << 6,
    DIALECT_STDIN = 1 << 7, /* the first listener as descriptor 0: FastCGI */
};

/* Who gets the next connection. */
enum dispatch {
    DISPATCH_AUTO,   /* steered where it can be: a lane for each worker */
    DISPATCH_SHARED, /* one accept queue for all */
    DISPATCH_N,
};

/* How a worker gets its sockets. */
enum delivery {
    DELIVERY_INHERIT, /* as open descriptors, told of by dialects; what old journals mean */
    DELIVERY_AUTO,    /* both ways at once */
    DELIVERY_CAPTURE, /* its bind(2) and listen(2) are answered with them (os/capture.h) */
    DELIVERY_N,
};

enum workers_type {
    WORKERS_COUNT,
    WORKERS_MAX_OF_PROCESSORS,      /* "max" */
    WORKERS_MAX_OF_PROCESSORS_BUT_1 /* "max-1" */
};

/* What a worker with all its descendants may use. 0: no limit of ours. */
struct limits {
    uint64_t memory_max;  /* bytes; of the cgroup */
    uint64_t memory_high; /* bytes; of the cgroup */
    uint32_t cpu_weight;  /* 1 … 10000; of the cgroup */
    uint32_t cpu_percent; /* of one processor; of the cgroup */
    uint32_t tasks_max;   /* of the cgroup */
    char **rlimits;       /* as spawn_request.limits: "nofile=1024:4096"; NULL: none */
};

/* What is waited for before a worker gets its drain signal. */
enum drain_wait {
    DRAIN_WAIT_AUTO,  /* by what the signal does to the program */
    DRAIN_WAIT_QUEUE, /* its accept queue is empty, and what came has been read */
    DRAIN_WAIT_QUIET, /* and no request is in flight */
    DRAIN_WAIT_N,
};

/* Of a spec that does not say: it was written down before there was the key. */
#define DRAIN_IDLE_DEFAULT span_from_ms(5000)

/* How a worker is asked, where the policy's readiness is HTTP or TCP. */
struct probe_spec {
    char *path;     /* HTTP: of the request; NULL: "/" */
    char *expect;   /* HTTP: as wire/expect.h has it; NULL: "2xx" */
    char *host;     /* HTTP: the Host header; NULL: the address that is asked */
    char *listener; /* its name; NULL: the first TCP listener */
    struct span interval;
    struct span timeout; /* of one answer */
    uint32_t failures;   /* in a row that are too many; at least 1 where a probe is made */
    bool liveness;       /* asked on when it is admitted */
};

struct spec {
    struct listener_spec *listeners;
    size_t listener_n;
    char **left_out; /* listeners of `listen` that no socket unit holds: "ADDRESS (NAME)";
                        NULL: none */
    char **exec;     /* argv, with {fd:NAME} not yet replaced */
    char *working_directory;
    char **environment; /* of the configuration: "NAME=value" */
    char *environment_file;
    char *user;
    char *group;
    enum workers_type workers_type;
    uint32_t dialects; /* of enum dialect */
    enum dispatch dispatch;
    enum delivery delivery;
    bool discovers; /* `listen` says nothing: what a worker binds becomes a listener */
    int drain_signal;
    bool drain_detach; /* taken off its accept queue before the signal */
    enum drain_wait drain_wait;
    bool drain_polite_off;  /* clients of a worker that drains are not told (os/polite.h) */
    struct span drain_idle; /* a connection that was idle for so long is no reason to wait */
    char **check;
    struct limits limits;
    bool harden; /* the unit, and so the workers, may do less (docs/SYSTEMD.md) */
    struct probe_spec probe;
    struct policy policy; /* policy.workers is resolved when pinned */

    /* Pinned; NULL before. */
    char *release;             /* the user's label; may stay NULL */
    char *pinned_executable;   /* real path of exec[0] */
    char *pinned_directory;    /* real path of working_directory */
    char **pinned_environment; /* all that the worker gets, but for what is each worker's own */
};

/* The listener that workers are asked over, or NULL where there is none such. Borrowed. */
const struct listener_spec *spec_probed_listener(const struct spec *spec);

/* Of an HTTP probe, with its default. Borrowed. */
const char *spec_probe_path(const struct spec *spec);
const char *spec_probe_expect(const struct spec *spec);

void spec_release(struct spec *spec);

/* Releases the strings of one listener. */
void listener_spec_release(struct listener_spec *listener);

/* The spec as one JSON object's text, with no defaults left out; *ret_text is the caller's.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int spec_encode(const struct spec *spec, char **ret_text);

/* The inverse. Returns 0, -ENOMEM, or 1 where the text is no spec. */
MUST_CHECK int spec_decode(const char *text, size_t size, struct spec *ret_spec);
