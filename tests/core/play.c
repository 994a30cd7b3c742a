#include "play.h"
#include "core/trace.h"

#include <assert.h>
#include <stdlib.h>

enum {
    CALM_STEPS_MAX = 3000,  /* of the calm after the bytes; a run that needs more never ends */
    TICKS_AT_ONCE_MAX = 64, /* ready after 0 s, drained after 0 s, one slot after the other */
};

/* What a run's length in virtual time may be once all faults have stopped. */
#define CALM_MAX span_from_ms(3600u * 1000u)

int play_init(struct play *play)
{
    *play = (struct play){
        .rollout = calloc(1, sizeof(*play->rollout)),
        .update = calloc(1, sizeof(*play->update)),
    };
    if (!play->rollout || !play->update || invariant_init(&play->invariant) != 0) {
        play_release(play);
        return -ENOMEM;
    }
    return 0;
}

void play_release(struct play *play)
{
    free(play->rollout);
    free(play->update);
    invariant_release(&play->invariant);
    play->rollout = NULL;
    play->update = NULL;
}

/* The next byte, below `n`; 0 when they are used up. */
static uint32_t pick(struct play *play, uint32_t n)
{
    uint8_t byte;

    if (play->left == 0)
        return 0;
    byte = *play->bytes++;
    play->left--;
    return byte % n;
}

static void trace_step(const struct play *play, const struct event *event)
{
    char text[256];

    if (!play->trace)
        return;
    fprintf(play->trace, "%8.3f %s %llu%s%s\n", (double)event->at.nanoseconds / 1e9,
            event_name(event->kind),
            (unsigned long long)(event->worker ? event->worker : event->revision),
            play->wrong ? " WRONG: " : "", play->wrong ? play->wrong : "");
    for (size_t i = 0; i < play->update->record_n; i++)
        fprintf(play->trace, "         | %s\n",
                record_describe(&play->update->records[i], text, sizeof(text)));
    for (size_t i = 0; i < play->update->effect_n; i++)
        fprintf(play->trace, "         > %s %llu\n", effect_name(play->update->effects[i].kind),
                (unsigned long long)(play->update->effects[i].worker
                                         ? play->update->effects[i].worker
                                         : play->update->effects[i].revision));
}

static void trace_state(const struct play *play)
{
    const struct rollout *rollout = play->rollout;

    if (!play->trace)
        return;
    fprintf(play->trace, "%s, stable %llu, target %llu, %u desired\n",
            rollout_state_name(rollout->state), (unsigned long long)rollout->stable,
            (unsigned long long)rollout->target, rollout_desired(rollout));
    for (size_t i = 0; i < rollout->worker_n; i++)
        fprintf(play->trace, "worker %llu, slot %u, revision %llu, %s\n",
                (unsigned long long)rollout->workers[i].id, rollout->workers[i].slot,
                (unsigned long long)rollout->workers[i].revision,
                worker_state_name(rollout->workers[i].state));
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        fprintf(play->trace, "slot %u, revision %llu, %s, %u failures\n", i,
                (unsigned long long)rollout->slots[i].revision,
                slot_state_name(rollout->slots[i].state), rollout->slots[i].failures);
}

static void step(struct play *play, struct event event)
{
    if (play->wrong)
        return;
    event.at = play->now;
    event.noise = (uint32_t)(play->steps * 2654435761u);
    rollout_step(play->rollout, &event, play->update);
    play->steps++;
    for (size_t i = 0; i < play->update->effect_n; i++)
        if (play->update->effects[i].kind == EFFECT_SPAWN)
            play->spawning[play->spawning_n++] = play->update->effects[i].worker;
    play->wrong = invariant_check(&play->invariant, play->rollout, &event, play->update);
    trace_step(play, &event);
}

static uint64_t take_spawning(struct play *play)
{
    uint64_t worker = play->spawning[0];

    if (play->last_in_first)
        return play->spawning[--play->spawning_n];
    play->spawning_n--;
    for (size_t i = 0; i < play->spawning_n; i++)
        play->spawning[i] = play->spawning[i + 1];
    return worker;
}

/* The shell's part of the contract: every EFFECT_SPAWN is answered before anything else. */
static void answer(struct play *play)
{
    while (play->spawning_n > 0 && !play->wrong) {
        uint64_t worker = take_spawning(play);

        if (play->left > 0 && pick(play, 12) == 1)
            step(play, (struct event){.kind = EVENT_SPAWN_FAILED,
                                      .worker = worker,
                                      .exit = {.cause = CAUSE_SPAWN_FAILED, .code = ENOENT}});
        else
            step(play, (struct event){.kind = EVENT_SPAWNED,
                                      .worker = worker,
                                      .pid = (int32_t)(1000 + worker),
                                      .start_time = worker});
    }
}

