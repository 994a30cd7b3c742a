#include "invariant.h"

#include <assert.h>
#include <stdlib.h>

#define KEEP(bit, member)                                                                      \
    do {                                                                                       \
        if (fields & (bit))                                                                    \
            kept.member = record->member;                                                      \
    } while (0)

struct record invariant_journaled(const struct record *record)
{
    uint32_t fields = record_fields(record->kind);
    struct record kept = {.kind = record->kind, .at = record->at};

    KEEP(FIELD_REVISION, revision);
    KEEP(FIELD_WORKER, worker);
    KEEP(FIELD_SLOT, slot);
    KEEP(FIELD_WORKERS, workers);
    KEEP(FIELD_FAILURES, failures);
    KEEP(FIELD_PID, pid);
    KEEP(FIELD_START_TIME, start_time);
    KEEP(FIELD_DEADLINE, deadline);
    KEEP(FIELD_OUTCOME, outcome);
    KEEP(FIELD_REASON, reason);
    KEEP(FIELD_POLICY, policy);
    KEEP(FIELD_STATE, state);
    KEEP(FIELD_SINCE, since);
    KEEP(FIELD_STARTED, started);
    KEEP(FIELD_READY, ready);
    KEEP(FIELD_EXPIRED, expired);
    KEEP(FIELD_ASKED, asked);
    KEEP(FIELD_WATCHDOG, watchdog);
    KEEP(FIELD_PROGRESS, progress);
    KEEP(FIELD_STABLE, stable);
    KEEP(FIELD_TARGET, target);
    KEEP(FIELD_TRIAL, trial);
    KEEP(FIELD_SCALE_BASE, scale_base);
    KEEP(FIELD_LAST_REVISION, last_revision);
    KEEP(FIELD_LAST_WORKER, last_worker);
    return kept;
}

#undef KEEP

static bool reason_equal(const struct reason *a, const struct reason *b)
{
    return a->cause == b->cause && a->code == b->code && a->worker == b->worker &&
           a->slot == b->slot && a->revision == b->revision;
}

static bool instant_equal(struct instant a, struct instant b)
{
    return a.nanoseconds == b.nanoseconds;
}

static bool share_equal(struct share a, struct share b)
{
    return a.value == b.value && a.percent == b.percent;
}

static bool span_equal(struct span a, struct span b)
{
    return a.nanoseconds == b.nanoseconds;
}

static bool policy_equal(const struct policy *a, const struct policy *b)
{
    return a->workers == b->workers && a->readiness == b->readiness &&
           span_equal(a->readiness_timeout, b->readiness_timeout) &&
           span_equal(a->readiness_delay, b->readiness_delay) &&
           span_equal(a->watchdog, b->watchdog) && span_equal(a->min_ready, b->min_ready) &&
           span_equal(a->drain_timeout, b->drain_timeout) &&
           span_equal(a->progress_deadline, b->progress_deadline) &&
           span_equal(a->restart_initial, b->restart_initial) &&
           span_equal(a->restart_max, b->restart_max) &&
           span_equal(a->restart_reset, b->restart_reset) &&
           span_equal(a->recycle_age, b->recycle_age) &&
           a->recycle_memory == b->recycle_memory && share_equal(a->max_surge, b->max_surge) &&
           share_equal(a->max_unavailable, b->max_unavailable) &&
           a->max_failures == b->max_failures && a->auto_rollback == b->auto_rollback;
}

static bool slot_equal(const struct slot *a, const struct slot *b)
{
    return a->state == b->state && a->revision == b->revision && a->failures == b->failures &&
           instant_equal(a->since, b->since) && instant_equal(a->retry, b->retry) &&
           reason_equal(&a->last, &b->last);
}

static bool worker_equal(const struct worker *a, const struct worker *b)
{
    return a->id == b->id && a->revision == b->revision && a->slot == b->slot &&
           a->state == b->state && instant_equal(a->started, b->started) &&
           instant_equal(a->since, b->since) && instant_equal(a->ready, b->ready) &&
           instant_equal(a->expired, b->expired) && instant_equal(a->asked, b->asked) &&
           instant_equal(a->deadline, b->deadline) && a->pid == b->pid &&
           a->start_time == b->start_time && reason_equal(&a->failure, &b->failure) &&
           span_equal(a->watchdog, b->watchdog);
}

