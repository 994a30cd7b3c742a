/* All short lives: at each of `depth` actions, each thing that could happen next is tried, and
 * at each boundary within it the primary's death. A path that comes to a state which was
 * explored from before, with as much left to do, ends there. Every path that ends must come to
 * rest.
 *
 * A life is replayed from its beginning by its script of choices: nothing is ever copied. */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>

enum {
    DEATHS_MAX = 2, /* the second may come during the recovery from the first */
    SEEN_BITS = 22,
    SEEN_SIZE = 1 << SEEN_BITS,
};

/* States by their hash, and how many actions were left there; open addressing. */
struct seen {
    uint64_t *hashes; /* 0: none */
    uint8_t *left;
    size_t n;
};

struct hash {
    uint64_t value;
};

static void hash_add(struct hash *hash, uint64_t value)
{
    hash->value ^= value;
    hash->value *= 0xff51afd7ed558ccdu; /* the finalizer of MurmurHash3 */
    hash->value ^= hash->value >> 33;
}

static void hash_time(struct hash *hash, const struct sim *sim, struct instant at)
{
    hash_add(hash, instant_is_never(at)            ? 1
                   : instant_reached(sim->now, at) ? 2
                                                   : at.nanoseconds - sim->now.nanoseconds);
}

static void hash_rollout(struct hash *hash, const struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;
    const uint64_t numbers[] = {rollout->state,    rollout->stable,        rollout->target,
                                rollout->trial,    rollout->failures,      rollout->scale,
                                rollout->queue_n,  rollout->last_revision, rollout->last_worker,
                                rollout->worker_n, rollout->slot_n};

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        hash_add(hash, numbers[i]);
    hash_add(hash, instant_since(sim->now, rollout->progress).nanoseconds);
    for (size_t i = 0; i < rollout->queue_n; i++)
        hash_add(hash, rollout->queue[i]);
    for (uint32_t i = 0; i < rollout->slot_n; i++) {
        hash_add(hash, rollout->slots[i].state);
        hash_add(hash, rollout->slots[i].revision);
        hash_add(hash, rollout->slots[i].failures);
        hash_add(hash, rollout->slots[i].last.revision);
        hash_time(hash, sim, rollout->slots[i].retry);
    }
    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *worker = &rollout->workers[i];

        hash_add(hash, worker->id);
        hash_add(hash, worker->revision);
        hash_add(hash, worker->slot);
        hash_add(hash, worker->state);
        hash_add(hash, !instant_is_never(worker->asked));
        hash_add(hash, instant_is_never(worker->ready)
                           ? 0
                           : 1 + instant_since(sim->now, worker->ready).nanoseconds);
        hash_time(hash, sim, worker->deadline);
    }
}

static uint64_t hash_of(const struct sim *sim)
{
    struct hash hash = {0x9e3779b97f4a7c15u};

    hash_rollout(&hash, sim);
    hash_add(&hash, sim->deaths_left);
    hash_add(&hash, sim->primary.exited);
    for (size_t i = 0; i < sim->process_n; i++) {
        const struct process *process = &sim->processes[i];

        hash_add(&hash, process->worker);
        hash_add(&hash, process->alive | process->serves << 1 | process->leaving << 2 |
                            process->retired << 3 | process->asked << 4 |
                            process->admitted << 5);
        hash_add(&hash, process->signals);
        hash_time(&hash, sim, process->patience);
    }
    for (uint64_t i = 1; i <= sim->primary.rollout->last_revision; i++)
        hash_add(&hash, sim->wishes[i].ended | sim->wishes[i].accepted << 8 |
                            sim->wishes[i].heard << 9 | sim->wishes[i].wished << 10);
    return hash.value ? hash.value : 1;
}

/* Whether nothing new can follow; if something can, it is noted that it will be seen to. */
static bool was_seen(struct seen *seen, uint64_t hash, unsigned left)
{
    size_t i = hash & (SEEN_SIZE - 1);

    while (seen->hashes[i] != 0 && seen->hashes[i] != hash)
        i = (i + 1) & (SEEN_SIZE - 1);
    if (seen->hashes[i] == hash) {
        if (seen->left[i] >= left)
            return true;
        seen->left[i] = (uint8_t)left;
        return false;
    }
    if (seen->n < SEEN_SIZE / 4 * 3) {
        seen->hashes[i] = hash;
        seen->left[i] = (uint8_t)left;
        seen->n++;
    }
    return false;
}

/* The actions. Each is tried where it can happen. */

static void deliver(struct sim *sim)
{
    struct event event;

    sim->now = instant_later(
        sim->now, instant_is_never(world_next_notice(sim)) ? sim->now : world_next_notice(sim));
    while (sim->primary.alive && !sim->wrong && world_take_notice(sim, &event))
        primary_take(sim, &event);
}

/* What is due is done before the next choice, so that a choice means one thing. */
static void catch_up(struct sim *sim)
{
    do {
        while (!sim->primary.alive && !sim->primary.exited && !sim->wrong) {
            sim->now = instant_later(sim->now, sim->primary.born);
            primary_begin(sim);
        }
        deliver(sim);
    } while (!sim->primary.alive && !sim->primary.exited && !sim->wrong);
}

