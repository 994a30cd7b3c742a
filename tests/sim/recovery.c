/* How a primary begins: the disk is replayed, and what it says is compared with who lives
 * (src/reloadd/recover.c). */
#include "sim.h"

static void replay(struct sim *sim)
{
    struct primary *primary = &sim->primary;
    bool stale = sim->disk.behind;
    const char *wrong = disk_replay(&sim->disk, primary->rollout);

    if (wrong)
        sim_violate(sim, wrong);
    else
        oracle_durable(sim);
    disk_sync(&sim->disk); /* what the dead primary did not come to: it is about to be told */
    if (!stale)
        return;
    /* What was not written down is not known to anybody: the old truth is the only one. */
    sim->disk.behind = false;
    sim->lost = true;
    for (uint64_t i = 1; i < WISH_MAX; i++) {
        struct wish *wish = &sim->wishes[i];

        wish->excused = true;
        if (wish->wished_seq == UINT64_MAX)
            wish->wished = false;
        if (wish->ended_seq == UINT64_MAX) {
            wish->ended = 0;
            wish->ended_seq = 0;
        }
        /* Its workers may still be found. */
        if (i > primary->rollout->last_revision)
            wish->wished = wish->accepted = wish->heard = false;
    }
    for (size_t i = 0; i < sim->process_n; i++) {
        struct process *process = &sim->processes[i];
        const struct worker *worker = rollout_worker(primary->rollout, process->worker);

        process->admitted = worker && worker->state == WORKER_ADMITTED;
        process->retired = worker && !worker_is_active(worker);
        process->patience = worker ? worker->deadline : INSTANT_NEVER;
        process->found = true;
    }
}

/* Accepted, and its rollout neither begun nor queued when the primary died. */
static bool is_unbegun(struct sim *sim, uint64_t revision)
{
    return revision > 0 && wish_of(sim, revision)->pinned && !wish_of(sim, revision)->wished &&
           wish_of(sim, revision)->ended == 0 && revision != sim->primary.rollout->stable &&
           rollout_revision(sim->primary.rollout, revision);
}

static bool is_due(struct sim *sim)
{
    for (size_t i = 0; i < sim->process_n; i++) {
        const struct process *process = &sim->processes[i];
        const struct worker *worker = rollout_worker(sim->primary.rollout, process->worker);

        if (process->stored || (process->alive && worker && worker->pid > 0))
            return true;
    }
    return false;
}

/* Through its cgroup: it is gone when that is empty. */
static void end_now(struct sim *sim, struct process *process)
{
    if (process && process->alive)
        world_end(sim, process, (struct reason){.cause = CAUSE_SIGNALED, .code = 9});
    if (process)
        process->stored = false;
}

static void adopt_known(struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;

    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *worker = &rollout->workers[i];
        struct process *process = world_find(sim, worker->id);
        struct event vanished = {
            .kind = EVENT_VANISHED, .worker = worker->id, .exit = {.cause = CAUSE_VANISHED}};

        if (worker->state == WORKER_SPAWNING)
            end_now(sim, process);
        if (process && process->alive) {
            process->watched = true;
            process->stored = true;
            continue;
        }
        if (process && chance_one_in(&sim->chance, 2))
            vanished.exit = process->exit;
        primary_post(sim, &vanished);
    }
}

/* Of those that the journal lacks, just the ones that the service manager knows the slot and
 * the revision of can be found; lowest revision first. */
static struct process *next_lacking(struct sim *sim)
{
    struct process *next = NULL;

    for (size_t i = 0; i < sim->process_n; i++) {
        struct process *process = &sim->processes[i];

        if (process->alive && !process->watched && process->stored &&
            (!next || process->revision < next->revision))
            next = process;
    }
    return next;
}

static void adopt_lacking(struct sim *sim)
{
    struct process *process;

    while ((process = next_lacking(sim))) {
        process->watched = true;
        process->found = true;
        wish_of(sim, process->revision)->pinned = true; /* pin_lacking() */
        sim->primary.listeners |= wish_of(sim, process->revision)->listeners;
        primary_post(sim, &(struct event){.kind = EVENT_FOUND,
                                          .worker = process->worker,
                                          .slot = process->slot,
                                          .revision = process->revision,
                                          .policy = &wish_of(sim, process->revision)->policy,
                                          .pid = process->pid,
                                          .start_time = process->start_time});
    }
}

static void sweep(struct sim *sim)
{
    for (size_t i = 0; i < sim->process_n; i++) {
        if (!sim->processes[i].alive)
            sim->processes[i].stored = false; /* told by VANISHED, or known to have ended */
        if (sim->processes[i].alive && !sim->processes[i].watched)
            end_now(sim, &sim->processes[i]);
    }
}

/* Who is seen to accept is seen again; what was only said, and read by the dead primary, is
 * lost. */