static const char *tables_difference(const struct rollout *a, const struct rollout *b)
{
    if (a->slot_n != b->slot_n)
        return "slot_n";
    if (a->worker_n != b->worker_n)
        return "worker_n";
    if (a->revision_n != b->revision_n)
        return "revision_n";
    if (a->queue_n != b->queue_n)
        return "queue_n";
    for (uint32_t i = 0; i < a->slot_n; i++)
        if (!slot_equal(&a->slots[i], &b->slots[i]))
            return "slots";
    for (size_t i = 0; i < a->worker_n; i++)
        if (!worker_equal(&a->workers[i], &b->workers[i]))
            return "workers";
    for (size_t i = 0; i < a->revision_n; i++)
        if (a->revisions[i].number != b->revisions[i].number ||
            !policy_equal(&a->revisions[i].policy, &b->revisions[i].policy))
            return "revisions";
    for (size_t i = 0; i < a->queue_n; i++)
        if (a->queue[i] != b->queue[i])
            return "queue";
    return NULL;
}

const char *invariant_difference(const struct rollout *a, const struct rollout *b)
{
    if (a->state != b->state)
        return "state";
    if (!instant_equal(a->since, b->since))
        return "since";
    if (!instant_equal(a->progress, b->progress))
        return "progress";
    if (a->stable != b->stable)
        return "stable";
    if (a->target != b->target)
        return "target";
    if (a->trial != b->trial)
        return "trial";
    if (!reason_equal(&a->reason, &b->reason))
        return "reason";
    if (a->failures != b->failures)
        return "failures";
    if (a->scale != b->scale || a->scale_base != b->scale_base)
        return "scale";
    if (a->last_revision != b->last_revision)
        return "last_revision";
    if (a->last_worker != b->last_worker)
        return "last_worker";
    return tables_difference(a, b);
}

bool invariant_copy(const struct rollout *from, struct rollout *to, struct update *update)
{
    rollout_snapshot(from, from->now, update);
    for (size_t i = 0; i < update->record_n; i++) {
        struct record record = invariant_journaled(&update->records[i]);

        if (rollout_replay(to, &record) != 0)
            return false;
    }
    return true;
}

int invariant_init(struct invariant *invariant)
{
    *invariant = (struct invariant){
        .before = calloc(1, sizeof(*invariant->before)),
        .thawed = calloc(1, sizeof(*invariant->thawed)),
        .snapshot = calloc(1, sizeof(*invariant->snapshot)),
    };
    if (!invariant->before || !invariant->thawed || !invariant->snapshot) {
        invariant_release(invariant);
        return -ENOMEM;
    }
    return 0;
}

void invariant_release(struct invariant *invariant)
{
    free(invariant->before);
    free(invariant->thawed);
    free(invariant->snapshot);
    *invariant = (struct invariant){0};
}

void invariant_reset(struct invariant *invariant)
{
    struct record empty = {.kind = RECORD_SNAPSHOT};
    int r = rollout_replay(invariant->before, &empty);

    assert(r == 0);
    invariant->told = 0;
    invariant->wished = 0;
}

/* Workers in desired slots that serve. */
static uint32_t count_admitted(const struct rollout *rollout)
{
    uint32_t desired = rollout_desired(rollout);
    uint32_t n = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].state == WORKER_ADMITTED && rollout->workers[i].slot < desired)
            n++;
    return n;
}

/* In the desired slots: the surplus that a rollout to fewer workers leaves alone until it is
 * promoted is not its surge. */
static uint32_t count_active(const struct rollout *rollout)
{
    uint32_t desired = rollout_desired(rollout);
    uint32_t n = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        if (worker_is_active(&rollout->workers[i]) && rollout->workers[i].slot < desired)
            n++;
    return n;
}

static bool slot_serves(const struct rollout *rollout, uint32_t slot)
{
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].slot == slot && rollout->workers[i].state == WORKER_ADMITTED)
            return true;
    return false;
}