enum common {
    COMMON_WAIT,
    COMMON_SUPERSEDE,
    COMMON_QUEUE,
    COMMON_SCALE,
    COMMON_STOP,
    COMMON_N,
};

static void act_common(struct sim *sim, uint32_t what)
{
    struct instant wake = primary_wake(sim);
    const struct rollout *rollout = sim->primary.rollout;

    switch (what) {
    case COMMON_WAIT:
        if (instant_is_never(wake))
            return;
        sim_trace(sim, "time passes");
        sim->now = instant_later(sim->now, wake);
        primary_signal_due(sim);
        if (sim->primary.alive && !sim->wrong)
            primary_take(sim, &(struct event){.kind = EVENT_TICK});
        return;
    case COMMON_SUPERSEDE:
        client_reload(sim, CONFLICT_SUPERSEDE);
        return;
    case COMMON_QUEUE:
        client_reload(sim, CONFLICT_QUEUE);
        return;
    case COMMON_SCALE:
        primary_take(sim, &(struct event){.kind = EVENT_SCALE,
                                          .workers = rollout_desired(rollout) == 2 ? 1 : 2});
        return;
    case COMMON_STOP:
        primary_take(sim,
                     &(struct event){.kind = rollout->state == ROLLOUT_STOPPING ? EVENT_HURRY
                                                                                : EVENT_STOP});
        return;
    default:
        return;
    }
}

/* The first choice of a live process: what it would do by itself; the second: it dies. */
static void act_process(struct sim *sim, struct process *process, bool crashes)
{
    if (crashes || process->leaving) {
        world_end(sim, process,
                  crashes ? (struct reason){.cause = CAUSE_SIGNALED, .code = 11}
                          : (struct reason){.cause = CAUSE_EXITED});
    } else {
        process->serves = true;
        world_post(sim, sim->now,
                   (struct event){.kind = EVENT_READY, .worker = process->worker}, true);
    }
}

static void act(struct sim *sim)
{
    struct process *movers[2 * PROCESS_MAX];
    bool crashes[2 * PROCESS_MAX];
    uint32_t n = 0;
    uint32_t what;

    for (size_t i = 0; i < sim->process_n; i++) {
        struct process *process = &sim->processes[i];

        if (!process->alive)
            continue;
        if (!process->serves || process->leaving) {
            movers[n] = process;
            crashes[n++] = false;
        }
        if (!process->leaving) {
            movers[n] = process;
            crashes[n++] = true;
        }
    }
    what = chance_choose(&sim->chance, n + COMMON_N);
    if (what < n) {
        act_process(sim, movers[what], crashes[what]);
        deliver(sim);
    } else {
        act_common(sim, what - n);
    }
    catch_up(sim);
}

/* A first revision serves; from there on, everything is a choice. */
static void begin(struct sim *sim)
{
    sim_reset(sim);
    sim->temper = (struct temper){0};
    sim->deaths_left = 0;
    disk_format(&sim->disk, false);
    primary_begin(sim);
    for (size_t i = 0; i < sim->process_n; i++)
        act_process(sim, &sim->processes[i], false);
    deliver(sim);
    sim->deaths_left = DEATHS_MAX;
}

/* Returns whether the path was walked to its end. */
static bool walk(struct sim *sim, unsigned depth, size_t fresh, struct seen *seen)
{
    begin(sim);
    for (unsigned i = 0; i < depth && !sim->wrong && !sim->primary.exited; i++) {
        if (sim->chance.script->at >= fresh && was_seen(seen, hash_of(sim), depth - i))
            return false;
        act(sim);
    }
    if (sim->wrong)
        return true;
    /* Where the calm begins is a state of its own kind: nobody has a choice any more. */
    if (sim->chance.script->at >= fresh && was_seen(seen, ~hash_of(sim), 0))
        return false;
    life_calm(sim);
    return true;
}

static const char *explore(struct sim *sim, unsigned depth, struct seen *seen,
                           struct explored *ret_explored)
{
    struct script *script = sim->chance.script;
    size_t fresh = 0;

    do {
        if (walk(sim, depth, fresh, seen))
            ret_explored->lives++;
        else
            ret_explored->pruned++;
        if (sim->wrong)
            break;
        /* Before the choice that is new now, the path is a known one. */
    } while (script_advance(script) && (fresh = script->n, true));
    ret_explored->states = seen->n;
    return sim->wrong;
}

/* The violation is told twice over, the second time with its trace. */
const char *explore_run(struct sim *sim, unsigned depth, struct explored *ret_explored)
{
    struct seen seen = {.hashes = calloc(SEEN_SIZE, sizeof(uint64_t)),
                        .left = calloc(SEEN_SIZE, 1)};
    struct script script = {.n = 0};
    FILE *trace = sim->trace;
    const char *wrong = "no memory for the states";

    sim->chance = (struct chance){.state = 1, .script = &script};
    sim->trace = NULL;
    if (seen.hashes && seen.left)
        wrong = explore(sim, depth, &seen, ret_explored);
    if (wrong && trace && seen.hashes && seen.left) {
        sim->trace = trace;
        script.at = 0;
        (void)walk(sim, depth, SIZE_MAX, &seen);
    }
    free(seen.hashes);
    free(seen.left);
    sim->chance.script = NULL;
    return wrong;
}
