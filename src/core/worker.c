/* The worker's state machine: one table, one cell for each state and event.
 *
 * An empty cell can't happen, by the shell's contract (core/update.h, EFFECT_SPAWN) or because
 * the core itself never raises the event there; reaching one is our own bug and asserts.
 * Everything that can race in the real world has a named cell, also where the answer is to do
 * nothing.
 */
#include "core/step.h"

#include <assert.h>

typedef void cell_function(struct step *, const struct worker *);

/* After SIGABRT a hung worker may write its core; SIGKILL is said again each second, for one
 * that sits in an uninterruptible call when it comes. */
#define ABORT_GRACE span_from_ms(5000)
#define KILL_REPEAT span_from_ms(1000)

static const struct policy *worker_policy(const struct step *step, const struct worker *worker)
{
    return state_policy(step->rollout, worker->revision);
}

static struct reason worker_reason(const struct worker *worker, enum cause cause, int32_t code)
{
    return (struct reason){cause, code, worker->id, worker->slot, worker->revision};
}

static void worker_gone(struct step *step, const struct worker *worker, struct reason reason)
{
    step_record(step, (struct record){
                          .kind = RECORD_WORKER_GONE, .worker = worker->id, .reason = reason});
    step_effect(step, (struct effect){.kind = EFFECT_SWEEP, .worker = worker->id});
}

static void worker_retire(struct step *step, const struct worker *worker, struct reason reason)
{
    struct instant deadline =
        instant_plus(step->event->at, worker_policy(step, worker)->drain_timeout);

    step_record(step, (struct record){.kind = RECORD_WORKER_RETIRED,
                                      .worker = worker->id,
                                      .deadline = deadline,
                                      .reason = reason});
    step_effect(step, (struct effect){.kind = EFFECT_DRAIN, .worker = worker->id});
}

static void worker_kill(struct step *step, const struct worker *worker)
{
    step_record(step, (struct record){.kind = RECORD_WORKER_KILLED,
                                      .worker = worker->id,
                                      .deadline = instant_plus(step->event->at, KILL_REPEAT)});
    step_effect(step, (struct effect){.kind = EFFECT_KILL, .worker = worker->id});
}

/* The cells. Each gets a copy of the worker, for a record may move or remove the original. */

static void cell_spawned(struct step *step, const struct worker *worker)
{
    const struct policy *policy = worker_policy(step, worker);
    struct span allowed = policy->readiness == READINESS_DELAY ? policy->readiness_delay
                                                               : policy->readiness_timeout;

    step_record(step, (struct record){.kind = RECORD_WORKER_SPAWNED,
                                      .worker = worker->id,
                                      .pid = step->event->pid,
                                      .start_time = step->event->start_time,
                                      .deadline = instant_plus(step->event->at, allowed)});
}

static void cell_spawn_failed(struct step *step, const struct worker *worker)
{
    struct reason reason =
        worker_reason(worker, step->event->exit.cause, step->event->exit.code);

    worker_gone(step, worker, reason);
    step_worker_failed(step, worker, reason);
}

static void cell_ready(struct step *step, const struct worker *worker)
{
    const struct policy *policy = worker_policy(step, worker);
    struct worker *original;

    step_record(step,
                (struct record){.kind = RECORD_WORKER_READY,
                                .worker = worker->id,
                                .deadline = instant_plus(step->event->at, policy->min_ready)});
    if (policy->min_ready.nanoseconds == 0)
        step_record(step,
                    (struct record){.kind = RECORD_WORKER_ADMITTED, .worker = worker->id});
    original = state_worker(step->rollout, worker->id);
    if (original->watchdog.nanoseconds > 0)
        original->ping_deadline = instant_plus(step->event->at, original->watchdog);
}

static void cell_admit(struct step *step, const struct worker *worker)
{
    step_record(step, (struct record){.kind = RECORD_WORKER_ADMITTED, .worker = worker->id});
}

