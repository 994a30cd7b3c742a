/* The processes. Each has its whole character drawn at its birth, as times at which it does
 * something; nothing here knows of the core but by the notices that it sends. */
#include "sim.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

struct process *world_find(struct sim *sim, uint64_t worker)
{
    for (size_t i = sim->process_n; i > 0; i--)
        if (sim->processes[i - 1].worker == worker)
            return &sim->processes[i - 1];
    return NULL;
}

static struct instant after(const struct sim *sim, struct span span)
{
    return instant_plus(sim->now, span);
}

static void plan_readiness(struct sim *sim, struct process *process, enum quality quality)
{
    process->says_ready = after(sim, chance_ms(&sim->chance, 5, 2500));
    if (quality == QUALITY_DEAF || (quality == QUALITY_FLAKY && chance_one_in(&sim->chance, 4)))
        process->says_ready = INSTANT_NEVER;
    else if (!sim->calm && chance_one_in(&sim->chance, 8))
        process->says_ready = after(sim, chance_ms(&sim->chance, 2500, 9000));
    if (!sim->calm && chance_one_in(&sim->chance, 8))
        process->says_extend = after(sim, chance_ms(&sim->chance, 1, 4500));
}

static void plan_death(struct sim *sim, struct process *process, enum quality quality)
{
    struct chance *chance = &sim->chance;

    process->exit = chance_one_in(chance, 2)
                        ? (struct reason){.cause = CAUSE_SIGNALED, .code = SIGSEGV}
                        : (struct reason){.cause = CAUSE_EXITED, .code = 1};
    if (quality == QUALITY_BAD)
        process->dies = after(sim, chance_ms(chance, 0, 1500));
    else if (quality == QUALITY_FLAKY && chance_one_in(chance, 2))
        process->dies = after(sim, chance_ms(chance, 0, 30000));
    else if (!sim->calm && chance_one_in(chance, 12))
        process->dies = after(sim, chance_ms(chance, 0, 120000));
    if (!sim->calm && chance_one_in(chance, 40))
        process->exec_fails = after(sim, chance_ms(chance, 0, 20));
    if (!sim->calm && chance_one_in(chance, 30))
        process->swells = after(sim, chance_ms(chance, 0, 60000));
    if (!sim->calm && chance_one_in(chance, 12))
        process->sickens = after(sim, chance_ms(chance, 0, 60000));
    if (!sim->calm && chance_one_in(chance, 60))
        process->triggers = after(sim, chance_ms(chance, 0, 60000));
}

static void plan_end(struct sim *sim, struct process *process)
{
    struct chance *chance = &sim->chance;

    process->drains = chance_ms(chance, 0, 3000);
    process->resists = chance_ms(chance, 0, 20);
    if (sim->calm)
        return;
    if (chance_one_in(chance, 6))
        process->drains = chance_ms(chance, 3000, 40000);
    if (chance_one_in(chance, 12))
        process->drains = SPAN_FOREVER;
    if (chance_one_in(chance, 12))
        process->resists = chance_ms(chance, 500, 4000);
}

static void plan_watchdog(struct sim *sim, struct process *process, const struct policy *policy)
{
    struct span asked = span_from_ms(3000);
    uint64_t due = policy->watchdog.nanoseconds;

    if (!sim->calm && chance_one_in(&sim->chance, 20))
        process->asks_watchdog = after(sim, chance_ms(&sim->chance, 1, 5000));
    if (due == 0 && instant_is_never(process->asks_watchdog))
        return;
    if (due == 0 || (!instant_is_never(process->asks_watchdog) && due > asked.nanoseconds))
        due = asked.nanoseconds;
    process->ping_period = (struct span){due / 5 * 2};
    process->pings = after(sim, process->ping_period);
}

/* A number is used again where the journal that had it was lost: its socket is a new one. */
static void close_old_socket(struct sim *sim, uint64_t worker)
{
    size_t kept = 0;

    for (size_t i = 0; i < sim->notice_n; i++)
        if (sim->notices[i].event.worker != worker)
            sim->notices[kept++] = sim->notices[i];
    sim->notice_n = kept;
}

struct process *world_bear(struct sim *sim, const struct effect *spawn)
{
    const struct wish *wish = wish_of(sim, spawn->revision);
    enum quality quality = sim->calm ? QUALITY_GOOD : wish->quality;
    struct process *process;

