/* One life by its seed: a time of misfortune, then a calm in which everything must come to
 * rest. */
#include "sim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALM_EVENTS_MAX = 20000,
    TICKS_AT_ONCE_MAX = 64,
};

/* What the calm may last, in virtual time. */
#define CALM_MAX span_from_ms(3600u * 1000u)

int sim_init(struct sim *sim)
{
    sim->primary.rollout = calloc(1, sizeof(*sim->primary.rollout));
    sim->primary.mirror = calloc(1, sizeof(*sim->primary.mirror));
    sim->primary.update = calloc(1, sizeof(*sim->primary.update));
    sim->primary.scratch = calloc(1, sizeof(*sim->primary.scratch));
    if (sim->primary.rollout && sim->primary.mirror && sim->primary.update &&
        sim->primary.scratch)
        return 0;
    sim_release(sim);
    return -ENOMEM;
}

void sim_release(struct sim *sim)
{
    free(sim->primary.rollout);
    free(sim->primary.mirror);
    free(sim->primary.update);
    free(sim->primary.scratch);
    disk_release(&sim->disk);
}

void sim_reset(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    *primary = (struct primary){.rollout = primary->rollout,
                                .mirror = primary->mirror,
                                .update = primary->update,
                                .scratch = primary->scratch,
                                .life = 1};
    disk_blank(primary->rollout);
    disk_blank(primary->mirror);
    memset(sim->wishes, 0, sizeof(sim->wishes));
    sim->now = (struct instant){1000000000};
    sim->calm = false;
    sim->scaling = false;
    sim->lost = false;
    sim->process_n = 0;
    sim->notice_n = 0;
    sim->order = 0;
    sim->last_pid = 100;
    sim->wrong = NULL;
}

void sim_violate(struct sim *sim, const char *what)
{
    if (sim->wrong)
        return;
    sim->wrong = what;
    sim_trace(sim, "WRONG %s", what);
}

void sim_trace(const struct sim *sim, const char *format, ...)
{
    va_list arguments;

    if (!sim->trace)
        return;
    (void)fprintf(sim->trace, "%10.3f ", (double)sim->now.nanoseconds / 1e9);
    va_start(arguments, format);
    (void)vfprintf(sim->trace, format, arguments);
    va_end(arguments);
    (void)fputc('\n', sim->trace);
}

static void trace_state(const struct sim *sim)
{
    const struct rollout *rollout = sim->primary.rollout;

    sim_trace(sim, "%s, stable %llu, target %llu, trial %llu, %u desired",
              rollout_state_name(rollout->state), (unsigned long long)rollout->stable,
              (unsigned long long)rollout->target, (unsigned long long)rollout->trial,
              rollout_desired(rollout));
    for (size_t i = 0; i < rollout->worker_n; i++)
        sim_trace(sim, "worker %llu, slot %u, revision %llu, %s%s",
                  (unsigned long long)rollout->workers[i].id, rollout->workers[i].slot,
                  (unsigned long long)rollout->workers[i].revision,
                  worker_state_name(rollout->workers[i].state),
                  instant_is_never(rollout->workers[i].expired) ? "" : ", expired");
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        sim_trace(sim, "slot %u, revision %llu, %s, %u failures", i,
                  (unsigned long long)rollout->slots[i].revision,
                  slot_state_name(rollout->slots[i].state), rollout->slots[i].failures);
}

/* Time. */

static struct instant next_thing(const struct sim *sim)
{
    const struct primary *primary = &sim->primary;
    struct instant next = world_next(sim);
    struct instant heard;

    if (primary->exited)
        return next;
    if (!primary->alive)
        return instant_earlier(next, primary->born);
    heard = instant_earlier(world_next_notice(sim), primary_wake(sim));
    return instant_earlier(next, instant_later(heard, primary->wakes));
}

/* What had come in before a deadline counts, however late the primary is. */
static void hear_and_tick(struct sim *sim)
{
    struct primary *primary = &sim->primary;
    struct event event;

    while (primary->alive && !sim->wrong && world_take_notice(sim, &event))
        primary_take(sim, &event);
    if (primary->alive && !sim->wrong)
        primary_signal_due(sim);
    for (int i = 0; primary->alive && !sim->wrong; i++) {
        if (!instant_reached(sim->now, rollout_wake(primary->rollout)))
            return;
        if (i == TICKS_AT_ONCE_MAX) {
            sim_violate(sim, "progress: the next tick is never in the future");
            return;
        }
        primary_take(sim, &(struct event){.kind = EVENT_TICK});
    }
}