static const struct policy *target_policy(const struct rollout *rollout)
{
    const struct revision *revision = rollout_revision(rollout, rollout->target);

    return revision ? &revision->policy : NULL;
}

static const char *check_capacity(const struct invariant *invariant,
                                  const struct rollout *rollout, const struct event *event,
                                  const struct update *update)
{
    const struct policy *policy = target_policy(rollout);
    uint32_t desired = rollout_desired(rollout);

    /* A user who scales down means it, whatever the next in the queue may want. */
    if (rollout->state == ROLLOUT_STOPPING || event->kind == EVENT_SCALE || !policy)
        return NULL;
    for (size_t i = 0; i < update->record_n; i++) {
        const struct record *record = &update->records[i];
        const struct worker *worker;

        if (record->kind != RECORD_WORKER_RETIRED || record->reason.cause != CAUSE_NONE)
            continue;
        worker = rollout_worker(invariant->before, record->worker);
        if (!worker || worker->state != WORKER_ADMITTED || worker->slot >= desired ||
            slot_serves(rollout, worker->slot))
            continue;
        if (count_admitted(rollout) + policy_unavailable(policy, desired) < desired)
            return "capacity: a serving worker was retired with nobody in its place";
    }
    return NULL;
}

static const char *check_surge(const struct rollout *rollout, const struct update *update)
{
    const struct policy *policy = target_policy(rollout);
    uint32_t desired = rollout_desired(rollout);

    for (size_t i = 0; i < update->record_n; i++)
        if (update->records[i].kind == RECORD_WORKER_STARTED &&
            (!policy || count_active(rollout) > desired + policy_surge(policy, desired)))
            return "surge: more workers than desired + max_surge";
    return NULL;
}

static const char *check_patience(const struct invariant *invariant, const struct event *event,
                                  const struct update *update)
{
    for (size_t i = 0; i < update->effect_n; i++) {
        const struct effect *effect = &update->effects[i];
        const struct worker *worker = rollout_worker(invariant->before, effect->worker);

        if (effect->kind == EFFECT_KILL &&
            (!worker ||
             (event->kind != EVENT_HURRY && !instant_reached(event->at, worker->deadline))))
            return "patience: killed before the deadline";
        if (effect->kind == EFFECT_KILL && event->kind != EVENT_HURRY &&
            worker_is_active(worker))
            return "patience: killed though nobody had asked it to go";
    }
    return NULL;
}

/* What ADOPT promises again is in no record: the drain of workers that were not asked yet, the
 * end of an app that was about to stop. */
static void count_promised_again(const struct rollout *before, const struct event *event,
                                 size_t *effects)
{
    if (event->kind != EVENT_ADOPT)
        return;
    for (size_t i = 0; i < before->worker_n; i++)
        effects[EFFECT_DRAIN] -= before->workers[i].state == WORKER_DRAINING &&
                                 instant_is_never(before->workers[i].asked);
    effects[EFFECT_CLOSE_LISTENERS] -= before->state == ROLLOUT_STOPPING;
    effects[EFFECT_EXIT] -= before->state == ROLLOUT_STOPPED;
}

static const char *check_pairs(const struct rollout *before, const struct event *event,
                               const struct update *update)
{
    static const struct {
        enum record_kind record;
        enum effect_kind effect;
    } pairs[] = {
        {RECORD_WORKER_STARTED, EFFECT_SPAWN},
        {RECORD_WORKER_RETIRED, EFFECT_DRAIN},
        {RECORD_WORKER_GONE, EFFECT_SWEEP},
        {RECORD_ROLLOUT_ENDED, EFFECT_OUTCOME},
        {RECORD_REVISION_FORGOTTEN, EFFECT_FORGET},
        {RECORD_STOPPING, EFFECT_CLOSE_LISTENERS},
        {RECORD_STOPPED, EFFECT_EXIT},
    };
    size_t records[RECORD_N] = {0};
    size_t effects[EFFECT_N] = {0};

    for (size_t i = 0; i < update->record_n; i++)
        records[update->records[i].kind]++;
    for (size_t i = 0; i < update->effect_n; i++)
        effects[update->effects[i].kind]++;
    count_promised_again(before, event, effects);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        if (records[pairs[i].record] != effects[pairs[i].effect])
            return "paired: a record without its effect, or an effect without its record";
    if (records[RECORD_WORKER_KILLED] != effects[EFFECT_KILL] + effects[EFFECT_ABORT])
        return "paired: killed without a signal, or a signal without a record";
    return NULL;
}

