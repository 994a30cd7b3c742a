#include "wire/record_shape.h"

#include "core/rollout.h"

/* The core's names, by the one signature that a table can hold. */

static const char *cause_of(uint32_t value)
{
    return cause_name((enum cause)value);
}

static const char *readiness_of(uint32_t value)
{
    return readiness_name((enum readiness)value);
}

static const char *outcome_of(uint32_t value)
{
    return outcome_name((enum outcome)value);
}

static const char *rollout_state_of(uint32_t value)
{
    return rollout_state_name((enum rollout_state)value);
}

static const char *slot_state_of(uint32_t value)
{
    return slot_state_name((enum slot_state)value);
}

static const char *worker_state_of(uint32_t value)
{
    return worker_state_name((enum worker_state)value);
}

#define REASON(member) .name = #member, .offset = offsetof(struct reason, member)

static const struct member reason_members[] = {
    {REASON(cause), .type = MEMBER_ENUM, .max = CAUSE_N - 1, .enum_name = cause_of},
    {REASON(code), .type = MEMBER_I32, .optional = true},
    {REASON(worker), .type = MEMBER_U64, .optional = true},
    {REASON(slot), .type = MEMBER_U32, .max = SLOT_MAX - 1, .optional = true},
    {REASON(revision), .type = MEMBER_U64, .optional = true},
};

const struct shape reason_shape = {
    .name = "reason",
    SHAPE_MEMBERS(reason_members),
    .size = sizeof(struct reason),
};

#define POLICY(member)    .name = #member, .offset = offsetof(struct policy, member)
#define POLICY_NS(member) .name = #member "_ns", .offset = offsetof(struct policy, member)

static const struct member policy_members[] = {
    {POLICY(workers), .type = MEMBER_U32, .min = 1, .max = SLOT_MAX},
    {POLICY(readiness), .type = MEMBER_ENUM, .max = READINESS_N - 1, .enum_name = readiness_of},
    {POLICY_NS(readiness_timeout), .type = MEMBER_INSTANT},
    {POLICY_NS(readiness_delay), .type = MEMBER_INSTANT},
    {POLICY_NS(watchdog), .type = MEMBER_INSTANT},
    {POLICY_NS(min_ready), .type = MEMBER_INSTANT},
    {POLICY_NS(drain_timeout), .type = MEMBER_INSTANT},
    {POLICY_NS(progress_deadline), .type = MEMBER_INSTANT},
    {POLICY_NS(restart_initial), .type = MEMBER_INSTANT},
    {POLICY_NS(restart_max), .type = MEMBER_INSTANT},
    {POLICY_NS(restart_reset), .type = MEMBER_INSTANT},
    {POLICY_NS(recycle_age), .type = MEMBER_INSTANT, .optional = true},
    {POLICY(recycle_memory), .type = MEMBER_U64, .optional = true},
    {POLICY(max_surge), .type = MEMBER_SHARE},
    {POLICY(max_unavailable), .type = MEMBER_SHARE},
    {POLICY(max_failures), .type = MEMBER_U32, .max = UINT32_MAX},
    {POLICY(auto_rollback), .type = MEMBER_BOOL},
};

const struct shape policy_shape = {
    .name = "policy",
    SHAPE_MEMBERS(policy_members),
    .size = sizeof(struct policy),
};

#define RECORD(member) .name = #member, .offset = offsetof(struct record, member)

static const struct member record_members[] = {
    {RECORD(at), .type = MEMBER_INSTANT},
    {RECORD(revision), .type = MEMBER_U64, .bit = FIELD_REVISION},
    {RECORD(worker), .type = MEMBER_U64, .bit = FIELD_WORKER},
    {RECORD(slot), .type = MEMBER_U32, .bit = FIELD_SLOT, .max = SLOT_MAX - 1},
    {RECORD(workers), .type = MEMBER_U32, .bit = FIELD_WORKERS, .max = SLOT_MAX},
    {RECORD(failures), .type = MEMBER_U32, .bit = FIELD_FAILURES, .max = UINT32_MAX},
    {RECORD(pid), .type = MEMBER_I32, .bit = FIELD_PID},
    {RECORD(start_time), .type = MEMBER_U64, .bit = FIELD_START_TIME},
    {RECORD(deadline), .type = MEMBER_INSTANT, .bit = FIELD_DEADLINE},
    {RECORD(outcome), .type = MEMBER_ENUM, .bit = FIELD_OUTCOME, .max = OUTCOME_N - 1,
     .enum_name = outcome_of},
    {RECORD(reason), .type = MEMBER_OBJECT, .bit = FIELD_REASON, .shape = &reason_shape},
    {RECORD(policy), .type = MEMBER_OBJECT, .bit = FIELD_POLICY, .shape = &policy_shape},
    {RECORD(since), .type = MEMBER_INSTANT, .bit = FIELD_SINCE},
    {RECORD(started), .type = MEMBER_INSTANT, .bit = FIELD_STARTED},
    {RECORD(ready), .type = MEMBER_INSTANT, .bit = FIELD_READY},
    {RECORD(expired), .type = MEMBER_INSTANT, .bit = FIELD_EXPIRED, .optional = true,
     .never = true},
    {RECORD(asked), .type = MEMBER_INSTANT, .bit = FIELD_ASKED, .optional = true,
     .never = true},
    {RECORD(watchdog), .type = MEMBER_INSTANT, .bit = FIELD_WATCHDOG, .optional = true},
    {RECORD(progress), .type = MEMBER_INSTANT, .bit = FIELD_PROGRESS},
    {RECORD(stable), .type = MEMBER_U64, .bit = FIELD_STABLE},
    {RECORD(target), .type = MEMBER_U64, .bit = FIELD_TARGET},
    {RECORD(trial), .type = MEMBER_U64, .bit = FIELD_TRIAL},
    {RECORD(scale_base), .type = MEMBER_U32, .bit = FIELD_SCALE_BASE, .max = SLOT_MAX},
    {RECORD(last_revision), .type = MEMBER_U64, .bit = FIELD_LAST_REVISION},
    {RECORD(last_worker), .type = MEMBER_U64, .bit = FIELD_LAST_WORKER},
};

const struct shape record_shape = {
    .name = "record",
    SHAPE_MEMBERS(record_members),
    .size = sizeof(struct record),
};

static const struct member state_members[] = {
    {RECORD(state), .type = MEMBER_ENUM, .bit = FIELD_STATE, .max = ROLLOUT_STATE_N - 1,
     .enum_name = rollout_state_of},
    {RECORD(state), .type = MEMBER_ENUM, .bit = FIELD_STATE, .max = SLOT_STATE_N - 1,
     .enum_name = slot_state_of},
    {RECORD(state), .type = MEMBER_ENUM, .bit = FIELD_STATE, .max = WORKER_STATE_N - 1,
     .enum_name = worker_state_of},
};

#define STATE_SHAPE(index)                                                                     \
    {                                                                                          \
        .name = "state", .members = &state_members[index], .member_n = 1,                      \
        .size = sizeof(struct record)                                                          \
    }

static const struct shape state_shapes[] = {STATE_SHAPE(0), STATE_SHAPE(1), STATE_SHAPE(2)};

const struct shape *record_state_shape(enum record_kind kind)
{
    if (kind == RECORD_SNAPSHOT)
        return &state_shapes[0];
    if (kind == RECORD_SNAPSHOT_SLOT)
        return &state_shapes[1];
    if (kind == RECORD_SNAPSHOT_WORKER)
        return &state_shapes[2];
    return NULL;
}
