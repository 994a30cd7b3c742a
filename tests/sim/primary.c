/* The shell around the core, as src/reloadd has it: records to disk, then the effects one by
 * one, the answers to EFFECT_SPAWN before anything else. Between any two of its acts the
 * primary may die; every caller looks whether it lives before it goes on. */
#include "sim.h"

#include "core/trace.h"

#include <assert.h>
#include <errno.h>

#define JOURNAL_RETRY span_from_ms(5000)

void primary_kill(struct sim *sim)
{
    struct primary *primary = &sim->primary;
    bool soon = sim->calm || !chance_one_in(&sim->chance, 5);

    if (!primary->alive)
        return;
    sim_trace(sim, "the primary dies");
    sim->deaths++;
    primary->alive = false;
    primary->life++;
    primary->fuse = FUSE_NONE;
    primary->posted_n = 0;
    primary->answer_n = 0;
    primary->wakes = (struct instant){0};
    primary->born =
        instant_plus(sim->now, chance_ms(&sim->chance, soon ? 1 : 100, soon ? 60 : 20000));
    world_orphan(sim);
}

bool primary_dies(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    if (!primary->alive)
        return true;
    if (sim->chance.script && sim->deaths_left > 0 && chance_choose(&sim->chance, 2) == 1) {
        sim->deaths_left--;
        primary_kill(sim);
    }
    if (primary->fuse != FUSE_NONE && --primary->fuse == FUSE_NONE)
        primary_kill(sim);
    return !primary->alive;
}

void primary_post(struct sim *sim, const struct event *event)
{
    assert(sim->primary.alive && sim->primary.posted_n < POSTED_MAX);
    sim->primary.posted[sim->primary.posted_n++] = *event;
}

static void answer(struct sim *sim, const struct event *event)
{
    sim->primary.answers[sim->primary.answer_n++] = *event;
}

/* The journal. */

static void journal_lost(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    sim_trace(sim, "the journal can't be written");
    sim->disk.behind = true;
    primary->retry = instant_plus(sim->now, JOURNAL_RETRY);
    primary_post(sim, &(struct event){.kind = EVENT_JOURNAL_LOST});
}

bool primary_compact(struct sim *sim)
{
    struct primary *primary = &sim->primary;
    bool was_behind = sim->disk.behind;

    if (sim->disk.failing) {
        primary->retry = instant_plus(sim->now, JOURNAL_RETRY);
        if (!was_behind)
            journal_lost(sim);
        return false;
    }
    if (primary_dies(sim))
        return false;
    rollout_snapshot(primary->rollout, sim->now, primary->scratch);
    disk_replace(&sim->disk, primary->scratch);
    sim_trace(sim, "the journal is compacted");
    disk_blank(primary->mirror);
    for (size_t i = 0; i < primary->scratch->record_n; i++) {
        struct record record = disk_kept(&primary->scratch->records[i]);

        if (rollout_replay(primary->mirror, &record) != 0)
            sim_violate(sim, "durable: the snapshot does not replay");
    }
    for (uint64_t i = 1; i < WISH_MAX && was_behind; i++) {
        struct wish *wish = &sim->wishes[i];

        wish->ended_seq = wish->ended > 0 ? sim->disk.synced : 0;
        if (wish->wished_seq > 0)
            wish->wished_seq = sim->disk.synced;
        if (wish->accepted_seq > 0)
            wish->accepted_seq = sim->disk.synced;
    }
    oracle_durable(sim);
    return !primary_dies(sim);
}

static void append(struct sim *sim, const struct record *record)
{
    struct record kept = disk_kept(record);

    disk_append(&sim->disk, record);
    oracle_recorded(sim, record, true);
    if (rollout_replay(sim->primary.mirror, &kept) != 0)
        sim_violate(sim, "durable: a record does not replay");
}