    world_bury(sim);
    close_old_socket(sim, spawn->worker);
    assert(sim->process_n < PROCESS_MAX);
    process = &sim->processes[sim->process_n++];
    *process = (struct process){
        .worker = spawn->worker,
        .revision = spawn->revision,
        .slot = spawn->slot,
        .pid = ++sim->last_pid,
        .start_time = sim->now.nanoseconds / 10000000u,
        .alive = true,
        .exec_fails = INSTANT_NEVER,
        .says_ready = INSTANT_NEVER,
        .says_extend = INSTANT_NEVER,
        .asks_watchdog = INSTANT_NEVER,
        .pings = INSTANT_NEVER,
        .triggers = INSTANT_NEVER,
        .swells = INSTANT_NEVER,
        .sickens = INSTANT_NEVER,
        .dies = INSTANT_NEVER,
        .signal_at = INSTANT_NEVER,
        .patience = INSTANT_NEVER,
        .bites = INSTANT_NEVER,
        .says_twice = chance_one_in(&sim->chance, 10),
    };
    plan_end(sim, process);
    if (sim->chance.script && !sim->calm)
        return process; /* what it does is the script's choice */
    plan_readiness(sim, process, quality);
    plan_death(sim, process, quality);
    plan_watchdog(sim, process, &wish->policy);
    return process;
}

/* Notices. */

void world_post(struct sim *sim, struct instant at, struct event event, bool by_socket)
{
    assert(sim->notice_n < NOTICE_MAX);
    sim->notices[sim->notice_n++] = (struct notice){at, sim->order++, by_socket, event};
}

static struct span lateness(struct sim *sim)
{
    if (sim->temper.late > 0 && !sim->calm && chance_one_in(&sim->chance, sim->temper.late))
        return chance_ms(&sim->chance, 0, 4000);
    return chance_ms(&sim->chance, 0, 3);
}

static bool repeats(struct sim *sim)
{
    return sim->temper.twice > 0 && !sim->calm &&
           chance_one_in(&sim->chance, sim->temper.twice);
}

/* By the notify socket: in order, and never lost but by a primary that dies having read it. */
static void say(struct sim *sim, struct process *process, struct event event)
{
    struct instant at = after(sim, lateness(sim));

    at = instant_later(at, process->last_said);
    process->last_said = at;
    event.worker = process->worker;
    world_post(sim, at, event, true);
    if (repeats(sim))
        world_post(sim, at, event, true);
}

struct instant world_next_notice(const struct sim *sim)
{
    struct instant next = INSTANT_NEVER;

    for (size_t i = 0; i < sim->notice_n; i++)
        next = instant_earlier(next, sim->notices[i].at);
    return next;
}

bool world_take_notice(struct sim *sim, struct event *ret_event)
{
    size_t first = sim->notice_n;

    for (size_t i = 0; i < sim->notice_n; i++) {
        const struct notice *notice = &sim->notices[i];

        if (!instant_reached(sim->now, notice->at))
            continue;
        if (first == sim->notice_n ||
            notice->at.nanoseconds < sim->notices[first].at.nanoseconds ||
            (notice->at.nanoseconds == sim->notices[first].at.nanoseconds &&
             notice->order < sim->notices[first].order))
            first = i;
    }
    if (first == sim->notice_n)
        return false;
    *ret_event = sim->notices[first].event;
    sim->notices[first] = sim->notices[--sim->notice_n];
    return true;
}

/* What they do. */

void world_end(struct sim *sim, struct process *process, struct reason how)
{
    struct event exited = {.kind = EVENT_EXITED, .worker = process->worker, .exit = how};

    process->alive = false;
    process->exit = how;
    sim_trace(sim, "worker %llu ends", (unsigned long long)process->worker);
    if (!process->watched)
        return;
    world_post(sim, after(sim, lateness(sim)), exited, false);
    if (repeats(sim))
        world_post(sim, after(sim, lateness(sim)), exited, false);
}

static void go(struct sim *sim, struct process *process, struct span span)
{
    process->leaving = true;
    if (!sim->chance.script || sim->calm)
        process->dies = instant_earlier(process->dies, after(sim, span));
}

void world_signal_drain(struct sim *sim, struct process *process)
{
    oracle_drained(sim, process);
    process->signals++;
    process->signal_life = sim->primary.life;
    process->exit = (struct reason){.cause = CAUSE_EXITED};
    process->pings = INSTANT_NEVER;
    if (!process->alive)
        return;
    go(sim, process, process->drains);
    if (!sim->calm && chance_one_in(&sim->chance, 8))
        process->says_extend = after(sim, chance_ms(&sim->chance, 1, 3000));
}

void world_kill(struct sim *sim, struct process *process)
{
    if (!process->alive)
        return;
    process->exit = (struct reason){.cause = CAUSE_SIGNALED, .code = SIGKILL};
    go(sim, process, process->resists);
}

void world_abort(struct sim *sim, struct process *process)
{
    if (!process->alive || chance_one_in(&sim->chance, 4)) /* so deeply hung */
        return;
    process->exit = (struct reason){.cause = CAUSE_SIGNALED, .code = SIGABRT};
    go(sim, process, process->resists);
}

struct instant world_next(const struct sim *sim)
{
    struct instant next = INSTANT_NEVER;

    for (size_t i = 0; i < sim->process_n; i++) {
        const struct process *process = &sim->processes[i];

        if (!process->alive)
            continue;
        next = instant_earlier(next, process->dies);
        next = instant_earlier(next, process->exec_fails);
        next = instant_earlier(next, process->says_ready);
        next = instant_earlier(next, process->says_extend);
        next = instant_earlier(next, process->asks_watchdog);
        next = instant_earlier(next, process->pings);
        next = instant_earlier(next, process->triggers);
        next = instant_earlier(next, process->swells);
        next = instant_earlier(next, process->sickens);
    }
    return next;
}