static void turn(struct sim *sim)
{
    const struct primary *primary = &sim->primary;

    world_act(sim);
    if (!primary->alive && !primary->exited && instant_reached(sim->now, primary->born))
        primary_begin(sim);
    if (primary->alive && instant_reached(sim->now, primary->wakes))
        hear_and_tick(sim);
}

static void advance(struct sim *sim)
{
    struct instant next = next_thing(sim);

    if (instant_is_never(next))
        next = instant_plus(sim->now, span_from_ms(1000));
    sim->now = instant_later(sim->now, next);
    turn(sim);
}

/* Misfortune. */

static bool strikes(struct sim *sim, uint32_t one_in)
{
    return one_in > 0 && chance_one_in(&sim->chance, one_in);
}

static void reboot(struct sim *sim)
{
    if (sim->primary.exited)
        return;
    sim_trace(sim, "the machine goes down");
    if (sim->primary.alive)
        primary_kill(sim);
    world_raze(sim);
    if (!sim->disk.behind) {
        disk_lose_unsynced(&sim->disk);
        wishes_reboot(sim);
    }
    if (disk_replay(&sim->disk, sim->primary.mirror))
        sim_violate(sim, "durable: what was synced does not replay");
}

static void misfortune(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    sim->disk.wall += (int64_t)chance_below(&sim->chance, 20000000) - 10000000;
    if (primary->alive && strikes(sim, sim->temper.deaths)) {
        if (chance_one_in(&sim->chance, 4))
            primary_kill(sim);
        else
            primary->fuse = 1 + chance_below(&sim->chance, 24);
    }
    if (strikes(sim, sim->temper.reboots))
        reboot(sim);
    if (strikes(sim, sim->temper.full))
        sim->disk.failing = !sim->disk.failing;
    if (primary->alive && strikes(sim, sim->temper.naps))
        primary->wakes = instant_plus(sim->now, chance_ms(&sim->chance, 0, 40000));
    if (primary->exited && chance_one_in(&sim->chance, 4)) {
        primary->exited = false; /* somebody starts it again */
        primary->born = sim->now;
    }
}

static void live(struct sim *sim)
{
    uint32_t actions = 10 + chance_below(&sim->chance, 90);

    primary_begin(sim);
    while (actions-- > 0 && !sim->wrong) {
        misfortune(sim);
        if (chance_one_in(&sim->chance, 6) && sim->primary.alive &&
            instant_reached(sim->now, sim->primary.wakes))
            client_act(sim);
        else if (!sim->wrong)
            advance(sim);
    }
}

static void soothe(struct sim *sim)
{
    struct primary *primary = &sim->primary;

    sim_trace(sim, "all faults stop");
    sim->calm = true;
    sim->deaths_left = 0;
    sim->disk.failing = false;
    primary->fuse = FUSE_NONE;
    primary->wakes = (struct instant){0};
    primary->born = instant_earlier(primary->born, instant_plus(sim->now, span_from_ms(100)));
    for (size_t i = 0; i < sim->process_n && sim->chance.script; i++) {
        struct process *process = &sim->processes[i];

        if (process->leaving)
            process->dies = sim->now;
        else if (!process->serves)
            process->says_ready = sim->now;
    }
}

void life_calm(struct sim *sim)
{
    struct instant end = instant_plus(sim->now, CALM_MAX);

    soothe(sim);
    for (int i = 0; i < CALM_EVENTS_MAX && !sim->wrong; i++) {
        if (oracle_rests(sim)) {
            oracle_ended(sim);
            return;
        }
        if (instant_reached(sim->now, end))
            break;
        advance(sim);
    }
    sim_violate(sim, "progress: all faults have stopped, and it does not come to rest");
}

static struct temper draw_temper(struct sim *sim)
{
    static const uint32_t often[] = {0, 0, 6, 15, 40};
    static const uint32_t seldom[] = {0, 0, 0, 20, 60};
    struct chance *chance = &sim->chance;

    return (struct temper){
        .wire = chance_one_in(chance, 16),
        .deaths = often[chance_below(chance, 5)],
        .reboots = seldom[chance_below(chance, 5)],
        .full = seldom[chance_below(chance, 5)],
        .naps = seldom[chance_below(chance, 5)],
        .quality = often[chance_below(chance, 5)] / 3,
        .spawn = seldom[chance_below(chance, 5)],
        .late = often[chance_below(chance, 5)],
        .twice = often[chance_below(chance, 5)],
    };
}

const char *life_run(struct sim *sim, uint64_t seed)
{
    sim_reset(sim);
    chance_seed(&sim->chance, seed);
    sim->temper = draw_temper(sim);
    disk_format(&sim->disk, sim->temper.wire);
    live(sim);
    if (!sim->wrong)
        life_calm(sim);
    trace_state(sim);
    return sim->wrong;
}
