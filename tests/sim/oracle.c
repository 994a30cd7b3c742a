/* The invariants. What the core answers is judged by what is really there: the processes, the
 * disk, what clients have heard. A violation begins with the invariant's name and a colon. */
#include "sim.h"

#include "difference.h"

#define ABORT_GRACE span_from_ms(5000)

static const struct policy *target_policy(const struct rollout *rollout)
{
    const struct revision *revision = rollout_revision(rollout, rollout->target);

    return revision ? &revision->policy : NULL;
}

/* capacity, order */

static uint32_t count_admitted(const struct rollout *rollout)
{
    uint32_t desired = rollout_desired(rollout);
    uint32_t n = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        n += rollout->workers[i].state == WORKER_ADMITTED && rollout->workers[i].slot < desired;
    return n;
}

static bool slot_serves(const struct rollout *rollout, uint32_t slot)
{
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].slot == slot && rollout->workers[i].state == WORKER_ADMITTED)
            return true;
    return false;
}

/* Nobody who serves is taken away below desired - max_unavailable, but for the user's own word
 * (scale, stop) and for its own failure. The mirror is where the records before this one have
 * led: a slot that nobody wanted then may be wanted again by the next rollout in the queue. */
static void check_retired(struct sim *sim, const struct record *record)
{
    const struct rollout *rollout = sim->primary.rollout;
    const struct policy *policy = target_policy(rollout);
    const struct process *process = world_find(sim, record->worker);
    uint32_t desired = rollout_desired(rollout);
    uint32_t unavailable;

    if (sim->scaling || rollout->state >= ROLLOUT_STOPPING || !process || !process->admitted ||
        process->retired || process->slot >= desired || !policy ||
        (!sim->disk.behind && process->slot >= rollout_desired(sim->primary.mirror)) ||
        record->reason.cause != CAUSE_NONE || slot_serves(rollout, process->slot))
        return;
    unavailable = policy_unavailable(policy, desired);
    /* Twins that were found where the journal was lost serve for each other. */
    if (unavailable == 0 && !(sim->lost && count_admitted(rollout) >= desired))
        sim_violate(sim, "order: a serving worker was retired before its replacement served");
    else if (count_admitted(rollout) + unavailable < desired)
        sim_violate(sim, "capacity: fewer serve than desired - max_unavailable");
}

/* surge */

static void check_started(struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;
    const struct policy *policy = target_policy(rollout);
    uint32_t desired = rollout_desired(rollout);
    uint32_t active = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        active += worker_is_active(&rollout->workers[i]) && rollout->workers[i].slot < desired;
    if (!policy || active > desired + policy_surge(policy, desired))
        sim_violate(sim, "surge: more workers than desired + max_surge");
}

void oracle_born(struct sim *sim, const struct process *process)
{
    const struct rollout *rollout = sim->primary.rollout;
    const struct policy *policy = target_policy(rollout);
    uint32_t desired = rollout_desired(rollout);
    uint32_t staying = 0;

    for (size_t i = 0; i < sim->process_n; i++) {
        const struct process *other = &sim->processes[i];

        if (other != process && other->alive && other->worker == process->worker)
            sim_violate(sim, "twin: two processes are one worker");
        staying += other->alive && !other->retired && other->slot < desired;
    }
    if (!sim->disk.behind && policy && staying > desired + policy_surge(policy, desired))
        sim_violate(sim, "surge: more processes than desired + max_surge");
}

/* patience */

void oracle_drained(struct sim *sim, struct process *process)
{
    if (!process->retired)
        sim_violate(sim, "patience: asked to go, and nothing on disk says so");
    if (process->signals == 0 || process->found)
        return;
    if (process->asked || process->signal_life == sim->primary.life)
        sim_violate(sim, "patience: two drain signals, which ends many programs at once");
}

void oracle_killed(struct sim *sim, const struct process *process)
{
    if (!process->retired)
        sim_violate(sim, "patience: killed though nobody had asked it to go");
    else if (!instant_reached(sim->now, process->patience))
        sim_violate(sim, "patience: killed before its deadline");
    else if (process->alive && process->signals == 0 && !process->hurried && !process->found &&
             wish_of(sim, process->revision)->policy.drain_timeout.nanoseconds > 0)
        sim_violate(sim, "patience: killed and never asked to go");
}