static void cell_not_ready(struct step *step, const struct worker *worker)
{
    struct reason reason = worker_reason(worker, CAUSE_NOT_READY, 0);

    if (worker_policy(step, worker)->readiness == READINESS_DELAY) {
        cell_ready(step, worker);
        return;
    }
    /* It may have begun to serve without our seeing it: asked to go, not cut off. */
    worker_retire(step, worker, reason);
    step_worker_failed(step, worker, reason);
}

/* Not admitted yet: it need not be replaced first. */
static void cell_failed_probe(struct step *step, const struct worker *worker)
{
    struct reason reason =
        worker_reason(worker, step->event->exit.cause, step->event->exit.code);

    worker_retire(step, worker, reason);
    step_worker_failed(step, worker, reason);
}

/* EXTEND_TIMEOUT_USEC= moves the deadline of what is under way, start or drain, never nearer.
 */
static void cell_extend(struct step *step, const struct worker *worker)
{
    struct instant deadline = instant_plus(step->event->at, step->event->span);

    if (deadline.nanoseconds <= worker->deadline.nanoseconds)
        return;
    step_record(step, (struct record){.kind = RECORD_WORKER_EXTENDED,
                                      .worker = worker->id,
                                      .deadline = deadline});
}

static void cell_ping(struct step *step, const struct worker *worker)
{
    if (worker->watchdog.nanoseconds > 0)
        state_worker(step->rollout, worker->id)->ping_deadline =
            instant_plus(step->event->at, worker->watchdog);
}

static void cell_watchdog_set(struct step *step, const struct worker *worker)
{
    struct worker *original;

    /* Said again and again, it is written down once. */
    if (worker->watchdog.nanoseconds != step->event->span.nanoseconds)
        step_record(step, (struct record){.kind = RECORD_WORKER_WATCHDOG,
                                          .worker = worker->id,
                                          .watchdog = step->event->span});
    original = state_worker(step->rollout, worker->id);
    original->ping_deadline =
        worker->state == WORKER_STARTING || step->event->span.nanoseconds == 0
            ? INSTANT_NEVER
            : instant_plus(step->event->at, step->event->span);
}

static void cell_hung(struct step *step, const struct worker *worker)
{
    struct reason reason = worker_reason(worker, CAUSE_WATCHDOG, 0);

    step_record(step, (struct record){.kind = RECORD_WORKER_KILLED,
                                      .worker = worker->id,
                                      .deadline = instant_plus(step->event->at, ABORT_GRACE),
                                      .reason = reason});
    step_effect(step, (struct effect){.kind = EFFECT_ABORT, .worker = worker->id});
    step_worker_failed(step, worker, reason);
}

static void cell_overweight(struct step *step, const struct worker *worker)
{
    state_worker(step->rollout, worker->id)->overweight = true;
}

/* Its turn comes by the rules (recycle.c); one that it has come to is not forgiven any more. */
static void cell_unhealthy(struct step *step, const struct worker *worker)
{
    state_worker(step->rollout, worker->id)->unhealthy =
        worker_reason(worker, step->event->exit.cause, step->event->exit.code);
}

static void cell_healthy(struct step *step, const struct worker *worker)
{
    state_worker(step->rollout, worker->id)->unhealthy = (struct reason){0};
}

static void cell_asked(struct step *step, const struct worker *worker)
{
    step_record(step, (struct record){.kind = RECORD_WORKER_ASKED, .worker = worker->id});
}

/* Nobody has seen it, so nobody misses it: no mark against its revision. */
static void cell_lost(struct step *step, const struct worker *worker)
{
    worker_gone(step, worker, worker_reason(worker, CAUSE_PRIMARY, 0));
}

static void cell_died(struct step *step, const struct worker *worker)
{
    struct reason reason =
        worker_reason(worker, step->event->exit.cause, step->event->exit.code);

    worker_gone(step, worker, reason);
    step_worker_failed(step, worker, reason);
}

static void cell_retire(struct step *step, const struct worker *worker)
{
    worker_retire(step, worker, (struct reason){0});
}

