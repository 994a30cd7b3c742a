/* Records and stamps for the tests of this room: every member that the kind has is set, to a
 * value that no other member has. */
#pragma once

#include "core/rollout.h"
#include "wire/record.h"

#include <stdio.h>
#include <string.h>

static inline struct policy sample_policy(void)
{
    return (struct policy){
        .workers = 4,
        .readiness = READINESS_DELAY,
        .readiness_timeout = span_from_ms(30000),
        .readiness_delay = span_from_ms(1500),
        .watchdog = {0},
        .min_ready = span_from_ms(2000),
        .drain_timeout = SPAN_FOREVER,
        .progress_deadline = span_from_ms(600000),
        .restart_initial = span_from_ms(100),
        .restart_max = span_from_ms(15000),
        .restart_reset = span_from_ms(30001),
        .recycle_age = span_from_ms(86400000),
        .recycle_memory = UINT64_C(1) << 30,
        .max_surge = {25, true},
        .max_unavailable = {1, false},
        .max_failures = 3,
        .auto_rollback = true,
    };
}

static inline struct record sample_record(enum record_kind kind)
{
    uint32_t fields = record_fields(kind);
    struct record record = {.kind = kind, .at = {123456789012u + (uint64_t)kind}};

#define SAMPLE(bit, member, ...)                                                               \
    if (fields & (bit))                                                                        \
    record.member = __VA_ARGS__
    SAMPLE(FIELD_REVISION, revision, 7);
    SAMPLE(FIELD_WORKER, worker, (UINT64_C(1) << 53) + 1);
    SAMPLE(FIELD_SLOT, slot, SLOT_MAX - 1);
    SAMPLE(FIELD_WORKERS, workers, 5);
    SAMPLE(FIELD_FAILURES, failures, 2);
    SAMPLE(FIELD_PID, pid, 4242);
    SAMPLE(FIELD_START_TIME, start_time, UINT64_C(99999));
    SAMPLE(FIELD_DEADLINE, deadline, INSTANT_NEVER);
    SAMPLE(FIELD_OUTCOME, outcome, OUTCOME_FAILED);
    SAMPLE(FIELD_REASON, reason, (struct reason){CAUSE_SIGNALED, 11, 12, 3, 6});
    SAMPLE(FIELD_POLICY, policy, sample_policy());
    SAMPLE(FIELD_STATE, state, 2);
    SAMPLE(FIELD_SINCE, since, (struct instant){1001});
    SAMPLE(FIELD_STARTED, started, (struct instant){1002});
    SAMPLE(FIELD_READY, ready, (struct instant){1003});
    SAMPLE(FIELD_PROGRESS, progress, (struct instant){1004});
    SAMPLE(FIELD_STABLE, stable, 8);
    SAMPLE(FIELD_TARGET, target, 9);
    SAMPLE(FIELD_TRIAL, trial, 10);
    SAMPLE(FIELD_SCALE_BASE, scale_base, 13);
    SAMPLE(FIELD_LAST_REVISION, last_revision, 14);
    SAMPLE(FIELD_LAST_WORKER, last_worker, 15);
    SAMPLE(FIELD_WATCHDOG, watchdog, span_from_ms(4000));
    SAMPLE(FIELD_EXPIRED, expired, (struct instant){1005});
    SAMPLE(FIELD_ASKED, asked, (struct instant){1006});
#undef SAMPLE
    return record;
}

static inline struct record_stamp sample_stamp(uint64_t seq)
{
    return (struct record_stamp){
        .seq = seq,
        .time = {INT64_C(1769903998000001) + (int64_t)seq},
        .boot = "0f0e0d0c-0b0a-4908-8706-050403020100",
    };
}
