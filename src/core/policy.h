/* What a revision demands of its own rollout: the numbers of the configuration, and nothing of
 * how they are written down. Pinned with the revision, so that a worker is started, judged and
 * drained by the rules it was accepted under.
 */
#pragma once

#include "base/mono.h"

enum {
    SLOT_MAX = 1024,   /* workers an app may ask for */
    WORKER_MAX = 4096, /* workers alive at once, draining ones of earlier rollouts included */
    REVISION_MAX =
        128,        /* revisions with a worker, a slot or a wish; older ones are forgotten */
    QUEUE_MAX = 16, /* reloads that wait for their turn */
};

enum readiness {
    READINESS_AUTO,   /* READY=1, or seen to accept */
    READINESS_NOTIFY, /* READY=1 alone */
    READINESS_DELAY,  /* alive after readiness_delay */
    READINESS_HTTP,   /* its directed probe was answered well; the shell asks and tells */
    READINESS_TCP,    /* the same, of a connection alone */
    READINESS_N,
};

/* A count, or a percentage of the desired workers. */
struct share {
    uint32_t value;
    bool percent;
};

struct policy {
    uint32_t workers; /* 1 … SLOT_MAX */
    enum readiness readiness;
    struct span readiness_timeout;
    struct span readiness_delay;
    struct span watchdog; /* 0: the worker need not send WATCHDOG=1 */
    struct span min_ready;
    struct span drain_timeout;
    struct span progress_deadline;
    struct span restart_initial;
    struct span restart_max;
    struct span restart_reset;
    struct span
        recycle_age; /* a worker is replaced at this age, a little before it; 0: never */
    uint64_t recycle_memory; /* and when it uses more bytes than this; 0: never. The shell
                                measures */
    struct share max_surge;
    struct share max_unavailable;
    uint32_t max_failures; /* failed workers that a rollout bears before it reverts */
    bool auto_rollback;
};

/* How many workers beyond, and how many fewer than desired a rollout may have. Rounded as
 * Kubernetes does: surge up, unavailable down; where both come to nothing, one may be
 * unavailable, or no rollout could ever move (ResolveFenceposts in
 * kubernetes/pkg/controller/deployment/util).
 */
uint32_t policy_surge(const struct policy *policy, uint32_t desired);
uint32_t policy_unavailable(const struct policy *policy, uint32_t desired);

/* How long a slot waits before it is filled again after its `failures`th failure in a row: not
 * at all the first time, then restart_initial, doubled each time, up to restart_max; spread by
 * a quarter to either side by `noise`, which is uniform over its range. */
struct span policy_restart_delay(const struct policy *policy, uint32_t failures,
                                 uint32_t noise);

/* Whether workers are asked by a directed probe. */
bool readiness_probes(enum readiness readiness);

const char *readiness_name(enum readiness readiness);