static void act(struct play *play, struct event event)
{
    step(play, event);
    answer(play);
}

/* Says that time has come to `now`, as often as something is due. */
static void tick(struct play *play)
{
    for (int i = 0; i < TICKS_AT_ONCE_MAX && !play->wrong; i++) {
        act(play, (struct event){.kind = EVENT_TICK});
        if (!instant_reached(play->now, rollout_wake(play->rollout)))
            return;
    }
    if (!play->wrong)
        play->wrong = "wake: the next tick is never in the future";
}

static void tick_at_wake(struct play *play)
{
    struct instant wake = rollout_wake(play->rollout);

    if (!instant_is_never(wake)) {
        play->now = instant_later(wake, play->now);
        tick(play);
    }
}

static struct policy pick_policy(struct play *play)
{
    static const struct share shares[] = {{1, false}, {0, false},  {2, false},
                                          {25, true}, {100, true}, {50, true}};
    static const uint32_t seconds[] = {0, 2, 5, 20, 600};
    static const uint32_t ages[] = {0, 0, 100, 900};

    return (struct policy){
        .workers = 1 + pick(play, 5),
        .readiness = pick(play, 5) == 4 ? READINESS_DELAY : READINESS_AUTO,
        .readiness_timeout = span_from_ms(5000),
        .readiness_delay = span_from_ms(1000u * seconds[pick(play, 3)]),
        .watchdog = span_from_ms(pick(play, 4) == 3 ? 3000 : 0),
        .min_ready = span_from_ms(1000u * seconds[pick(play, 3)]),
        .drain_timeout = span_from_ms(1000u * seconds[pick(play, 4)]),
        .progress_deadline = span_from_ms(1000u * seconds[3 + pick(play, 2)]),
        .restart_initial = span_from_ms(100),
        .restart_max = span_from_ms(15000),
        .restart_reset = span_from_ms(30000),
        .recycle_age = span_from_ms(1000u * ages[pick(play, 4)]),
        .max_surge = shares[pick(play, 6)],
        .max_unavailable = shares[pick(play, 6)],
        .max_failures = pick(play, 4),
        .auto_rollback = pick(play, 4) != 3,
    };
}

static uint64_t accept(struct play *play)
{
    struct policy policy = pick_policy(play);
    uint64_t revision = play->rollout->last_revision + 1;

    act(play, (struct event){.kind = EVENT_ACCEPT, .revision = revision, .policy = &policy});
    return revision;
}

static void reload(struct play *play)
{
    uint64_t revision = accept(play);

    act(play, (struct event){.kind = EVENT_RELOAD,
                             .revision = revision,
                             .conflict = (enum conflict)pick(play, CONFLICT_N)});
}

/* A live worker, or now and then one that is long gone, or never was. */
static uint64_t pick_worker(struct play *play)
{
    uint32_t i = pick(play, 255);

    if (i % 16 == 15 || play->rollout->worker_n == 0)
        return i / 16;
    return play->rollout->workers[i % play->rollout->worker_n].id;
}

static void act_on_worker(struct play *play, enum event_kind kind)
{
    struct event event = {.kind = kind, .worker = pick_worker(play)};

    event.span = span_from_ms(1000u * pick(play, 8));
    event.exit = (struct reason){.cause = CAUSE_EXITED, .code = (int32_t)pick(play, 3)};
    if (kind == EVENT_SPAWN_FAILED)
        event.exit = (struct reason){.cause = CAUSE_SPAWN_FAILED, .code = EACCES};
    if (kind == EVENT_UNHEALTHY)
        event.exit = (struct reason){.cause = CAUSE_UNHEALTHY, .code = 500};
    act(play, event);
}

static void boot(struct play *play, bool anew)
{
    play->spawning_n = 0;
    act(play, (struct event){.kind = EVENT_BOOT, .revision = anew ? accept(play) : 0});
}

/* A worker that the journal lacks: of a revision that it knows, or that was lost as well. */
static void find(struct play *play)
{
    const struct rollout *rollout = play->rollout;
    struct policy policy = pick_policy(play);
    struct event event = {.kind = EVENT_FOUND,
                          .worker = rollout->last_worker + pick(play, 3),
                          .slot = pick(play, 7),
                          .pid = 1,
                          .revision = rollout->last_revision + pick(play, 3),
                          .policy = pick(play, 4) == 3 ? NULL : &policy};

    if (rollout->revision_n > 0 && pick(play, 2) == 1)
        event.revision = rollout->revisions[pick(play, 128) % rollout->revision_n].number;
    act(play, event);
}

