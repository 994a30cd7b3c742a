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

    uint64_t revision; /* ACCEPT (the last one's successor), RELOAD, BOOT: what to roll
                          out; 0: the stable one again */
    const struct policy *policy; /* ACCEPT; borrowed for the step */
    enum conflict conflict;      /* RELOAD */
    uint32_t workers;            /* SCALE: 1 … SLOT_MAX */

    uint64_t worker;     /* all worker events; an unknown one is a late notice and is dropped */
    int32_t pid;         /* SPAWNED */
    uint64_t start_time; /* SPAWNED: field 22 of /proc/PID/stat, clock ticks since boot */
    struct span span;    /* EXTEND, WATCHDOG_SET */
    struct reason exit;  /* EXITED, SPAWN_FAILED: cause and code alone */
};

const char *event_name(enum event_kind kind);
const char *conflict_name(enum conflict conflict);