/* Returns false where the primary died of it. */
static bool persist(struct sim *sim)
{
    struct primary *primary = &sim->primary;
    const struct update *update = primary->update;

    if (sim->disk.failing && !sim->disk.behind && update->record_n > 0)
        journal_lost(sim);
    if (sim->disk.behind) {
        for (size_t i = 0; i < update->record_n; i++)
            oracle_recorded(sim, &update->records[i], false);
        return true;
    }
    for (size_t i = 0; i < update->record_n; i++) {
        if (primary_dies(sim)) {
            if (chance_one_in(&sim->chance, 2))
                disk_tear(&sim->disk, &update->records[i]);
            return false;
        }
        append(sim, &update->records[i]);
    }
    oracle_durable(sim);
    if (primary_dies(sim))
        return false;
    if (update->effect_n > 0)
        disk_sync(&sim->disk);
    return true;
}

/* The effects. */

static void effect_spawn(struct sim *sim, const struct effect *effect)
{
    struct event failed = {.kind = EVENT_SPAWN_FAILED,
                           .worker = effect->worker,
                           .exit = {.cause = CAUSE_SPAWN_FAILED, .code = ENOENT}};
    struct process *process;

    if (sim->temper.spawn > 0 && !sim->calm && chance_one_in(&sim->chance, sim->temper.spawn)) {
        answer(sim, &failed);
        return;
    }
    process = world_bear(sim, effect);
    oracle_born(sim, process);
    if (primary_dies(sim))
        return;
    process->stored = true;
    process->watched = true;
    answer(sim, &(struct event){.kind = EVENT_SPAWNED,
                                .worker = process->worker,
                                .pid = process->pid,
                                .start_time = process->start_time});
}

static void send_drain_signal(struct sim *sim, struct process *process)
{
    process->signal_at = INSTANT_NEVER;
    world_signal_drain(sim, process);
    primary_post(sim, &(struct event){.kind = EVENT_ASKED, .worker = process->worker});
}

/* One that has served is signalled when its connections are quiet (src/reloadd/drain.h). */
static void effect_drain(struct sim *sim, const struct effect *effect)
{
    struct process *process = world_find(sim, effect->worker);

    if (!process)
        return;
    if (process->serves && chance_one_in(&sim->chance, 2))
        process->signal_at = instant_plus(sim->now, chance_ms(&sim->chance, 10, 500));
    else
        send_drain_signal(sim, process);
}

static void effect_on_process(struct sim *sim, const struct effect *effect)
{
    struct process *process = world_find(sim, effect->worker);

    if (!process)
        return;
    if (effect->kind == EFFECT_ABORT) {
        oracle_aborted(sim, process);
        world_abort(sim, process);
    } else if (effect->kind == EFFECT_KILL) {
        oracle_killed(sim, process);
        world_kill(sim, process);
    } else {
        oracle_swept(sim, process);
        process->stored = false;
    }
}

static void effect_close_listeners(struct sim *sim)
{
    if (sim->primary.rollout->state < ROLLOUT_STOPPING)
        sim_violate(sim, "listeners: closed, and the app is not stopping");
    sim->primary.listeners = 0;
}

static void effect_exit(struct sim *sim)
{
    if (sim->primary.rollout->state != ROLLOUT_STOPPED)
        sim_violate(sim, "orphan: the primary leaves before it has stopped");
    sim_trace(sim, "the primary leaves");
    sim->primary.alive = false;
    sim->primary.exited = true;
    world_orphan(sim);
    sim->notice_n = 0; /* their sockets are gone */
    sim->primary.posted_n = 0;
    sim->primary.answer_n = 0;
}

static void run_effect(struct sim *sim, const struct effect *effect)
{
    switch (effect->kind) {
    case EFFECT_SPAWN:
        effect_spawn(sim, effect);
        return;
    case EFFECT_DRAIN:
        effect_drain(sim, effect);
        return;
    case EFFECT_ABORT:
    case EFFECT_KILL:
    case EFFECT_SWEEP:
        effect_on_process(sim, effect);
        return;
    case EFFECT_OUTCOME:
        wishes_tell(sim, effect);
        return;
    case EFFECT_FORGET:
        wish_of(sim, effect->revision)->pinned = false;
        sim->primary.listeners_changed = true;
        return;
    case EFFECT_CLOSE_LISTENERS:
        effect_close_listeners(sim);
        return;
    case EFFECT_EXIT:
        effect_exit(sim);
        return;
    case EFFECT_N:
        break;
    }
    sim_violate(sim, "contract: there is no such effect");
}