void oracle_aborted(struct sim *sim, const struct process *process)
{
    if (!process->has_triggered && !instant_reached(sim->now, process->bites))
        sim_violate(sim, "patience: aborted though it fed its watchdog");
}

void oracle_swept(struct sim *sim, const struct process *process)
{
    if (process->alive)
        sim_violate(sim, "orphan: given up, and its process lives");
}

/* What the event means for the watchdogs, and the update for those who serve. */

static void hear(struct sim *sim, struct process *process, const struct event *event)
{
    const struct worker *worker = rollout_worker(sim->primary.rollout, process->worker);

    if (event->kind == EVENT_TRIGGER)
        process->has_triggered = true;
    if (event->kind == EVENT_HURRY && process->retired) {
        process->patience = sim->now;
        process->hurried = true;
    }
    if (!worker || worker->watchdog.nanoseconds == 0)
        process->bites = INSTANT_NEVER;
    else if (event->kind == EVENT_PING || event->kind == EVENT_WATCHDOG_SET ||
             event->kind == EVENT_ADOPT || worker->ready.nanoseconds == sim->now.nanoseconds ||
             instant_is_never(process->bites))
        process->bites = instant_plus(sim->now, worker->watchdog);
}

void oracle_stepped(struct sim *sim, const struct event *event)
{
    const struct update *update = sim->primary.update;

    for (size_t i = 0; i < sim->process_n; i++) {
        struct process *process = &sim->processes[i];

        if (event->worker == 0 || event->worker == process->worker)
            hear(sim, process, event);
    }
    for (size_t i = 0; i < update->record_n; i++)
        if (update->records[i].kind == RECORD_WORKER_STARTED)
            check_started(sim);
}

/* What is written down. */

static void record_ended(struct sim *sim, const struct record *record, bool on_disk)
{
    struct wish *wish = wish_of(sim, record->revision);

    if (wish->ended > 0 && !wish->excused)
        sim_violate(sim, "told: one reload, two outcomes");
    wish->ended++;
    wish->outcome = record->outcome;
    wish->ended_seq = on_disk ? sim->disk.seq : UINT64_MAX;
}

static void record_worker(struct sim *sim, const struct record *record, bool on_disk)
{
    struct process *process = world_find(sim, record->worker);

    if (!process)
        return;
    if (record->kind == RECORD_WORKER_ADMITTED) {
        process->admitted = true;
        if (!process->serves &&
            wish_of(sim, process->revision)->policy.readiness != READINESS_DELAY)
            sim_violate(sim, "capacity: admitted, and was never ready");
    }
    if (record->kind == RECORD_WORKER_FOUND && !process->serves && !sim->lost)
        sim_violate(sim, "capacity: found, and was never ready");
    if (record->kind == RECORD_WORKER_ASKED)
        process->asked |= on_disk;
    if (record->kind == RECORD_WORKER_RETIRED) {
        check_retired(sim, record);
        process->retired = true;
        process->patience =
            instant_plus(record->at, wish_of(sim, process->revision)->policy.drain_timeout);
    }
    if (record->kind == RECORD_WORKER_EXTENDED && process->retired) {
        if (record->deadline.nanoseconds < process->patience.nanoseconds &&
            !instant_reached(sim->now, process->patience))
            sim_violate(sim, "patience: a deadline came nearer");
        process->patience = record->deadline;
    }
    if (record->kind == RECORD_WORKER_KILLED && !process->retired) {
        process->retired = true;
        process->hurried = true; /* by its watchdog: SIGABRT was said instead */
        process->patience = instant_plus(record->at, ABORT_GRACE);
    }
}

void oracle_recorded(struct sim *sim, const struct record *record, bool on_disk)
{
    sim->scaling |= record->kind == RECORD_SCALED;
    if (record->kind == RECORD_ROLLOUT_ENDED)
        record_ended(sim, record, on_disk);
    if (record->kind == RECORD_REVISION_ACCEPTED && record->revision < WISH_MAX)
        wish_of(sim, record->revision)->accepted_seq = on_disk ? sim->disk.seq : UINT64_MAX;
    if (record->kind == RECORD_ROLLOUT_STARTED || record->kind == RECORD_QUEUED) {
        wish_of(sim, record->revision)->wished = true;
        wish_of(sim, record->revision)->wished_seq = on_disk ? sim->disk.seq : UINT64_MAX;
    }
    if (record_fields(record->kind) & FIELD_WORKER)
        record_worker(sim, record, on_disk);
}