/* The primary dies, and the state is what the records say. */
static void forget(struct play *play)
{
    struct invariant *invariant = &play->invariant;

    if (!invariant_copy(invariant->before, play->rollout, play->update))
        play->wrong = "durable: the snapshot does not replay";
    play->rollout->now = (struct instant){0};
    invariant->wished = invariant->told + play->rollout->queue_n + (play->rollout->trial != 0);
}

/* The primary dies within a step: of the update, only the first records are on disk, and none
 * of its effects is done. */
static void cut(struct play *play, struct event event)
{
    size_t kept;

    if (play->wrong)
        return;
    rollout_step(play->rollout, &event, play->update);
    kept = pick(play, (uint32_t)play->update->record_n % 200 + 1);
    for (size_t i = 0; i < kept; i++) {
        struct record record = invariant_journaled(&play->update->records[i]);

        if (rollout_replay(play->invariant.before, &record) != 0)
            play->wrong = "durable: a record does not replay";
    }
    play->now = event.at;
    forget(play);
}

/* Another primary takes over what lives; now and then it is killed as well. */
static void adopt(struct play *play)
{
    uint64_t last = play->rollout->last_worker;

    play->spawning_n = 0;
    for (uint64_t id = 1; id <= last && !play->wrong; id++) {
        struct event event = {.kind = EVENT_VANISHED, .worker = id};

        event.exit.cause = CAUSE_VANISHED;
        if (rollout_worker(play->rollout, id) && pick(play, 4) == 1)
            act(play, event);
    }
    while (pick(play, 4) == 3)
        find(play);
    while (pick(play, 8) == 7)
        cut(play, (struct event){.kind = EVENT_ADOPT, .at = play->now});
    act(play, (struct event){.kind = EVENT_ADOPT});
}

/* Then the next one begins: with what lives; or, all of it ended, with the old revision or one
 * just accepted. */
static void begin_anew(struct play *play)
{
    if (pick(play, 3) != 0)
        adopt(play);
    else
        boot(play, pick(play, 2) == 1 || play->rollout->stable == 0);
}

static struct event pick_last_event(struct play *play)
{
    static const enum event_kind kinds[] = {EVENT_TICK,  EVENT_STOP,    EVENT_EXITED,
                                            EVENT_READY, EVENT_TRIGGER, EVENT_RELOAD};
    struct event event = {.kind = kinds[pick(play, 6)], .worker = pick_worker(play)};

    if (event.kind == EVENT_RELOAD)
        event.revision = accept(play);
    event.exit = (struct reason){.cause = CAUSE_EXITED, .code = 1};
    event.at = play->now;
    if (event.kind == EVENT_TICK)
        event.at = instant_plus(play->now, span_from_ms(5000));
    return event;
}

static void crash_amid_records(struct play *play)
{
    cut(play, pick_last_event(play));
    begin_anew(play);
}

/* The drain signal was sent to the first that waits for it. */
static void ask(struct play *play)
{
    for (size_t i = 0; i < play->rollout->worker_n; i++) {
        const struct worker *worker = &play->rollout->workers[i];

        if (worker->state != WORKER_DRAINING || !instant_is_never(worker->asked))
            continue;
        act(play, (struct event){.kind = EVENT_ASKED, .worker = worker->id});
        return;
    }
}

static void misfortune(struct play *play)
{
    switch (pick(play, 13)) {
    case 0:
        act(play, (struct event){.kind = EVENT_STOP});
        return;
    case 1:
        act(play, (struct event){.kind = EVENT_HURRY});
        return;
    case 2:
        act(play, (struct event){.kind = EVENT_JOURNAL_LOST});
        return;
    case 3:
        forget(play);
        begin_anew(play);
        return;
    case 4:
    case 8:
        crash_amid_records(play);
        return;
    case 9:
        act_on_worker(play, EVENT_OVERWEIGHT);
        return;
    case 10:
        ask(play);
        return;
    case 11:
        act_on_worker(play, EVENT_UNHEALTHY);
        return;
    case 12:
        act_on_worker(play, EVENT_HEALTHY);
        return;
    case 5:
        act_on_worker(play, EVENT_SPAWN_FAILED);
        return;
    case 6:
        act_on_worker(play, EVENT_TRIGGER);
        return;
    default:
        act_on_worker(play, EVENT_WATCHDOG_SET);
        return;
    }
}

