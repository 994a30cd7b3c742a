#include "core/rollout.h"

#include <string.h>

/* Every name that the journal, the control protocol and the documents use, each once, by
 * designated initialiser: an enumerator that is moved takes its name along. */

static const char *const readiness_names[READINESS_N] = {
    [READINESS_AUTO] = "auto", [READINESS_NOTIFY] = "notify", [READINESS_DELAY] = "delay",
    [READINESS_HTTP] = "http", [READINESS_TCP] = "tcp",
};

static const char *const cause_names[CAUSE_N] = {
    [CAUSE_NONE] = "none",
    [CAUSE_EXITED] = "exited",
    [CAUSE_SIGNALED] = "signaled",
    [CAUSE_OOM_KILLED] = "oom_killed",
    [CAUSE_VANISHED] = "vanished",
    [CAUSE_SPAWN_FAILED] = "spawn_failed",
    [CAUSE_NOT_READY] = "not_ready",
    [CAUSE_WATCHDOG] = "watchdog",
    [CAUSE_NO_PROGRESS] = "no_progress",
    [CAUSE_SUPERSEDED] = "superseded",
    [CAUSE_BUSY] = "busy",
    [CAUSE_STOPPED] = "stopped",
    [CAUSE_JOURNAL] = "journal",
    [CAUSE_PRIMARY] = "primary",
    [CAUSE_AGE] = "age",
    [CAUSE_MEMORY] = "memory",
    [CAUSE_UNHEALTHY] = "unhealthy",
    [CAUSE_UNANSWERED] = "unanswered",
};

static const char *const event_names[EVENT_N] = {
    [EVENT_BOOT] = "boot",
    [EVENT_VANISHED] = "vanished",
    [EVENT_FOUND] = "found",
    [EVENT_ADOPT] = "adopt",
    [EVENT_ACCEPT] = "accept",
    [EVENT_RELOAD] = "reload",
    [EVENT_SCALE] = "scale",
    [EVENT_STOP] = "stop",
    [EVENT_HURRY] = "hurry",
    [EVENT_JOURNAL_LOST] = "journal_lost",
    [EVENT_TICK] = "tick",
    [EVENT_SPAWNED] = "spawned",
    [EVENT_SPAWN_FAILED] = "spawn_failed",
    [EVENT_READY] = "ready",
    [EVENT_EXTEND] = "extend",
    [EVENT_PING] = "ping",
    [EVENT_WATCHDOG_SET] = "watchdog_set",
    [EVENT_TRIGGER] = "trigger",
    [EVENT_ASKED] = "asked",
    [EVENT_OVERWEIGHT] = "overweight",
    [EVENT_UNHEALTHY] = "unhealthy",
    [EVENT_HEALTHY] = "healthy",
    [EVENT_EXITED] = "exited",
};

static const char *const conflict_names[CONFLICT_N] = {
    [CONFLICT_SUPERSEDE] = "supersede",
    [CONFLICT_QUEUE] = "queue",
    [CONFLICT_REFUSE] = "refuse",
};

static const char *const outcome_names[OUTCOME_N] = {
    [OUTCOME_NONE] = "none",       [OUTCOME_COMPLETE] = "complete",
    [OUTCOME_FAILED] = "failed",   [OUTCOME_SUPERSEDED] = "superseded",
    [OUTCOME_REFUSED] = "refused",
};

static const char *const effect_names[EFFECT_N] = {
    [EFFECT_SPAWN] = "spawn",   [EFFECT_DRAIN] = "drain",
    [EFFECT_ABORT] = "abort",   [EFFECT_KILL] = "kill",
    [EFFECT_SWEEP] = "sweep",   [EFFECT_OUTCOME] = "outcome",
    [EFFECT_FORGET] = "forget", [EFFECT_CLOSE_LISTENERS] = "close_listeners",
    [EFFECT_EXIT] = "exit",
};

static const char *const worker_state_names[WORKER_STATE_N] = {
    [WORKER_SPAWNING] = "spawning", [WORKER_STARTING] = "starting",
    [WORKER_WARMING] = "warming",   [WORKER_ADMITTED] = "admitted",
    [WORKER_DRAINING] = "draining", [WORKER_KILLING] = "killing",
};

static const char *const rollout_state_names[ROLLOUT_STATE_N] = {
    [ROLLOUT_STEADY] = "steady",     [ROLLOUT_FORWARD] = "forward",
    [ROLLOUT_SETTLING] = "settling", [ROLLOUT_REVERTING] = "reverting",
    [ROLLOUT_STOPPING] = "stopping", [ROLLOUT_STOPPED] = "stopped",
};

static const char *const slot_state_names[SLOT_STATE_N] = {
    [SLOT_VACANT] = "vacant",
    [SLOT_FILLED] = "filled",
    [SLOT_WAITING] = "waiting",
};

