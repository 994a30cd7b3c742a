/* The closed alphabet of what can happen to an app. The shell turns every notice from the
 * outside (a timer, a pidfd, a datagram, a client) into one of these and hands it to
 * rollout_step().
 *
 * Time and chance come in the event: the core reads no clock and draws no lot.
 */
#pragma once

#include "core/policy.h"
#include "core/reason.h"

enum event_kind {
    EVENT_BOOT,         /* a primary begins, with no worker of an earlier one */
    EVENT_VANISHED,     /* a primary begins, and this worker of the earlier one has ended, or
                           never began; before ADOPT */
    EVENT_FOUND,        /* a primary begins, and finds a worker that its journal lacks; before
                           ADOPT, the oldest revision first: an app whose journal is lost goes
                           on with that. One that does not fit (its slot too high, no policy for
                           its revision) is not taken: rollout_worker() then finds nothing */
    EVENT_ADOPT,        /* a primary begins, and the workers of the earlier one live on */
    EVENT_ACCEPT,       /* a configuration was read, checked and pinned as a new revision; with
                           REVISION_MAX of them in use it is not taken, and its RELOAD or BOOT
                           ends as refused */
    EVENT_RELOAD,       /* roll the accepted revision out */
    EVENT_SCALE,        /* run this many workers from now on */
    EVENT_STOP,         /* drain everything and leave */
    EVENT_HURRY,        /* stop draining, kill */
    EVENT_JOURNAL_LOST, /* records could not be made durable: a rollout must not go on */
    EVENT_TICK,         /* some deadline may have passed */
    EVENT_SPAWNED,      /* answer to EFFECT_SPAWN */
    EVENT_SPAWN_FAILED, /* answer to EFFECT_SPAWN, or the exec-status pipe spoke */
    EVENT_READY,        /* the worker said or showed that it can serve */
    EVENT_EXTEND,       /* EXTEND_TIMEOUT_USEC= */
    EVENT_PING,         /* WATCHDOG=1 */
    EVENT_WATCHDOG_SET, /* WATCHDOG_USEC= */
    EVENT_TRIGGER,      /* WATCHDOG=trigger */
    EVENT_ASKED,        /* it was sent its drain signal */
    EVENT_OVERWEIGHT,   /* it uses more memory than policy.recycle_memory */
    EVENT_UNHEALTHY,    /* its probe failed too often in a row */
    EVENT_HEALTHY,      /* and is answered well again */
    EVENT_EXITED,       /* the worker's process has ended */
    EVENT_N,
};

/* What a reload does to one that is under way. */
enum conflict {
    CONFLICT_SUPERSEDE,
    CONFLICT_QUEUE,
    CONFLICT_REFUSE,
    CONFLICT_N,
};

struct event {
    enum event_kind kind;
    struct instant at;
    uint32_t noise; /* uniform over its range */

    uint64_t revision; /* ACCEPT (the last one's successor), RELOAD, FOUND; BOOT: what to roll
                          out, 0: the stable one again; ADOPT: what was accepted and never
                          begun, to be rolled out now, 0: nothing */
    const struct policy *policy; /* ACCEPT; FOUND, of a revision that is lacking, too;
                                    borrowed for the step */
    enum conflict conflict;      /* RELOAD */
    bool without_stable; /* BOOT: what the stable revision listened on is not to be had any more
                          */
    uint32_t workers;    /* SCALE: 1 … SLOT_MAX */

    uint64_t worker; /* all worker events; an unknown one is a late notice and is dropped */
    uint32_t slot;   /* FOUND */
    int32_t pid;     /* SPAWNED, FOUND */
    uint64_t
        start_time;     /* SPAWNED, FOUND: field 22 of /proc/PID/stat, clock ticks since boot */
    struct span span;   /* EXTEND, WATCHDOG_SET */
    struct reason exit; /* EXITED, VANISHED, SPAWN_FAILED, JOURNAL_LOST, UNHEALTHY (or
                            UNANSWERED): cause and code alone */
};

const char *event_name(enum event_kind kind);
const char *conflict_name(enum conflict conflict);