static void cell_gone(struct step *step, const struct worker *worker)
{
    worker_gone(step, worker,
                worker_reason(worker, step->event->exit.cause, step->event->exit.code));
}

static void cell_kill(struct step *step, const struct worker *worker)
{
    worker_kill(step, worker);
}

/* Lawful races, one name each. */

static void cell_said_twice(struct step *step, const struct worker *worker)
{
    (void)step, (void)worker;
}

static void cell_no_matter(struct step *step, const struct worker *worker)
{
    (void)step, (void)worker;
}

static void cell_too_late(struct step *step, const struct worker *worker)
{
    (void)step, (void)worker;
}

struct cell {
    cell_function *act;
    const char *name;
};

#define CELL(what)                                                                             \
    {                                                                                          \
        cell_##what, #what                                                                     \
    }

static const struct cell cells[WORKER_STATE_N][WORKER_EVENT_N] =
    {
        [WORKER_SPAWNING] =
            {
                [WORKER_EVENT_SPAWNED] = CELL(spawned),
                [WORKER_EVENT_SPAWN_FAILED] = CELL(spawn_failed),
                [WORKER_EVENT_LOST] = CELL(lost),
            },
        [WORKER_STARTING] =
            {
                [WORKER_EVENT_SPAWN_FAILED] = CELL(spawn_failed),
                [WORKER_EVENT_READY] = CELL(ready),
                [WORKER_EVENT_EXTEND] = CELL(extend),
                [WORKER_EVENT_PING] = CELL(no_matter),
                [WORKER_EVENT_WATCHDOG_SET] = CELL(watchdog_set),
                [WORKER_EVENT_TRIGGER] = CELL(hung),
                [WORKER_EVENT_OVERWEIGHT] = CELL(no_matter),
                [WORKER_EVENT_UNHEALTHY] = CELL(failed_probe),
                [WORKER_EVENT_HEALTHY] = CELL(no_matter),
                [WORKER_EVENT_EXITED] = CELL(died),
                [WORKER_EVENT_DEADLINE] = CELL(not_ready),
                [WORKER_EVENT_RETIRE] = CELL(retire),
            },
        [WORKER_WARMING] =
            {
                [WORKER_EVENT_SPAWN_FAILED] = CELL(spawn_failed),
                [WORKER_EVENT_READY] = CELL(said_twice),
                [WORKER_EVENT_EXTEND] = CELL(no_matter),
                [WORKER_EVENT_PING] = CELL(ping),
                [WORKER_EVENT_WATCHDOG_SET] = CELL(watchdog_set),
                [WORKER_EVENT_TRIGGER] = CELL(hung),
                [WORKER_EVENT_OVERWEIGHT] = CELL(no_matter),
                [WORKER_EVENT_UNHEALTHY] = CELL(failed_probe),
                [WORKER_EVENT_HEALTHY] = CELL(no_matter),
                [WORKER_EVENT_EXITED] = CELL(died),
                [WORKER_EVENT_DEADLINE] = CELL(admit),
                [WORKER_EVENT_PING_MISSED] = CELL(hung),
                [WORKER_EVENT_RETIRE] = CELL(retire),
            },
        [WORKER_ADMITTED] =
            {
                [WORKER_EVENT_SPAWN_FAILED] = CELL(spawn_failed),
                [WORKER_EVENT_READY] = CELL(said_twice),
                [WORKER_EVENT_EXTEND] = CELL(no_matter),
                [WORKER_EVENT_PING] = CELL(ping),
                [WORKER_EVENT_WATCHDOG_SET] = CELL(watchdog_set),
                [WORKER_EVENT_TRIGGER] = CELL(hung),
                [WORKER_EVENT_OVERWEIGHT] = CELL(overweight),
                [WORKER_EVENT_UNHEALTHY] = CELL(unhealthy),
                [WORKER_EVENT_HEALTHY] = CELL(healthy),
                [WORKER_EVENT_EXITED] = CELL(died),
                [WORKER_EVENT_PING_MISSED] = CELL(hung),
                [WORKER_EVENT_RETIRE] = CELL(retire),
            },
        [WORKER_DRAINING] =
            {
                [WORKER_EVENT_SPAWN_FAILED] = CELL(gone),
                [WORKER_EVENT_READY] = CELL(too_late),
                [WORKER_EVENT_EXTEND] = CELL(extend),
                [WORKER_EVENT_PING] = CELL(no_matter),
                [WORKER_EVENT_WATCHDOG_SET] = CELL(no_matter),
                [WORKER_EVENT_TRIGGER] = CELL(too_late),
                [WORKER_EVENT_ASKED] = CELL(asked),
                [WORKER_EVENT_OVERWEIGHT] = CELL(no_matter),
                [WORKER_EVENT_UNHEALTHY] = CELL(no_matter),
                [WORKER_EVENT_HEALTHY] = CELL(no_matter),
                [WORKER_EVENT_EXITED] = CELL(gone),
                [WORKER_EVENT_DEADLINE] =
                    CELL(kill),
                [WORKER_EVENT_HURRY] = CELL(kill),
            },
        [WORKER_KILLING] =
            {
                [WORKER_EVENT_SPAWN_FAILED] = CELL(gone),
                [WORKER_EVENT_READY] = CELL(too_late),
                [WORKER_EVENT_EXTEND] = CELL(too_late),
                [WORKER_EVENT_PING] = CELL(too_late),
                [WORKER_EVENT_WATCHDOG_SET] = CELL(too_late),
                [WORKER_EVENT_TRIGGER] = CELL(too_late),
                [WORKER_EVENT_ASKED] = CELL(too_late),
                [WORKER_EVENT_OVERWEIGHT] = CELL(too_late),
                [WORKER_EVENT_UNHEALTHY] = CELL(too_late),
                [WORKER_EVENT_HEALTHY] = CELL(too_late),
                [WORKER_EVENT_EXITED] = CELL(gone),
                [WORKER_EVENT_DEADLINE] = CELL(kill),
                [WORKER_EVENT_HURRY] = CELL(kill),
            },
};