/* The steps. */

static void trace_step(const struct sim *sim, const struct event *event)
{
    const struct update *update = sim->primary.update;
    char text[256];

    if (!sim->trace)
        return;
    sim_trace(sim, "%s %llu", event_name(event->kind),
              (unsigned long long)(event->worker ? event->worker : event->revision));
    for (size_t i = 0; i < update->record_n; i++)
        (void)fprintf(sim->trace, "           | %s\n",
                      record_describe(&update->records[i], text, sizeof(text)));
    for (size_t i = 0; i < update->effect_n; i++)
        (void)fprintf(
            sim->trace, "           > %s %llu\n", effect_name(update->effects[i].kind),
            (unsigned long long)(update->effects[i].worker ? update->effects[i].worker
                                                           : update->effects[i].revision));
}

static void step(struct sim *sim, struct event event)
{
    struct primary *primary = &sim->primary;

    event.at = sim->now;
    event.noise = chance_below(&sim->chance, UINT32_MAX);
    sim->steps++;
    rollout_step(primary->rollout, &event, primary->update);
    trace_step(sim, &event);
    oracle_stepped(sim, &event);
    for (size_t i = 0; i < primary->update->record_n; i++)
        primary->listeners_changed |= primary->update->records[i].kind == RECORD_WORKER_GONE ||
                                      primary->update->records[i].kind == RECORD_ROLLOUT_ENDED;
    if (sim->wrong || !persist(sim))
        return;
    for (size_t i = 0; i < primary->update->effect_n && !sim->wrong; i++) {
        if (primary_dies(sim))
            return;
        run_effect(sim, &primary->update->effects[i]);
    }
}

/* Those that no revision in use has any more. */
static void close_listeners(struct sim *sim)
{
    struct primary *primary = &sim->primary;
    uint32_t wanted = 0;

    if (!primary->listeners_changed || primary->rollout->state >= ROLLOUT_STOPPING)
        return;
    primary->listeners_changed = false;
    for (uint64_t i = 1; i <= primary->rollout->last_revision; i++)
        if (sim->wishes[i].pinned && rollout_uses(primary->rollout, i))
            wanted |= sim->wishes[i].listeners;
    primary->listeners &= wanted;
}

static struct event take_first(struct event *events, size_t *n)
{
    struct event first = events[0];

    --*n;
    for (size_t i = 0; i < *n; i++)
        events[i] = events[i + 1];
    return first;
}

void primary_pump(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    while (primary->alive && !sim->wrong && (primary->answer_n > 0 || primary->posted_n > 0)) {
        if (primary_dies(sim))
            return;
        step(sim, primary->answer_n > 0 ? take_first(primary->answers, &primary->answer_n)
                                        : take_first(primary->posted, &primary->posted_n));
    }
    if (!primary->alive || sim->wrong)
        return;
    close_listeners(sim);
    if (!sim->disk.behind && chance_one_in(&sim->chance, 60))
        (void)primary_compact(sim);
    if (primary->alive && primary->posted_n > 0)
        primary_pump(sim); /* the compaction was the one that lost the journal */
    else if (primary->alive && !sim->wrong)
        oracle_settled(sim);
}

void primary_take(struct sim *sim, const struct event *event)
{
    primary_post(sim, event);
    primary_pump(sim);
}

void primary_signal_due(struct sim *sim)
{
    for (size_t i = 0; i < sim->process_n && sim->primary.alive; i++) {
        struct process *process = &sim->processes[i];

        if (!instant_reached(sim->now, process->signal_at))
            continue;
        send_drain_signal(sim, process);
        if (!primary_dies(sim))
            primary_pump(sim);
    }
    if (sim->primary.alive && sim->disk.behind && instant_reached(sim->now, sim->primary.retry))
        (void)primary_compact(sim);
}

struct instant primary_wake(const struct sim *sim)
{
    struct instant wake = rollout_wake(sim->primary.rollout);

    for (size_t i = 0; i < sim->process_n; i++)
        wake = instant_earlier(wake, sim->processes[i].signal_at);
    if (sim->disk.behind)
        wake = instant_earlier(wake, sim->primary.retry);
    return wake;
}