static void turn(struct play *play)
{
    switch (pick(play, 16)) {
    case 0:
    case 1:
        reload(play);
        return;
    case 2:
        act(play, (struct event){.kind = EVENT_SCALE, .workers = 1 + pick(play, 6)});
        return;
    case 3:
        misfortune(play);
        return;
    case 4:
        act_on_worker(play, EVENT_EXTEND);
        return;
    case 5:
        act_on_worker(play, EVENT_PING);
        return;
    case 6:
    case 7:
        act_on_worker(play, EVENT_EXITED);
        return;
    case 8:
    case 9:
    case 10:
    case 11:
        act_on_worker(play, EVENT_READY);
        return;
    case 12:
        play->now = instant_plus(play->now, span_from_ms(100u * pick(play, 100)));
        tick(play);
        return;
    default:
        tick_at_wake(play);
        return;
    }
}

/* The friendly answer to what a worker is asked; false where it is asked nothing. */
static bool answer_kindly(struct play *play)
{
    for (size_t i = 0; i < play->rollout->worker_n; i++) {
        const struct worker *worker = &play->rollout->workers[i];
        struct event event = {.worker = worker->id, .exit = {.cause = CAUSE_EXITED}};

        switch (worker->state) {
        case WORKER_STARTING:
            event.kind = EVENT_READY;
            break;
        case WORKER_DRAINING:
        case WORKER_KILLING:
            event.kind = EVENT_EXITED;
            break;
        case WORKER_WARMING:
        case WORKER_ADMITTED:
            continue;
        case WORKER_SPAWNING:
        case WORKER_STATE_N:
            play->wrong = "contract: a worker is spawning, and everything was answered";
            return false;
        }
        act(play, event);
        return true;
    }
    return false;
}

/* Whether nothing is left to be done: every desired slot is served by its own revision, by one
 * worker, and nobody else lives. */
static bool is_at_rest(const struct rollout *rollout)
{
    uint32_t desired = rollout_desired(rollout);

    if (rollout->state == ROLLOUT_STOPPED)
        return rollout->worker_n == 0;
    if (rollout->state != ROLLOUT_STEADY || rollout_is_busy(rollout) || desired == 0 ||
        rollout->worker_n != desired)
        return false;
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].state != WORKER_ADMITTED ||
            rollout->workers[i].slot >= desired ||
            rollout->workers[i].revision != rollout->slots[rollout->workers[i].slot].revision)
            return false;
    return true;
}

/* On to the next deadline; a watchdog is fed just before it would bite. */
static void wait_kindly(struct play *play)
{
    struct instant wake = rollout_wake(play->rollout);

    for (size_t i = 0; i < play->rollout->worker_n; i++) {
        const struct worker *worker = &play->rollout->workers[i];

        if (worker->ping_deadline.nanoseconds != wake.nanoseconds ||
            instant_reached(play->now, wake))
            continue;
        play->now.nanoseconds = wake.nanoseconds - 1;
        act(play, (struct event){.kind = EVENT_PING, .worker = worker->id});
        return;
    }
    tick_at_wake(play);
}

static void calm(struct play *play)
{
    struct instant end = instant_plus(play->now, CALM_MAX);

    for (int i = 0; i < CALM_STEPS_MAX && !play->wrong; i++) {
        struct instant wake;

        if (answer_kindly(play))
            continue;
        if (play->wrong || is_at_rest(play->rollout))
            return;
        wake = rollout_wake(play->rollout);
        if (instant_is_never(wake) || instant_reached(wake, end)) {
            play->wrong = "progress: something is left to do, and nothing will do it";
            return;
        }
        wait_kindly(play);
    }
    if (!play->wrong)
        play->wrong = "progress: it never comes to rest";
}

const char *play_run(struct play *play, const uint8_t *bytes, size_t size)
{
    struct record empty = {.kind = RECORD_SNAPSHOT};
    int r = rollout_replay(play->rollout, &empty);

    assert(r == 0);
    invariant_reset(&play->invariant);
    play->bytes = bytes;
    play->left = size;
    play->now = (struct instant){0};
    play->wrong = NULL;
    play->spawning_n = 0;
    play->last_in_first = pick(play, 2) == 1;
    boot(play, true);
    while (play->left > 0 && !play->wrong)
        turn(play);
    if (!play->wrong)
        calm(play);
    trace_state(play);
    return play->wrong;
}
