/* What rollout_step() answers: records, which must be durable, and effects, which may be seen.
 *
 * The shell makes all records of an update durable before it runs the first effect. A record is
 * also the only thing that changes the state: the step writes a record and applies it, replay
 * applies the same record again. So replay is the step's exact inverse by construction.
 */
#pragma once

#include "core/event.h"

enum record_kind {
    RECORD_BOOTED,             /* a primary began; what lived before is gone */
    RECORD_ADOPTED,            /* a primary began; what lived before lives on */
    RECORD_STABLE_LOST,        /* revision: can't run any more; nothing to go back to */
    RECORD_REVISION_ACCEPTED,  /* revision, policy */
    RECORD_REVISION_FORGOTTEN, /* revision: no worker, slot or wish has it any more */
    RECORD_QUEUED,             /* revision waits for its turn */
    RECORD_ROLLOUT_STARTED,    /* revision */
    RECORD_ROLLOUT_PROMOTED,   /* revision: all its workers are admitted; no way back */
    RECORD_ROLLOUT_REVERTING,  /* revision that failed, reason */
    RECORD_ROLLOUT_ENDED,      /* revision, outcome, reason */
    RECORD_SCALED,             /* workers */
    RECORD_STOPPING,           /* reason */
    RECORD_STOPPED,
    RECORD_WORKER_STARTED,  /* worker, slot, revision: about to be spawned */
    RECORD_WORKER_SPAWNED,  /* worker, pid, start_time, deadline: ready by then */
    RECORD_WORKER_READY,    /* worker, deadline: admitted then */
    RECORD_WORKER_ADMITTED, /* worker */
    RECORD_WORKER_EXTENDED, /* worker, deadline */
    RECORD_WORKER_WATCHDOG, /* worker, watchdog: what it asked for */
    RECORD_WORKER_EXPIRED,  /* worker, reason: serves on, and is to be replaced */
    RECORD_WORKER_ASKED,    /* worker: was sent its drain signal */
    RECORD_WORKER_FOUND,    /* worker, slot, revision, pid, start_time: serves, and no record
                               told of it */
    RECORD_WORKER_RETIRED,  /* worker, deadline: killed then; reason where it failed */
    RECORD_WORKER_KILLED,   /* worker, deadline: killed again then; reason where it failed */
    RECORD_WORKER_GONE,     /* worker, reason */
    RECORD_SLOT_WAITING,    /* slot, failures, deadline: filled again then; reason */
    RECORD_SNAPSHOT, /* the state begins anew, here; its revisions, slots, workers follow */
    RECORD_SNAPSHOT_SLOT,
    RECORD_SNAPSHOT_WORKER,
    RECORD_N,
};

/* The members of struct record that a kind of record uses; the codec writes and wants just
 * these. `kind` and `at` are in every record. */
enum record_field {
    FIELD_REVISION = 1 << 0,
    FIELD_WORKER = 1 << 1,
    FIELD_SLOT = 1 << 2,
    FIELD_WORKERS = 1 << 3,
    FIELD_FAILURES = 1 << 4,
    FIELD_PID = 1 << 5,
    FIELD_START_TIME = 1 << 6,
    FIELD_DEADLINE = 1 << 7,
    FIELD_OUTCOME = 1 << 8,
    FIELD_REASON = 1 << 9,
    FIELD_POLICY = 1 << 10,
    FIELD_STATE = 1 << 11,
    FIELD_SINCE = 1 << 12,
    FIELD_STARTED = 1 << 13,
    FIELD_READY = 1 << 14,
    FIELD_PROGRESS = 1 << 15,
    FIELD_STABLE = 1 << 16,
    FIELD_TARGET = 1 << 17,
    FIELD_TRIAL = 1 << 18,
    FIELD_SCALE_BASE = 1 << 19,
    FIELD_LAST_REVISION = 1 << 20,
    FIELD_LAST_WORKER = 1 << 21,
    FIELD_WATCHDOG = 1 << 22,
    FIELD_EXPIRED = 1 << 23,
    FIELD_ASKED = 1 << 24,
};

enum outcome {
    OUTCOME_NONE,
    OUTCOME_COMPLETE,
    OUTCOME_FAILED, /* reverted, or halted where auto_rollback is off */
    OUTCOME_SUPERSEDED,
    OUTCOME_REFUSED,
    OUTCOME_N,
};

struct record {
    enum record_kind kind;
    struct instant at;
    uint64_t revision;
    uint64_t worker;
    uint32_t slot;
    uint32_t workers;  /* SCALED */
    uint32_t failures; /* SLOT_WAITING */
    int32_t pid;
    uint64_t start_time;
    struct instant deadline;
    enum outcome outcome;
    struct reason reason;
    struct policy policy; /* REVISION_ACCEPTED */
    struct span watchdog; /* WORKER_WATCHDOG, and of snapshots */

    /* Of snapshots alone. */
    uint32_t state; /* enum rollout_state, slot_state or worker_state */
    struct instant since;
    struct instant started;
    struct instant ready;
    struct instant expired;
    struct instant asked;
    struct instant progress;
    uint64_t stable;
    uint64_t target;
    uint64_t trial;
    uint32_t scale_base;
    uint64_t last_revision;
    uint64_t last_worker;
};

enum effect_kind {
    EFFECT_SPAWN,   /* worker, slot, revision; answered by SPAWNED or SPAWN_FAILED before
                       any other event */
    EFFECT_DRAIN,   /* worker: send its drain signal */
    EFFECT_ABORT,   /* worker: SIGABRT, so that a hung one leaves a core */
    EFFECT_KILL,    /* worker: SIGKILL to its whole group */
    EFFECT_SWEEP,   /* worker is gone: end what is left of its group */
    EFFECT_OUTCOME, /* revision, outcome, reason: tell who waits */
    EFFECT_FORGET,  /* revision: its pinned configuration is not needed any more */
    EFFECT_CLOSE_LISTENERS, /* the app stops for good */
    EFFECT_EXIT,            /* nothing is left; outcome FAILED where it stopped by itself */
    EFFECT_N,
};

struct effect {
    enum effect_kind kind;
    uint64_t worker;
    uint32_t slot;
    uint64_t revision;
    enum outcome outcome;
    struct reason reason;
};

enum {
    UPDATE_RECORDS_MAX = 3 * WORKER_MAX,
    UPDATE_EFFECTS_MAX = 3 * WORKER_MAX,
};

struct update {
    size_t record_n;
    size_t effect_n;
    struct record records[UPDATE_RECORDS_MAX];
    struct effect effects[UPDATE_EFFECTS_MAX];
};

const char *record_name(enum record_kind kind);
uint32_t record_fields(enum record_kind kind);       /* of enum record_field */
enum record_kind record_from_name(const char *name); /* RECORD_N: none */
const char *effect_name(enum effect_kind kind);
const char *outcome_name(enum outcome outcome);
enum outcome outcome_from_name(const char *name); /* OUTCOME_N: none */