/* Whether it is time for it; once. */
static bool is_due(const struct sim *sim, struct instant *at)
{
    if (!instant_reached(sim->now, *at))
        return false;
    *at = INSTANT_NEVER;
    return true;
}

static void act_ready(struct sim *sim, struct process *process)
{
    const struct wish *wish = wish_of(sim, process->revision);

    process->serves = true;
    if (wish->policy.readiness == READINESS_DELAY)
        return;
    say(sim, process, (struct event){.kind = EVENT_READY});
    if (process->says_twice) {
        process->says_twice = false;
        process->says_ready = after(sim, chance_ms(&sim->chance, 0, 6000));
    }
}

static void act_ping(struct sim *sim, struct process *process)
{
    if (!sim->calm && chance_one_in(&sim->chance, 40))
        return; /* it hangs, and never pings again */
    process->pings = after(sim, process->ping_period);
    say(sim, process, (struct event){.kind = EVENT_PING});
}

/* Measured again and again by the primary; it is weighed every few seconds. */
static void act_swell(struct sim *sim, struct process *process)
{
    process->swells = after(sim, chance_ms(&sim->chance, 5000, 10000));
    if (process->watched)
        world_post(sim, after(sim, lateness(sim)),
                   (struct event){.kind = EVENT_OVERWEIGHT, .worker = process->worker}, false);
}

/* As the primary's probe sees it: badly, and after a while well again, or never; in between it
 * is told once more, as a new primary tells it. */
static void act_sicken(struct sim *sim, struct process *process)
{
    struct event event = {.kind = EVENT_HEALTHY, .worker = process->worker};

    process->sick = !process->sick || (!sim->calm && chance_one_in(&sim->chance, 2));
    if (process->sick) {
        process->sickens = after(sim, chance_ms(&sim->chance, 1000, 20000));
        event.kind = EVENT_UNHEALTHY;
        event.exit = chance_one_in(&sim->chance, 2)
                         ? (struct reason){.cause = CAUSE_UNHEALTHY, .code = 503}
                         : (struct reason){.cause = CAUSE_UNANSWERED, .code = ETIMEDOUT};
    }
    if (process->watched)
        world_post(sim, after(sim, lateness(sim)), event, false);
}

static void process_act(struct sim *sim, struct process *process)
{
    if (is_due(sim, &process->exec_fails)) {
        struct reason how = {.cause = CAUSE_SPAWN_FAILED, .code = EACCES};

        if (process->watched)
            world_post(sim, sim->now,
                       (struct event){
                           .kind = EVENT_SPAWN_FAILED, .worker = process->worker, .exit = how},
                       false);
        world_end(sim, process, (struct reason){.cause = CAUSE_EXITED, .code = 127});
        return;
    }
    if (is_due(sim, &process->asks_watchdog))
        say(sim, process,
            (struct event){.kind = EVENT_WATCHDOG_SET, .span = span_from_ms(3000)});
    if (is_due(sim, &process->says_ready))
        act_ready(sim, process);
    if (is_due(sim, &process->says_extend))
        say(sim, process,
            (struct event){.kind = EVENT_EXTEND, .span = chance_ms(&sim->chance, 1000, 9000)});
    if (is_due(sim, &process->pings))
        act_ping(sim, process);
    if (is_due(sim, &process->triggers))
        say(sim, process, (struct event){.kind = EVENT_TRIGGER});
    if (is_due(sim, &process->swells))
        act_swell(sim, process);
    if (is_due(sim, &process->sickens))
        act_sicken(sim, process);
    if (is_due(sim, &process->dies))
        world_end(sim, process, process->exit);
}

void world_act(struct sim *sim)
{
    for (size_t i = 0; i < sim->process_n; i++)
        if (sim->processes[i].alive)
            process_act(sim, &sim->processes[i]);
}

/* The end of others. */

void world_bury(struct sim *sim)
{
    size_t kept = 0;

    for (size_t i = 0; i < sim->process_n; i++) {
        const struct process *process = &sim->processes[i];

        if (!process->alive && !rollout_worker(sim->primary.rollout, process->worker))
            continue;
        if (kept != i)
            sim->processes[kept] = *process;
        kept++;
    }
    sim->process_n = kept;
}

void world_orphan(struct sim *sim)
{
    size_t kept = 0;

    for (size_t i = 0; i < sim->notice_n; i++)
        if (sim->notices[i].by_socket)
            sim->notices[kept++] = sim->notices[i];
    sim->notice_n = kept;
    for (size_t i = 0; i < sim->process_n; i++) {
        sim->processes[i].watched = false;
        sim->processes[i].signal_at = INSTANT_NEVER;
    }
}

void world_raze(struct sim *sim)
{
    sim->notice_n = 0;
    sim->process_n = 0;
}