/* Whoever was asked to go is not asked twice, and nobody is asked but those that are to go. */
static const char *check_asked(const struct rollout *rollout, const struct update *update)
{
    for (size_t i = 0; i < update->effect_n; i++) {
        const struct worker *worker = rollout_worker(rollout, update->effects[i].worker);

        if (update->effects[i].kind != EFFECT_DRAIN)
            continue;
        if (!worker || worker->state != WORKER_DRAINING)
            return "asked: a worker that does not drain is asked to go";
        if (!instant_is_never(worker->asked))
            return "asked: a worker is asked to go a second time";
    }
    return NULL;
}

/* Old or big ones are replaced one at a time, and only where nothing else goes on. */
static const char *check_recycle(const struct rollout *before, const struct rollout *rollout,
                                 const struct update *update)
{
    size_t expired = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        expired += !instant_is_never(rollout->workers[i].expired);
    if (expired > 1)
        return "recycle: two workers at a time";
    for (size_t i = 0; i < update->record_n; i++) {
        const struct worker *worker;

        if (update->records[i].kind != RECORD_WORKER_EXPIRED)
            continue;
        worker = rollout_worker(before, update->records[i].worker);
        if (rollout->state != ROLLOUT_STEADY || rollout_is_busy(rollout))
            return "recycle: while something else goes on";
        if (worker && !instant_is_never(worker->expired))
            return "recycle: a worker expires twice";
    }
    return NULL;
}

static const char *check_told(struct invariant *invariant, const struct rollout *rollout,
                              const struct event *event, const struct update *update)
{
    if (event->kind == EVENT_RELOAD || (event->kind == EVENT_BOOT && event->revision != 0))
        invariant->wished++;
    for (size_t i = 0; i < update->effect_n; i++)
        if (update->effects[i].kind == EFFECT_OUTCOME)
            invariant->told++;
    if (invariant->wished != invariant->told + rollout->queue_n + (rollout->trial != 0))
        return "told: a reload without an outcome, or with two";
    if (rollout->state >= ROLLOUT_STOPPING && rollout_is_busy(rollout))
        return "told: stopping, and somebody still waits";
    return NULL;
}

static const char *check_durable(struct invariant *invariant, const struct rollout *rollout,
                                 const struct update *update)
{
    for (size_t i = 0; i < update->record_n; i++) {
        struct record record = invariant_journaled(&update->records[i]);

        if (rollout_replay(invariant->before, &record) != 0)
            return "durable: a record does not replay";
    }
    if (invariant_difference(invariant->before, rollout))
        return "durable: the records replay to another state";
    if (!invariant_copy(rollout, invariant->thawed, invariant->snapshot))
        return "durable: the snapshot does not replay";
    if (invariant_difference(invariant->thawed, rollout))
        return "durable: the snapshot replays to another state";
    return NULL;
}

const char *invariant_check(struct invariant *invariant, const struct rollout *rollout,
                            const struct event *event, const struct update *update)
{
    const char *wrong = check_capacity(invariant, rollout, event, update);

    if (!wrong)
        wrong = check_surge(rollout, update);
    if (!wrong)
        wrong = check_patience(invariant, event, update);
    if (!wrong)
        wrong = check_pairs(invariant->before, event, update);
    if (!wrong)
        wrong = check_asked(rollout, update);
    if (!wrong)
        wrong = check_recycle(invariant->before, rollout, update);
    if (!wrong)
        wrong = check_told(invariant, rollout, event, update);
    if (!wrong)
        wrong = check_durable(invariant, rollout, update);
    return wrong;
}