static void look_again(struct sim *sim)
{
    for (size_t i = 0; i < sim->process_n; i++) {
        const struct process *process = &sim->processes[i];

        if (process->alive && process->serves &&
            wish_of(sim, process->revision)->policy.readiness == READINESS_AUTO)
            world_post(sim, instant_plus(sim->now, span_from_ms(5)),
                       (struct event){.kind = EVENT_READY, .worker = process->worker}, false);
    }
}

static void adopt(struct sim *sim)
{
    uint64_t last = sim->primary.rollout->last_revision;

    adopt_known(sim);
    adopt_lacking(sim);
    sweep(sim);
    if (primary_dies(sim))
        return;
    primary_post(sim, &(struct event){.kind = EVENT_ADOPT,
                                      .revision = is_unbegun(sim, last) ? last : 0});
    primary_pump(sim);
    if (sim->primary.alive)
        look_again(sim);
}

/* As begin() in src/reloadd/primary.c: what the stable revision runs may be what the
 * configuration says, or not. */
static void boot(struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;
    bool same = rollout_revision(rollout, rollout->stable) && chance_one_in(&sim->chance, 2);
    struct event event = {.kind = EVENT_BOOT};

    sweep(sim);
    for (size_t i = 0; i < sim->process_n; i++)
        sim->processes[i].stored = false;
    /* end_unbegun(): the history says that it failed with its primary. */
    if (is_unbegun(sim, rollout->last_revision))
        wish_of(sim, rollout->last_revision)->accepted = false;
    if (!same)
        event.revision = primary_accept(sim);
    primary_post(sim, &event);
    primary_pump(sim);
}

void primary_begin(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    sim_trace(sim, "a primary begins");
    primary->alive = true;
    primary->exited = false;
    replay(sim);
    if (sim->wrong)
        return;
    primary->listeners = 0;
    for (uint64_t i = 1; i < WISH_MAX; i++) {
        sim->wishes[i].pinned =
            i <= primary->rollout->last_revision && rollout_revision(primary->rollout, i);
        if (sim->wishes[i].pinned &&
            (rollout_uses(primary->rollout, i) ||
             (i == primary->rollout->last_revision && is_unbegun(sim, i))))
            primary->listeners |= sim->wishes[i].listeners;
    }
    wishes_ask_again(sim);
    if (primary_dies(sim))
        return;
    if (is_due(sim))
        adopt(sim);
    else
        boot(sim);
}

static struct policy draw_policy(struct sim *sim)
{
    static const struct share shares[] = {{1, false}, {0, false},  {2, false},
                                          {25, true}, {100, true}, {50, true}};
    static const uint32_t seconds[] = {0, 2, 5, 20, 90};
    struct chance *chance = &sim->chance;
    enum readiness readiness =
        chance_one_in(chance, 4) ? (enum readiness)chance_below(chance, 3) : READINESS_AUTO;

    return (struct policy){
        .workers = 1 + chance_below(chance, 4) + (chance->script != NULL),
        .readiness = readiness,
        .readiness_timeout = span_from_ms(5000),
        .readiness_delay = span_from_ms(1000u * seconds[chance_below(chance, 3)]),
        .watchdog = span_from_ms(chance_one_in(chance, 8) ? 3000 : 0),
        .min_ready = span_from_ms(1000u * seconds[chance_below(chance, 3)]),
        .drain_timeout =
            span_from_ms(1000u * seconds[chance->script ? 2 : chance_below(chance, 5)]),
        .progress_deadline = span_from_ms(1000u * seconds[3 + chance_below(chance, 2)]),
        .restart_initial = span_from_ms(100),
        .restart_max = span_from_ms(15000),
        .restart_reset = span_from_ms(30000),
        .recycle_age = span_from_ms(chance_one_in(chance, 8) ? 60000 : 0),
        .recycle_memory = 1,
        .max_surge = shares[chance_below(chance, 6)],
        .max_unavailable = chance->script ? shares[1] : shares[chance_below(chance, 6)],
        .max_failures = chance_below(chance, 4),
        .auto_rollback = !chance_one_in(chance, 4),
    };
}

uint64_t primary_accept(struct sim *sim)
{
    uint64_t revision = sim->primary.rollout->last_revision + 1;
    struct wish *wish = wish_of(sim, revision);

    *wish = (struct wish){.policy = draw_policy(sim), .pinned = true};
    if (sim->temper.quality > 0 && chance_one_in(&sim->chance, sim->temper.quality))
        wish->quality = (enum quality)chance_below(&sim->chance, QUALITY_N);
    wish->listeners = 1 + chance_below(&sim->chance, (1u << LISTENER_COUNT) - 1);
    sim->primary.listeners |= wish->listeners;
    primary_post(sim, &(struct event){
                          .kind = EVENT_ACCEPT, .revision = revision, .policy = &wish->policy});
    return revision;
}