void oracle_durable(struct sim *sim)
{
    const struct primary *primary = &sim->primary;
    const char *name;

    if (sim->disk.behind)
        return;
    name = difference_find(primary->mirror, primary->rollout);
    if (!name)
        return;
    sim_trace(sim, "the disk differs in %s", name);
    sim_violate(sim, "durable: the disk replays to another state");
}

/* When nothing is left to be taken. */

static void check_process(struct sim *sim, const struct process *process)
{
    const struct rollout *rollout = sim->primary.rollout;
    const struct worker *worker = rollout_worker(rollout, process->worker);
    uint32_t listeners = wish_of(sim, process->revision)->listeners;

    if (!process->alive)
        return;
    if (!worker || worker->pid != process->pid) {
        sim_violate(sim, "orphan: a process lives that the state does not know");
        return;
    }
    if (!process->watched)
        sim_violate(sim, "orphan: nobody would hear of a process's end");
    if (rollout->state >= ROLLOUT_STOPPING)
        return;
    if (!wish_of(sim, process->revision)->pinned)
        sim_violate(sim, "listeners: what a live worker runs was forgotten");
    if ((listeners & ~sim->primary.listeners) != 0)
        sim_violate(sim, "listeners: one was closed that a live worker serves");
}

static void check_wish(struct sim *sim, uint64_t revision)
{
    const struct rollout *rollout = sim->primary.rollout;
    const struct wish *wish = wish_of(sim, revision);
    bool open = rollout->trial == revision;

    for (size_t i = 0; i < rollout->queue_n; i++)
        open |= rollout->queue[i] == revision;
    if (wish->wished && wish->ended == 0 && !open)
        sim_violate(sim, "told: a reload is neither under way nor ended");
    if (wish->ended > 0 && open && !wish->excused)
        sim_violate(sim, "told: a reload has ended and is under way");
    if (open && (wish->listeners & ~sim->primary.listeners) != 0)
        sim_violate(sim, "listeners: one was closed that a reload needs");
}

void oracle_settled(struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;

    sim->scaling = false;
    for (size_t i = 0; i < sim->process_n; i++)
        check_process(sim, &sim->processes[i]);
    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct process *process = world_find(sim, rollout->workers[i].id);

        if (!process)
            sim_violate(sim, "orphan: the state knows a worker that never was");
        if (rollout->workers[i].state == WORKER_SPAWNING)
            sim_violate(sim, "contract: spawning, and everything was answered");
    }
    for (uint64_t i = 1; i <= rollout->last_revision; i++)
        check_wish(sim, i);
    if (rollout->state >= ROLLOUT_STOPPING && rollout_is_busy(rollout))
        sim_violate(sim, "told: stopping, and somebody still waits");
}

/* progress */

static bool nobody_lives(const struct sim *sim)
{
    for (size_t i = 0; i < sim->process_n; i++)
        if (sim->processes[i].alive)
            return false;
    return true;
}

/* Every desired slot is served by its own revision, by one worker, and nobody else lives. */
bool oracle_rests(const struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;
    uint32_t desired = rollout_desired(rollout);
    uint32_t living = 0;

    if (sim->primary.exited)
        return nobody_lives(sim);
    if (!sim->primary.alive || sim->disk.behind || rollout->state != ROLLOUT_STEADY ||
        rollout_is_busy(rollout) || desired == 0 || rollout->worker_n != desired)
        return false;
    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *worker = &rollout->workers[i];

        if (worker->state != WORKER_ADMITTED || worker->slot >= desired ||
            (worker->revision != rollout->slots[worker->slot].revision &&
             (!sim->lost || worker->revision != rollout->target)))
            return false;
    }
    for (size_t i = 0; i < sim->process_n; i++)
        living += sim->processes[i].alive;
    return living == desired;
}

void oracle_ended(struct sim *sim)
{
    for (uint64_t i = 1; i <= sim->primary.rollout->last_revision; i++) {
        const struct wish *wish = wish_of(sim, i);

        if ((wish->wished || wish->accepted) && wish->ended == 0)
            sim_violate(sim, "told: a reload was accepted, and never got its outcome");
        if (wish->accepted && !wish->heard)
            sim_violate(sim, "told: a client never heard the outcome");
    }
}