static const char *const worker_event_names[WORKER_EVENT_N] = {
    [WORKER_EVENT_SPAWNED] = "spawned",
    [WORKER_EVENT_SPAWN_FAILED] = "spawn_failed",
    [WORKER_EVENT_READY] = "ready",
    [WORKER_EVENT_EXTEND] = "extend",
    [WORKER_EVENT_PING] = "ping",
    [WORKER_EVENT_WATCHDOG_SET] = "watchdog_set",
    [WORKER_EVENT_TRIGGER] = "trigger",
    [WORKER_EVENT_ASKED] = "asked",
    [WORKER_EVENT_OVERWEIGHT] = "overweight",
    [WORKER_EVENT_UNHEALTHY] = "unhealthy",
    [WORKER_EVENT_HEALTHY] = "healthy",
    [WORKER_EVENT_EXITED] = "exited",
    [WORKER_EVENT_LOST] = "lost",
    [WORKER_EVENT_DEADLINE] = "deadline",
    [WORKER_EVENT_PING_MISSED] = "ping_missed",
    [WORKER_EVENT_RETIRE] = "retire",
    [WORKER_EVENT_HURRY] = "hurry",
};

const char *worker_cell_name(enum worker_state state, enum worker_event event)
{
    return cells[state][event].name;
}

const char *worker_event_name(enum worker_event event)
{
    return worker_event_names[event];
}

bool worker_is_active(const struct worker *worker)
{
    return worker->state < WORKER_DRAINING;
}

void worker_dispatch(struct step *step, uint64_t id, enum worker_event event)
{
    const struct worker *found = rollout_worker(step->rollout, id);
    struct worker worker;

    /* A notice about a worker that is gone already: late, lawful, dropped. */
    if (!found)
        return;
    worker = *found;
    assert(cells[worker.state][event].act);
    cells[worker.state][event].act(step, &worker);
}