static const struct {
    const char *name;
    uint32_t fields;
} record_kinds[RECORD_N] = {
    [RECORD_BOOTED] = {"booted", 0},
    [RECORD_ADOPTED] = {"adopted", 0},
    [RECORD_STABLE_LOST] = {"stable_lost", FIELD_REVISION},
    [RECORD_REVISION_ACCEPTED] = {"revision_accepted", FIELD_REVISION | FIELD_POLICY},
    [RECORD_REVISION_FORGOTTEN] = {"revision_forgotten", FIELD_REVISION},
    [RECORD_QUEUED] = {"queued", FIELD_REVISION},
    [RECORD_ROLLOUT_STARTED] = {"rollout_started", FIELD_REVISION},
    [RECORD_ROLLOUT_PROMOTED] = {"rollout_promoted", FIELD_REVISION},
    [RECORD_ROLLOUT_REVERTING] = {"rollout_reverting", FIELD_REVISION | FIELD_REASON},
    [RECORD_ROLLOUT_ENDED] = {"rollout_ended", FIELD_REVISION | FIELD_OUTCOME | FIELD_REASON},
    [RECORD_SCALED] = {"scaled", FIELD_WORKERS},
    [RECORD_STOPPING] = {"stopping", FIELD_REASON},
    [RECORD_STOPPED] = {"stopped", 0},
    [RECORD_WORKER_STARTED] = {"worker_started", FIELD_WORKER | FIELD_SLOT | FIELD_REVISION},
    [RECORD_WORKER_SPAWNED] = {"worker_spawned",
                               FIELD_WORKER | FIELD_PID | FIELD_START_TIME | FIELD_DEADLINE},
    [RECORD_WORKER_READY] = {"worker_ready", FIELD_WORKER | FIELD_DEADLINE},
    [RECORD_WORKER_ADMITTED] = {"worker_admitted", FIELD_WORKER},
    [RECORD_WORKER_EXTENDED] = {"worker_extended", FIELD_WORKER | FIELD_DEADLINE},
    [RECORD_WORKER_WATCHDOG] = {"worker_watchdog", FIELD_WORKER | FIELD_WATCHDOG},
    [RECORD_WORKER_EXPIRED] = {"worker_expired", FIELD_WORKER | FIELD_REASON},
    [RECORD_WORKER_ASKED] = {"worker_asked", FIELD_WORKER},
    [RECORD_WORKER_FOUND] = {"worker_found", FIELD_WORKER | FIELD_SLOT | FIELD_REVISION |
                                                 FIELD_PID | FIELD_START_TIME},
    [RECORD_WORKER_RETIRED] = {"worker_retired", FIELD_WORKER | FIELD_DEADLINE | FIELD_REASON},
    [RECORD_WORKER_KILLED] = {"worker_killed", FIELD_WORKER | FIELD_DEADLINE | FIELD_REASON},
    [RECORD_WORKER_GONE] = {"worker_gone", FIELD_WORKER | FIELD_REASON},
    [RECORD_SLOT_WAITING] = {"slot_waiting",
                             FIELD_SLOT | FIELD_FAILURES | FIELD_DEADLINE | FIELD_REASON},
    [RECORD_SNAPSHOT] = {"snapshot", FIELD_STATE | FIELD_SINCE | FIELD_PROGRESS | FIELD_STABLE |
                                         FIELD_TARGET | FIELD_TRIAL | FIELD_REASON |
                                         FIELD_FAILURES | FIELD_WORKERS | FIELD_SCALE_BASE |
                                         FIELD_LAST_REVISION | FIELD_LAST_WORKER},
    [RECORD_SNAPSHOT_SLOT] = {"snapshot_slot", FIELD_SLOT | FIELD_STATE | FIELD_REVISION |
                                                   FIELD_FAILURES | FIELD_SINCE |
                                                   FIELD_DEADLINE | FIELD_REASON},
    [RECORD_SNAPSHOT_WORKER] = {"snapshot_worker",
                                FIELD_WORKER | FIELD_SLOT | FIELD_REVISION | FIELD_STATE |
                                    FIELD_STARTED | FIELD_SINCE | FIELD_READY | FIELD_EXPIRED |
                                    FIELD_ASKED | FIELD_DEADLINE | FIELD_PID |
                                    FIELD_START_TIME | FIELD_REASON | FIELD_WATCHDOG},
};

/* The index of `name`, or `n` where it is not among them. */
static unsigned name_index(const char *const *names, unsigned n, const char *name)
{
    unsigned i = 0;

    while (i < n && strcmp(names[i], name) != 0)
        i++;
    return i;
}

const char *readiness_name(enum readiness readiness)
{
    return readiness_names[readiness];
}

const char *cause_name(enum cause cause)
{
    return cause_names[cause];
}

enum cause cause_from_name(const char *name)
{
    return (enum cause)name_index(cause_names, CAUSE_N, name);
}

const char *event_name(enum event_kind kind)
{
    return event_names[kind];
}

const char *conflict_name(enum conflict conflict)
{
    return conflict_names[conflict];
}

const char *outcome_name(enum outcome outcome)
{
    return outcome_names[outcome];
}

enum outcome outcome_from_name(const char *name)
{
    return (enum outcome)name_index(outcome_names, OUTCOME_N, name);
}

const char *effect_name(enum effect_kind kind)
{
    return effect_names[kind];
}

const char *worker_state_name(enum worker_state state)
{
    return worker_state_names[state];
}

const char *rollout_state_name(enum rollout_state state)
{
    return rollout_state_names[state];
}

const char *slot_state_name(enum slot_state state)
{
    return slot_state_names[state];
}

const char *record_name(enum record_kind kind)
{
    return record_kinds[kind].name;
}

uint32_t record_fields(enum record_kind kind)
{
    return record_kinds[kind].fields;
}

enum record_kind record_from_name(const char *name)
{
    unsigned i = 0;

    while (i < RECORD_N && strcmp(record_kinds[i].name, name) != 0)
        i++;
    return (enum record_kind)i;
}
