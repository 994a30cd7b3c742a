/* How each record changes the state: one function a kind, used alike by the step that has just
 * written the record and by the replay that reads it years later.
 *
 * A record that can't follow from the state is refused with the state unchanged. In a step that
 * would be our own bug; in a replay it is a damaged journal.
 */
#include "core/step.h"

#include <assert.h>
#include <string.h>

typedef int apply_function(struct rollout *, const struct record *);

static size_t worker_index(const struct rollout *rollout, uint64_t id)
{
    size_t low = 0;
    size_t high = rollout->worker_n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (rollout->workers[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct worker *state_worker(struct rollout *rollout, uint64_t id)
{
    size_t i = worker_index(rollout, id);

    return i < rollout->worker_n && rollout->workers[i].id == id ? &rollout->workers[i] : NULL;
}

const struct worker *rollout_worker(const struct rollout *rollout, uint64_t id)
{
    size_t i = worker_index(rollout, id);

    return i < rollout->worker_n && rollout->workers[i].id == id ? &rollout->workers[i] : NULL;
}

const struct revision *rollout_revision(const struct rollout *rollout, uint64_t number)
{
    for (size_t i = 0; i < rollout->revision_n; i++)
        if (rollout->revisions[i].number == number)
            return &rollout->revisions[i];
    return NULL;
}

const struct policy *state_policy(const struct rollout *rollout, uint64_t revision)
{
    const struct revision *found = rollout_revision(rollout, revision);

    return found ? &found->policy : NULL;
}

uint32_t rollout_desired(const struct rollout *rollout)
{
    const struct policy *policy = state_policy(rollout, rollout->target);

    if (!policy)
        return 0;
    /* `scale` holds until the configuration itself asks for another number. */
    if (rollout->scale > 0 && rollout->scale_base == policy->workers)
        return rollout->scale;
    return policy->workers;
}

/* Forgets the slots that nobody wants or uses any more, and gives new ones their revision. */
static void state_settle_slots(struct rollout *rollout)
{
    bool used[SLOT_MAX] = {false};
    uint32_t desired = rollout_desired(rollout);
    uint32_t slot_n = desired;

    for (size_t i = 0; i < rollout->worker_n; i++) {
        uint32_t slot = rollout->workers[i].slot;

        used[slot] = true;
        if (slot >= slot_n)
            slot_n = slot + 1;
    }
    for (uint32_t i = desired; i < rollout->slot_n; i++)
        if (!used[i])
            rollout->slots[i] = (struct slot){0};
    /* One beyond the desired ones, kept for the sake of a worker that drains, is as good as new
     * when it is wanted again: it gets the revision that is wanted then. */
    for (uint32_t i = 0; i < slot_n; i++)
        if (rollout->slots[i].revision == 0 || i >= desired)
            rollout->slots[i].revision = rollout->target;
    rollout->slot_n = slot_n;
}

static bool queue_remove(struct rollout *rollout, uint64_t revision)
{
    for (size_t i = 0; i < rollout->queue_n; i++) {
        if (rollout->queue[i] != revision)
            continue;
        rollout->queue_n--;
        memmove(&rollout->queue[i], &rollout->queue[i + 1],
                (rollout->queue_n - i) * sizeof(rollout->queue[0]));
        return true;
    }
    return false;
}

static void state_enter(struct rollout *rollout, enum rollout_state state, struct instant at)
{
    rollout->state = state;
    rollout->since = at;
}

static int apply_booted(struct rollout *rollout, const struct record *record)
{
    rollout->worker_n = 0;
    rollout->queue_n = 0;
    memset(rollout->slots, 0, rollout->slot_n * sizeof(rollout->slots[0]));
    rollout->slot_n = 0;
    rollout->trial = 0;
    if (!rollout_revision(rollout, rollout->stable))
        rollout->stable = 0; /* a damaged journal: there is nothing to go back to */
    rollout->target = rollout->stable;
    rollout->reason = (struct reason){0};
    state_enter(rollout, ROLLOUT_STEADY, record->at);
    return 0;
}

static int apply_stable_lost(struct rollout *rollout, const struct record *record)
{
    if (rollout->stable != record->revision || rollout->worker_n > 0 || rollout->trial != 0)
        return 1;
    rollout->stable = 0;
    rollout->target = 0;
    return 0;
}

/* The revision that most workers serve; of two, the older. 0: nobody serves. */
static uint64_t most_served(const struct rollout *rollout)
{
    uint64_t best = 0;
    size_t best_n = 0;

    for (size_t r = 0; r < rollout->revision_n; r++) {
        uint64_t number = rollout->revisions[r].number;
        size_t n = 0;

        for (size_t i = 0; i < rollout->worker_n; i++)
            n += rollout->workers[i].revision == number &&
                 rollout->workers[i].state == WORKER_ADMITTED;
        if (n > best_n) {
            best = number;
            best_n = n;
        }
    }
    return best;
}

/* What was waited for while nobody was there does not count as time without progress. After a
 * damaged journal, revisions may be named that nothing is known of: what serves takes their
 * place, or the app would be emptied for the want of a number. */
static int apply_adopted(struct rollout *rollout, const struct record *record)
{
    if (rollout->trial != 0 && !rollout_revision(rollout, rollout->trial))
        return 1;
    if (rollout->stable != 0 && !rollout_revision(rollout, rollout->stable))
        rollout->stable = most_served(rollout);
    if (!rollout_revision(rollout, rollout->target))
        rollout->target = rollout->state == ROLLOUT_FORWARD ? rollout->trial : rollout->stable;
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        if (!rollout_revision(rollout, rollout->slots[i].revision))
            rollout->slots[i].revision = 0; /* settled by what is wanted */
    rollout->progress = record->at;
    return 0;
}

/* They ascend. One that is not the newest was known to a journal that was damaged, and is known
 * again by the workers that serve it. */
static int apply_revision_accepted(struct rollout *rollout, const struct record *record)
{
    size_t n = rollout->revision_n;
    uint32_t workers = record->policy.workers;
    size_t i = n;

    if (n == REVISION_MAX || record->revision == 0 || workers == 0 || workers > SLOT_MAX ||
        rollout_revision(rollout, record->revision))
        return 1;
    while (i > 0 && rollout->revisions[i - 1].number > record->revision)
        i--;
    memmove(&rollout->revisions[i + 1], &rollout->revisions[i],
            (n - i) * sizeof(rollout->revisions[0]));
    rollout->revisions[i] = (struct revision){record->revision, record->policy};
    rollout->revision_n++;
    if (rollout->last_revision < record->revision)
        rollout->last_revision = record->revision;
    return 0;
}

static int apply_revision_forgotten(struct rollout *rollout, const struct record *record)
{
    const struct revision *revision = rollout_revision(rollout, record->revision);
    size_t i;

    if (!revision || rollout_uses(rollout, record->revision))
        return 1;
    i = (size_t)(revision - rollout->revisions);
    rollout->revision_n--;
    memmove(&rollout->revisions[i], &rollout->revisions[i + 1],
            (rollout->revision_n - i) * sizeof(rollout->revisions[0]));
    return 0;
}

static int apply_queued(struct rollout *rollout, const struct record *record)
{
    if (rollout->queue_n == QUEUE_MAX || !rollout_revision(rollout, record->revision))
        return 1;
    rollout->queue[rollout->queue_n++] = record->revision;
    return 0;
}

static int apply_rollout_started(struct rollout *rollout, const struct record *record)
{
    if (rollout->state != ROLLOUT_STEADY || !rollout_revision(rollout, record->revision))
        return 1;
    (void)queue_remove(rollout, record->revision);
    rollout->trial = record->revision;
    rollout->target = record->revision;
    rollout->reason = (struct reason){0};
    rollout->failures = 0;
    rollout->progress = record->at;
    state_enter(rollout, ROLLOUT_FORWARD, record->at);
    return 0;
}

static int apply_rollout_promoted(struct rollout *rollout, const struct record *record)
{
    const struct policy *policy = state_policy(rollout, record->revision);

    if (rollout->state != ROLLOUT_FORWARD || rollout->trial != record->revision || !policy)
        return 1;
    rollout->stable = record->revision;
    /* An old worker may have been admitted to its slot after the new one. */
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        rollout->slots[i].revision = record->revision;
    /* The configuration asks for another number than the one that the user had changed. */
    if (rollout->scale_base != policy->workers)
        rollout->scale = 0;
    state_enter(rollout, ROLLOUT_SETTLING, record->at);
    return 0;
}

/* Nothing waits in a slot because of a revision that is given up: no mark against another. */
static void slot_forgive(struct slot *slot, uint64_t given_up, struct instant at)
{
    if (slot->state == SLOT_WAITING && slot->last.revision == given_up)
        *slot = (struct slot){
            .state = SLOT_FILLED, .revision = slot->revision, .since = at, .last = slot->last};
}

static bool slot_has_admitted(const struct rollout *rollout, uint32_t slot, uint64_t revision)
{
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].slot == slot && rollout->workers[i].revision == revision &&
            rollout->workers[i].state == WORKER_ADMITTED)
            return true;
    return false;
}

static int apply_rollout_reverting(struct rollout *rollout, const struct record *record)
{
    if (rollout->state != ROLLOUT_FORWARD || rollout->trial != record->revision ||
        rollout->stable == 0)
        return 1;
    rollout->target = rollout->stable;
    rollout->reason = record->reason;
    rollout->progress = record->at;
    for (uint32_t i = 0; i < rollout->slot_n; i++) {
        slot_forgive(&rollout->slots[i], rollout->trial, record->at);
        rollout->slots[i].revision = rollout->stable;
    }
    state_enter(rollout, ROLLOUT_REVERTING, record->at);
    return 0;
}

static int apply_rollout_ended(struct rollout *rollout, const struct record *record)
{
    if (record->revision != rollout->trial) {
        (void)queue_remove(rollout, record->revision);
        return 0;
    }
    if (rollout->state != ROLLOUT_FORWARD && rollout->state != ROLLOUT_SETTLING &&
        rollout->state != ROLLOUT_REVERTING)
        return 1;
    /* Halted or superseded half-way: a slot keeps the revision that serves in it, not one that
     * has never come so far. */
    for (uint32_t i = 0; i < rollout->slot_n && rollout->state == ROLLOUT_FORWARD; i++) {
        struct slot *slot = &rollout->slots[i];

        if (slot_has_admitted(rollout, i, rollout->trial))
            continue;
        slot_forgive(slot, rollout->trial, record->at);
        if (slot->revision == rollout->trial)
            slot->revision = rollout->stable;
    }
    rollout->trial = 0;
    rollout->target = rollout->stable;
    rollout->reason = (struct reason){0};
    state_enter(rollout, ROLLOUT_STEADY, record->at);
    return 0;
}

static int apply_scaled(struct rollout *rollout, const struct record *record)
{
    const struct policy *policy = state_policy(rollout, rollout->target);

    if (!policy || record->workers == 0 || record->workers > SLOT_MAX)
        return 1;
    rollout->scale = record->workers;
    rollout->scale_base = policy->workers;
    return 0;
}

static int apply_stopping(struct rollout *rollout, const struct record *record)
{
    if (rollout_is_busy(rollout))
        return 1;
    rollout->reason = record->reason;
    state_enter(rollout, ROLLOUT_STOPPING, record->at);
    return 0;
}

static int apply_stopped(struct rollout *rollout, const struct record *record)
{
    if (rollout->state != ROLLOUT_STOPPING || rollout->worker_n > 0)
        return 1;
    state_enter(rollout, ROLLOUT_STOPPED, record->at);
    return 0;
}

static int apply_worker_started(struct rollout *rollout, const struct record *record)
{
    if (rollout->worker_n == WORKER_MAX || record->slot >= SLOT_MAX ||
        record->worker <= rollout->last_worker || !rollout_revision(rollout, record->revision))
        return 1;
    rollout->workers[rollout->worker_n++] = (struct worker){
        .id = record->worker,
        .revision = record->revision,
        .slot = record->slot,
        .state = WORKER_SPAWNING,
        .started = record->at,
        .since = record->at,
        .ready = INSTANT_NEVER,
        .expired = INSTANT_NEVER,
        .asked = INSTANT_NEVER,
        .deadline = INSTANT_NEVER,
        .ping_deadline = INSTANT_NEVER,
        .watchdog = state_policy(rollout, record->revision)->watchdog,
    };
    rollout->last_worker = record->worker;
    rollout->slots[record->slot].state = SLOT_FILLED;
    rollout->slots[record->slot].since = record->at;
    return 0;
}

/* The worker that the record names, moved to `state` with the record's deadline. */
static struct worker *worker_enter(struct rollout *rollout, const struct record *record,
                                   enum worker_state state)
{
    struct worker *worker = state_worker(rollout, record->worker);

    if (!worker)
        return NULL;
    worker->state = state;
    worker->since = record->at;
    worker->deadline = record->deadline;
    return worker;
}

static int apply_worker_spawned(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = worker_enter(rollout, record, WORKER_STARTING);

    if (!worker)
        return 1;
    worker->pid = record->pid;
    worker->start_time = record->start_time;
    return 0;
}

static int apply_worker_ready(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = worker_enter(rollout, record, WORKER_WARMING);

    if (!worker)
        return 1;
    worker->ready = record->at;
    return 0;
}

static int apply_worker_admitted(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = worker_enter(rollout, record, WORKER_ADMITTED);

    if (!worker)
        return 1;
    worker->deadline = INSTANT_NEVER;
    rollout->slots[worker->slot].revision = worker->revision;
    /* An old one that comes back after a crash brings the rollout no further. */
    if (worker->revision == rollout->target)
        rollout->progress = record->at;
    return 0;
}

static int apply_worker_extended(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = state_worker(rollout, record->worker);

    if (!worker)
        return 1;
    worker->deadline = record->deadline;
    return 0;
}

static int apply_worker_watchdog(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = state_worker(rollout, record->worker);

    if (!worker)
        return 1;
    worker->watchdog = record->watchdog;
    return 0;
}

static int apply_worker_expired(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = state_worker(rollout, record->worker);

    if (!worker)
        return 1;
    worker->expired = record->at;
    return 0;
}

static int apply_worker_asked(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = state_worker(rollout, record->worker);

    if (!worker)
        return 1;
    worker->asked = record->at;
    return 0;
}

/* Where nothing else is known, what serves is what is to be kept. And nothing is started by an
 * app that stops, so its stop is over, and what was known last is older than the worker. */
static void state_keep_found(struct rollout *rollout, uint64_t revision, struct instant at)
{
    if (rollout->state == ROLLOUT_STOPPING || rollout->state == ROLLOUT_STOPPED) {
        rollout->reason = (struct reason){0};
        rollout->target = rollout->stable;
        state_enter(rollout, ROLLOUT_STEADY, at);
    }
    if (rollout_revision(rollout, rollout->trial))
        return;
    if (!rollout_revision(rollout, rollout->stable))
        rollout->stable = revision;
    if (!rollout_revision(rollout, rollout->target))
        rollout->target = rollout->stable;
}

static int apply_worker_found(struct rollout *rollout, const struct record *record)
{
    size_t i = worker_index(rollout, record->worker);
    struct slot *slot;

    if (rollout->worker_n == WORKER_MAX || record->slot >= SLOT_MAX || record->worker == 0 ||
        !rollout_revision(rollout, record->revision) ||
        (i < rollout->worker_n && rollout->workers[i].id == record->worker))
        return 1;
    memmove(&rollout->workers[i + 1], &rollout->workers[i],
            (rollout->worker_n - i) * sizeof(rollout->workers[0]));
    rollout->worker_n++;
    rollout->workers[i] = (struct worker){
        .id = record->worker,
        .revision = record->revision,
        .slot = record->slot,
        .state = WORKER_ADMITTED,
        .started = record->at,
        .since = record->at,
        .ready = record->at,
        .expired = INSTANT_NEVER,
        .asked = INSTANT_NEVER,
        .deadline = INSTANT_NEVER,
        .pid = record->pid,
        .start_time = record->start_time,
        .watchdog = state_policy(rollout, record->revision)->watchdog,
        .ping_deadline = INSTANT_NEVER,
    };
    if (rollout->last_worker < record->worker)
        rollout->last_worker = record->worker;
    state_keep_found(rollout, record->revision, record->at);
    slot = &rollout->slots[record->slot];
    if (slot->state == SLOT_VACANT || record->revision == rollout->target) {
        slot->state = SLOT_FILLED;
        slot->since = record->at;
    }
    /* As one that is admitted; but it does not bring its slot back to an old revision. */
    if (record->revision == rollout->target)
        slot->revision = record->revision;
    return 0;
}

static int apply_worker_retired(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = worker_enter(rollout, record, WORKER_DRAINING);

    if (!worker)
        return 1;
    worker->ping_deadline = INSTANT_NEVER;
    worker->failure = record->reason;
    return 0;
}

static int apply_worker_killed(struct rollout *rollout, const struct record *record)
{
    struct worker *worker = worker_enter(rollout, record, WORKER_KILLING);

    if (!worker)
        return 1;
    worker->ping_deadline = INSTANT_NEVER;
    if (record->reason.cause != CAUSE_NONE)
        worker->failure = record->reason;
    return 0;
}

static int apply_worker_gone(struct rollout *rollout, const struct record *record)
{
    size_t i = worker_index(rollout, record->worker);

    if (i == rollout->worker_n || rollout->workers[i].id != record->worker)
        return 1;
    rollout->worker_n--;
    memmove(&rollout->workers[i], &rollout->workers[i + 1],
            (rollout->worker_n - i) * sizeof(rollout->workers[0]));
    return 0;
}

static int apply_slot_waiting(struct rollout *rollout, const struct record *record)
{
    struct slot *slot;

    if (record->slot >= rollout->slot_n)
        return 1;
    slot = &rollout->slots[record->slot];
    slot->state = SLOT_WAITING;
    slot->since = record->at;
    slot->failures = record->failures;
    slot->retry = record->deadline;
    slot->last = record->reason;
    if (rollout->state == ROLLOUT_FORWARD && record->reason.revision == rollout->trial)
        rollout->failures++;
    return 0;
}

static int apply_snapshot(struct rollout *rollout, const struct record *record)
{
    bool trying = record->state == ROLLOUT_FORWARD || record->state == ROLLOUT_SETTLING ||
                  record->state == ROLLOUT_REVERTING;

    if (record->state >= ROLLOUT_STATE_N || record->workers > SLOT_MAX ||
        trying != (record->trial != 0))
        return 1;
    rollout->worker_n = 0;
    rollout->queue_n = 0;
    rollout->revision_n = 0;
    memset(rollout->slots, 0, rollout->slot_n * sizeof(rollout->slots[0]));
    rollout->slot_n = 0;
    rollout->state = (enum rollout_state)record->state;
    rollout->since = record->since;
    rollout->progress = record->progress;
    rollout->stable = record->stable;
    rollout->target = record->target;
    rollout->trial = record->trial;
    rollout->reason = record->reason;
    rollout->failures = record->failures;
    rollout->scale = record->workers;
    rollout->scale_base = record->scale_base;
    rollout->last_revision = record->last_revision;
    rollout->last_worker = record->last_worker;
    return 0;
}

static int apply_snapshot_slot(struct rollout *rollout, const struct record *record)
{
    if (record->slot >= SLOT_MAX || record->state >= SLOT_STATE_N)
        return 1;
    rollout->slots[record->slot] = (struct slot){
        .state = (enum slot_state)record->state,
        .revision = record->revision,
        .failures = record->failures,
        .since = record->since,
        .retry = record->deadline,
        .last = record->reason,
    };
    if (rollout->slot_n <= record->slot)
        rollout->slot_n = record->slot + 1;
    return 0;
}

static int apply_snapshot_worker(struct rollout *rollout, const struct record *record)
{
    size_t n = rollout->worker_n;

    if (n == WORKER_MAX || record->slot >= SLOT_MAX || record->state >= WORKER_STATE_N ||
        record->worker > rollout->last_worker || !rollout_revision(rollout, record->revision) ||
        (n > 0 && rollout->workers[n - 1].id >= record->worker))
        return 1;
    rollout->workers[rollout->worker_n++] = (struct worker){
        .id = record->worker,
        .revision = record->revision,
        .slot = record->slot,
        .state = (enum worker_state)record->state,
        .started = record->started,
        .since = record->since,
        .ready = record->ready,
        .expired = record->expired,
        .asked = record->asked,
        .deadline = record->deadline,
        .pid = record->pid,
        .start_time = record->start_time,
        .failure = record->reason,
        .watchdog = record->watchdog,
        .ping_deadline = INSTANT_NEVER,
    };
    return 0;
}

static apply_function *const apply_functions[RECORD_N] = {
    [RECORD_BOOTED] = apply_booted,
    [RECORD_ADOPTED] = apply_adopted,
    [RECORD_STABLE_LOST] = apply_stable_lost,
    [RECORD_REVISION_ACCEPTED] = apply_revision_accepted,
    [RECORD_REVISION_FORGOTTEN] = apply_revision_forgotten,
    [RECORD_QUEUED] = apply_queued,
    [RECORD_ROLLOUT_STARTED] = apply_rollout_started,
    [RECORD_ROLLOUT_PROMOTED] = apply_rollout_promoted,
    [RECORD_ROLLOUT_REVERTING] = apply_rollout_reverting,
    [RECORD_ROLLOUT_ENDED] = apply_rollout_ended,
    [RECORD_SCALED] = apply_scaled,
    [RECORD_STOPPING] = apply_stopping,
    [RECORD_STOPPED] = apply_stopped,
    [RECORD_WORKER_STARTED] = apply_worker_started,
    [RECORD_WORKER_SPAWNED] = apply_worker_spawned,
    [RECORD_WORKER_READY] = apply_worker_ready,
    [RECORD_WORKER_ADMITTED] = apply_worker_admitted,
    [RECORD_WORKER_EXTENDED] = apply_worker_extended,
    [RECORD_WORKER_WATCHDOG] = apply_worker_watchdog,
    [RECORD_WORKER_EXPIRED] = apply_worker_expired,
    [RECORD_WORKER_ASKED] = apply_worker_asked,
    [RECORD_WORKER_FOUND] = apply_worker_found,
    [RECORD_WORKER_RETIRED] = apply_worker_retired,
    [RECORD_WORKER_KILLED] = apply_worker_killed,
    [RECORD_WORKER_GONE] = apply_worker_gone,
    [RECORD_SLOT_WAITING] = apply_slot_waiting,
    [RECORD_SNAPSHOT] = apply_snapshot,
    [RECORD_SNAPSHOT_SLOT] = apply_snapshot_slot,
    [RECORD_SNAPSHOT_WORKER] = apply_snapshot_worker,
};

int state_apply(struct rollout *rollout, const struct record *record)
{
    int r;

    assert(record->kind < RECORD_N);
    r = apply_functions[record->kind](rollout, record);
    /* A snapshot's own slots come after it, and settle nothing until the last is there. */
    if (r == 0 && record->kind != RECORD_SNAPSHOT && record->kind != RECORD_SNAPSHOT_SLOT)
        state_settle_slots(rollout);
    return r;
}

int rollout_replay(struct rollout *rollout, const struct record *record)
{
    return state_apply(rollout, record);
}
