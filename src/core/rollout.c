#include "core/step.h"

#include <assert.h>
#include <string.h>

void step_record(struct step *step, struct record record)
{
    int r;

    assert(step->update->record_n < UPDATE_RECORDS_MAX);
    record.at = step->event->at;
    r = state_apply(step->rollout, &record);
    assert(r == 0);
    step->update->records[step->update->record_n++] = record;
}

void step_effect(struct step *step, struct effect effect)
{
    assert(step->update->effect_n < UPDATE_EFFECTS_MAX);
    step->update->effects[step->update->effect_n++] = effect;
}

/* One slot as it really is, seen once for all rules of a round. */
struct slot_view {
    const struct worker *target;      /* active, current; the admitted one, if any */
    const struct worker *other;       /* active and to be replaced; the newest */
    bool own;                         /* an active worker of the slot's revision, not expired */
    const struct worker *own_serving; /* an admitted one; the oldest */
};

struct survey {
    const struct policy *policy; /* the target's; NULL: there is none */
    uint32_t desired;
    uint32_t active;   /* in desired slots; what max_surge counts */
    uint32_t admitted; /* in desired slots */
    struct slot_view slots[SLOT_MAX];
};

/* Whether it is to be replaced for its health, age or size. A rollout has other cares: as long
 * as one is under way, such a worker is as good as any of its revision. */
static bool worker_is_expired(const struct rollout *rollout, const struct worker *worker)
{
    return !instant_is_never(worker->expired) && rollout->state == ROLLOUT_STEADY;
}

/* What its slot is to have, as far as anybody can say. */
static bool worker_is_current(const struct rollout *rollout, const struct worker *worker)
{
    return worker->revision == rollout->target && !worker_is_expired(rollout, worker);
}

static void survey_worker(struct survey *survey, const struct rollout *rollout,
                          const struct worker *worker)
{
    struct slot_view *view = &survey->slots[worker->slot];

    if (!worker_is_active(worker))
        return;
    if (worker->slot < survey->desired) {
        survey->active++;
        survey->admitted += worker->state == WORKER_ADMITTED;
    }
    if (worker->revision == rollout->slots[worker->slot].revision &&
        !worker_is_expired(rollout, worker)) {
        view->own = true;
        if (!view->own_serving && worker->state == WORKER_ADMITTED)
            view->own_serving = worker;
    }
    /* Workers ascend by id: the newest of the others stays. */
    if (!worker_is_current(rollout, worker)) {
        view->other = worker;
    } else if (!view->target || view->target->state != WORKER_ADMITTED) {
        view->other = view->target ? view->target : view->other;
        view->target = worker;
    } else {
        view->other = worker; /* a twin, found after its records were lost */
    }
}

static void survey_take(struct survey *survey, const struct rollout *rollout)
{
    survey->policy = state_policy(rollout, rollout->target);
    survey->desired = rollout_desired(rollout);
    survey->active = 0;
    survey->admitted = 0;
    memset(survey->slots, 0, rollout->slot_n * sizeof(survey->slots[0]));
    for (size_t i = 0; i < rollout->worker_n; i++)
        survey_worker(survey, rollout, &rollout->workers[i]);
}

static bool slot_is_updated(const struct slot_view *view)
{
    return view->target && view->target->state == WORKER_ADMITTED;
}

static bool rollout_is_rolling(const struct rollout *rollout)
{
    return rollout->state == ROLLOUT_FORWARD || rollout->state == ROLLOUT_REVERTING;
}

bool rollout_is_busy(const struct rollout *rollout)
{
    return rollout->trial != 0 || rollout->queue_n > 0;
}

void step_end_rollout(struct step *step, uint64_t revision, enum outcome outcome,
                      struct reason reason)
{
    step_record(step, (struct record){.kind = RECORD_ROLLOUT_ENDED,
                                      .revision = revision,
                                      .outcome = outcome,
                                      .reason = reason});
    step_effect(step, (struct effect){.kind = EFFECT_OUTCOME,
                                      .revision = revision,
                                      .outcome = outcome,
                                      .reason = reason});
}

static void end_queue(struct step *step, enum outcome outcome, struct reason reason)
{
    while (step->rollout->queue_n > 0)
        step_end_rollout(step, step->rollout->queue[0], outcome, reason);
}

void step_stop(struct step *step, struct reason reason)
{
    step_record(step, (struct record){.kind = RECORD_STOPPING, .reason = reason});
    step_effect(step, (struct effect){.kind = EFFECT_CLOSE_LISTENERS});
}

static void spawn(struct step *step, uint32_t slot, uint64_t revision)
{
    uint64_t worker = step->rollout->last_worker + 1;

    step_record(step, (struct record){.kind = RECORD_WORKER_STARTED,
                                      .worker = worker,
                                      .slot = slot,
                                      .revision = revision});
    step_effect(
        step, (struct effect){
                  .kind = EFFECT_SPAWN, .worker = worker, .slot = slot, .revision = revision});
}

/* Active, and past EFFECT_SPAWN: one that the shell has not answered for yet has no process to
 * ask. It is left alone until the answer, which is the next event and asks all rules again. */
static bool worker_can_retire(const struct worker *worker)
{
    return worker_is_active(worker) && worker->state != WORKER_SPAWNING;
}

/* The rules. Each looks at the survey, does at most one thing and says whether it did; then all
 * are asked again, from the first, over a fresh survey. Their order is their priority. */

/* The replacement serves: the old worker of the slot may go. */
static bool rule_retire_replaced(struct step *step, const struct survey *survey)
{
    for (uint32_t i = 0; i < survey->desired; i++) {
        const struct slot_view *view = &survey->slots[i];

        if (slot_is_updated(view) && view->other && worker_can_retire(view->other)) {
            worker_dispatch(step, view->other->id, WORKER_EVENT_RETIRE);
            return true;
        }
    }
    return false;
}

/* A rollout that failed goes back, where there is a way back. */
static bool rule_verdict(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;
    struct reason verdict = step->verdict;
    uint64_t trial = rollout->trial;

    if (verdict.cause == CAUSE_NONE || !rollout_is_rolling(rollout))
        return false;
    if (rollout->state == ROLLOUT_FORWARD && rollout->stable != 0 && survey->policy &&
        survey->policy->auto_rollback && verdict.cause != CAUSE_JOURNAL) {
        step->verdict = (struct reason){0};
        step_record(step, (struct record){.kind = RECORD_ROLLOUT_REVERTING,
                                          .revision = trial,
                                          .reason = verdict});
        return true;
    }
    /* It halts where it is: a slot that was just moved is moved to the end. */
    if (rule_retire_replaced(step, survey))
        return true;
    step->verdict = (struct reason){0};
    if (rollout->state == ROLLOUT_REVERTING)
        verdict = rollout->reason; /* why it began to revert is what its user must know */
    step_end_rollout(step, trial, OUTCOME_FAILED, verdict);
    if (rollout->stable == 0) {
        end_queue(step, OUTCOME_FAILED, (struct reason){.cause = CAUSE_STOPPED});
        step_stop(step, verdict);
    }
    return true;
}

void step_exit(struct step *step)
{
    struct reason reason = step->rollout->reason;
    enum outcome outcome = reason.cause == CAUSE_STOPPED ? OUTCOME_COMPLETE : OUTCOME_FAILED;

    step_effect(step,
                (struct effect){.kind = EFFECT_EXIT, .outcome = outcome, .reason = reason});
}

static bool rule_stop(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;

    (void)survey;
    if (rollout->state != ROLLOUT_STOPPING)
        return false;
    for (size_t i = 0; i < rollout->worker_n; i++) {
        if (worker_can_retire(&rollout->workers[i])) {
            worker_dispatch(step, rollout->workers[i].id, WORKER_EVENT_RETIRE);
            return true;
        }
    }
    if (rollout->worker_n > 0)
        return false;
    step_record(step, (struct record){.kind = RECORD_STOPPED});
    step_exit(step);
    return true;
}

/* Slots beyond the desired ones are emptied, the highest first. Those of the stable revision
 * are not touched on the word of one that is still on trial. */
static bool rule_scale_down(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;
    uint64_t spared = rollout->state == ROLLOUT_FORWARD ? rollout->stable : 0;

    for (uint32_t i = rollout->slot_n; i > survey->desired; i--) {
        const struct slot_view *view = &survey->slots[i - 1];
        bool is_spared = !view->other || view->other->revision == spared;
        const struct worker *worker = is_spared ? view->target : view->other;

        if (worker && worker_can_retire(worker)) {
            worker_dispatch(step, worker->id, WORKER_EVENT_RETIRE);
            return true;
        }
    }
    return false;
}

/* Not the target's, and not needed: one that was not admitted yet, of a revision that nobody
 * wants any more; or any beside the one that serves for the slot's own: it was to replace that
 * one for its age and leaves this to the rollout now, or it is a twin that was found. */
static bool worker_is_stray(const struct rollout *rollout, const struct survey *survey,
                            const struct worker *worker)
{
    const struct worker *serving = survey->slots[worker->slot].own_serving;

    if (worker->revision == rollout->target || worker == serving)
        return false;
    return serving || (worker->state != WORKER_ADMITTED &&
                       worker->revision != rollout->slots[worker->slot].revision);
}

static bool rule_retire_stray(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;

    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *worker = &rollout->workers[i];

        if (worker_can_retire(worker) && worker_is_stray(rollout, survey, worker)) {
            worker_dispatch(step, worker->id, WORKER_EVENT_RETIRE);
            return true;
        }
    }
    return false;
}

static bool all_updated(const struct survey *survey)
{
    for (uint32_t i = 0; i < survey->desired; i++)
        if (!slot_is_updated(&survey->slots[i]))
            return false;
    return survey->desired > 0;
}

static bool rule_promote(struct step *step, const struct survey *survey)
{
    if (step->rollout->state != ROLLOUT_FORWARD || !all_updated(survey))
        return false;
    step_record(step, (struct record){.kind = RECORD_ROLLOUT_PROMOTED,
                                      .revision = step->rollout->trial});
    return true;
}

/* Settled, or back where it was: every worker of another revision is gone. */
static bool rule_end(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;
    bool reverting = rollout->state == ROLLOUT_REVERTING;

    if (rollout->state != ROLLOUT_SETTLING && !(reverting && all_updated(survey)))
        return false;
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].revision != rollout->target)
            return false;
    step_end_rollout(step, rollout->trial, reverting ? OUTCOME_FAILED : OUTCOME_COMPLETE,
                     rollout->reason);
    return true;
}

/* Whether every slot is served by what it is to have: the target, or what a rollout that was
 * halted half-way has left in it. */
static bool all_served(const struct survey *survey)
{
    for (uint32_t i = 0; i < survey->desired; i++)
        if (!survey->slots[i].own_serving && !slot_is_updated(&survey->slots[i]))
            return false;
    return survey->desired > 0;
}

/* A worker that hangs, is too old or too big is to be replaced: while nothing else goes on, and
 * one at a time until it is gone. One of a revision that was halted is left alone: what becomes
 * of it is its user's to say. */
static bool rule_recycle(struct step *step, const struct survey *survey)
{
    const struct rollout *rollout = step->rollout;
    const struct worker *worker;
    struct reason reason;

    if (rollout->state != ROLLOUT_STEADY || !all_served(survey))
        return false;
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (!instant_is_never(rollout->workers[i].expired))
            return false;
    worker = recycle_next(rollout, step->event->at, &reason);
    if (!worker)
        return false;
    step_record(
        step,
        (struct record){.kind = RECORD_WORKER_EXPIRED, .worker = worker->id, .reason = reason});
    return true;
}

static bool rule_next_in_queue(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;

    (void)survey;
    if (rollout->state != ROLLOUT_STEADY || rollout->queue_n == 0)
        return false;
    step_record(step,
                (struct record){.kind = RECORD_ROLLOUT_STARTED, .revision = rollout->queue[0]});
    return true;
}

static bool budget_allows(const struct step *step, const struct survey *survey)
{
    return survey->policy && step->rollout->worker_n < WORKER_MAX &&
           survey->active < survey->desired + policy_surge(survey->policy, survey->desired);
}

/* Whether the back-off of a slot, if any, is over. */
static bool slot_is_due(const struct step *step, const struct slot *slot)
{
    return slot->state != SLOT_WAITING || instant_reached(step->event->at, slot->retry);
}

/* A slot without a worker of its own revision gets one, unless a rollout has emptied it on
 * purpose (max_unavailable) and is about to fill it with the next. */
static bool rule_respawn(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;

    if (!budget_allows(step, survey))
        return false;
    for (uint32_t i = 0; i < survey->desired; i++) {
        const struct slot *slot = &rollout->slots[i];
        bool left_to_rollout = rollout_is_rolling(rollout) && slot->state != SLOT_WAITING &&
                               slot->revision != rollout->target;

        if (survey->slots[i].own || slot_is_updated(&survey->slots[i]) || left_to_rollout ||
            !slot_is_due(step, slot))
            continue;
        spawn(step, i, slot->revision);
        return true;
    }
    return false;
}

/* Whether slot `a` is a better place for the next candidate than `b`: an empty one first, then
 * the one with the newest old worker. */
static bool slot_goes_first(const struct slot_view *a, const struct slot_view *b)
{
    if (!a->other || !b->other)
        return !a->other && b->other;
    return a->other->id > b->other->id;
}

/* The next slot to be moved to the target revision, or `desired` where there is none. */
static uint32_t next_slot(const struct step *step, const struct survey *survey,
                          bool (*fit)(const struct step *, const struct survey *, uint32_t))
{
    uint32_t best = survey->desired;

    for (uint32_t i = 0; i < survey->desired; i++) {
        if (survey->slots[i].target || !fit(step, survey, i))
            continue;
        if (best == survey->desired || slot_goes_first(&survey->slots[i], &survey->slots[best]))
            best = i;
    }
    return best;
}

/* The back-off of an old revision doesn't hold up the new one, which may be its cure. */
static bool fit_to_advance(const struct step *step, const struct survey *survey, uint32_t i)
{
    const struct slot *slot = &step->rollout->slots[i];

    (void)survey;
    return slot->last.revision != step->rollout->target || slot_is_due(step, slot);
}

static bool rule_advance(struct step *step, const struct survey *survey)
{
    uint32_t slot;

    if (!rollout_is_rolling(step->rollout) || !budget_allows(step, survey))
        return false;
    slot = next_slot(step, survey, fit_to_advance);
    if (slot == survey->desired)
        return false;
    spawn(step, slot, step->rollout->target);
    return true;
}

/* Outside of a rollout just where one was cut short on its way back: the slot is to be the
 * target's again. In one that was halted half-way (auto_rollback off), it is not. */
static bool fit_to_make_room(const struct step *step, const struct survey *survey, uint32_t i)
{
    const struct rollout *rollout = step->rollout;

    return fit_to_advance(step, survey, i) && survey->slots[i].other &&
           survey->slots[i].other->state == WORKER_ADMITTED &&
           (rollout_is_rolling(rollout) || rollout->slots[i].revision == rollout->target);
}

/* No surge place is left, but one fewer may serve: the old one goes first. */
static bool rule_make_room(struct step *step, const struct survey *survey)
{
    uint32_t unavailable;
    uint32_t slot;

    if (!survey->policy)
        return false;
    unavailable = policy_unavailable(survey->policy, survey->desired);
    if (survey->admitted + unavailable <= survey->desired)
        return false;
    slot = next_slot(step, survey, fit_to_make_room);
    if (slot == survey->desired)
        return false;
    worker_dispatch(step, survey->slots[slot].other->id, WORKER_EVENT_RETIRE);
    return true;
}

bool rollout_uses(const struct rollout *rollout, uint64_t number)
{
    if (number == rollout->stable || number == rollout->target || number == rollout->trial)
        return true;
    for (size_t i = 0; i < rollout->queue_n; i++)
        if (rollout->queue[i] == number)
            return true;
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].revision == number)
            return true;
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        if (rollout->slots[i].revision == number)
            return true;
    return false;
}

static bool rule_forget(struct step *step, const struct survey *survey)
{
    struct rollout *rollout = step->rollout;

    (void)survey;
    for (size_t i = 0; i < rollout->revision_n; i++) {
        uint64_t number = rollout->revisions[i].number;

        /* The last one accepted may still wait for its EVENT_RELOAD. */
        if (number == rollout->last_revision || rollout_uses(rollout, number))
            continue;
        step_record(step,
                    (struct record){.kind = RECORD_REVISION_FORGOTTEN, .revision = number});
        step_effect(step, (struct effect){.kind = EFFECT_FORGET, .revision = number});
        return true;
    }
    return false;
}

typedef bool rule_function(struct step *, const struct survey *);

static void reconcile(struct step *step)
{
    static rule_function *const while_stopping[] = {rule_stop, NULL};
    static rule_function *const while_running[] = {
        /* The next wish before the slots are emptied that only the last one did without. */
        rule_verdict,
        rule_next_in_queue,
        rule_scale_down,
        rule_retire_stray,
        rule_retire_replaced,
        rule_promote,
        rule_end,
        rule_recycle,
        rule_respawn,
        rule_advance,
        rule_make_room,
        rule_forget,
        NULL,
    };
    struct survey survey;
    rule_function *const *rule;

    do {
        enum rollout_state state = step->rollout->state;

        if (state == ROLLOUT_STOPPED)
            return;
        survey_take(&survey, step->rollout);
        rule = state == ROLLOUT_STOPPING ? while_stopping : while_running;
        while (*rule && !(*rule)(step, &survey))
            rule++;
    } while (*rule);
}

static bool slot_has_other_active(const struct rollout *rollout, const struct worker *worker)
{
    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *other = &rollout->workers[i];

        if (other->id != worker->id && other->slot == worker->slot && worker_is_active(other) &&
            other->revision == worker->revision && !worker_is_expired(rollout, other))
            return true;
    }
    return false;
}

void step_worker_failed(struct step *step, const struct worker *worker, struct reason reason)
{
    struct rollout *rollout = step->rollout;
    const struct policy *policy = state_policy(rollout, worker->revision);
    const struct slot *slot = &rollout->slots[worker->slot];
    bool on_trial = rollout->state == ROLLOUT_FORWARD && worker->revision == rollout->trial;
    uint32_t failures = slot->last.revision == worker->revision ? slot->failures + 1 : 1;
    struct span delay;

    if (rollout->state == ROLLOUT_STOPPING || worker->slot >= rollout_desired(rollout) ||
        slot_has_other_active(rollout, worker))
        return;
    if (!instant_is_never(worker->ready) &&
        instant_reached(step->event->at, instant_plus(worker->ready, policy->restart_reset)))
        failures = 1;
    delay = policy_restart_delay(policy, failures, step->event->noise);
    step_record(step, (struct record){.kind = RECORD_SLOT_WAITING,
                                      .slot = worker->slot,
                                      .failures = failures,
                                      .deadline = instant_plus(step->event->at, delay),
                                      .reason = reason});
    if (on_trial && rollout->failures > policy->max_failures)
        step->verdict = reason;
}

/* The events that name no worker. */

static void on_accept(struct step *step)
{
    assert(step->event->revision == step->rollout->last_revision + 1);
    /* So many revisions still have workers that drain: the reload that follows is refused. */
    if (step->rollout->revision_n == REVISION_MAX)
        return;
    step_record(step, (struct record){.kind = RECORD_REVISION_ACCEPTED,
                                      .revision = step->event->revision,
                                      .policy = *step->event->policy});
}

/* Ends the rollout that is under way, and those that wait, for a newer one. */
static void supersede(struct step *step)
{
    struct rollout *rollout = step->rollout;
    struct reason reason = {.cause = CAUSE_SUPERSEDED, .revision = step->event->revision};

    end_queue(step, OUTCOME_SUPERSEDED, reason);
    if (rollout->state == ROLLOUT_FORWARD)
        step_end_rollout(step, rollout->trial, OUTCOME_SUPERSEDED, reason);
    else if (rollout->state == ROLLOUT_SETTLING) /* all its workers serve: it has succeeded */
        step_end_rollout(step, rollout->trial, OUTCOME_COMPLETE, (struct reason){0});
    else if (rollout->state == ROLLOUT_REVERTING)
        step_end_rollout(step, rollout->trial, OUTCOME_FAILED, rollout->reason);
}

static void on_reload(struct step *step)
{
    struct rollout *rollout = step->rollout;
    uint64_t revision = step->event->revision;
    bool stopping = rollout->state == ROLLOUT_STOPPING || rollout->state == ROLLOUT_STOPPED;
    bool accepted = rollout_revision(rollout, revision);

    if (stopping || !accepted ||
        (rollout_is_busy(rollout) &&
         (step->event->conflict == CONFLICT_REFUSE ||
          (step->event->conflict == CONFLICT_QUEUE && rollout->queue_n == QUEUE_MAX)))) {
        step_end_rollout(step, revision, OUTCOME_REFUSED,
                         (struct reason){.cause = stopping ? CAUSE_STOPPED : CAUSE_BUSY,
                                         .revision = rollout->trial});
        return;
    }
    if (rollout_is_busy(rollout) && step->event->conflict == CONFLICT_QUEUE) {
        step_record(step, (struct record){.kind = RECORD_QUEUED, .revision = revision});
        return;
    }
    supersede(step);
    step_record(step, (struct record){.kind = RECORD_ROLLOUT_STARTED, .revision = revision});
}

static void on_adopt(struct step *step)
{
    step_adopt(step);
    if (step->event->revision == 0)
        return;
    step->verdict = (struct reason){0}; /* of a rollout that is superseded here */
    on_reload(step);
}

static void on_boot(struct step *step)
{
    struct rollout *rollout = step->rollout;
    struct reason reason = {.cause = CAUSE_PRIMARY};

    end_queue(step, OUTCOME_FAILED, reason);
    if (rollout->state == ROLLOUT_SETTLING)
        step_end_rollout(step, rollout->trial, OUTCOME_COMPLETE, (struct reason){0});
    else if (rollout->trial != 0)
        step_end_rollout(step, rollout->trial, OUTCOME_FAILED,
                         rollout->state == ROLLOUT_REVERTING ? rollout->reason : reason);
    step_record(step, (struct record){.kind = RECORD_BOOTED});
    if (step->event->without_stable && rollout->stable != 0)
        step_record(step,
                    (struct record){.kind = RECORD_STABLE_LOST, .revision = rollout->stable});
    if (step->event->revision == 0)
        return;
    if (rollout_revision(rollout, step->event->revision))
        step_record(step, (struct record){.kind = RECORD_ROLLOUT_STARTED,
                                          .revision = step->event->revision});
    else
        step_end_rollout(step, step->event->revision, OUTCOME_REFUSED,
                         (struct reason){.cause = CAUSE_BUSY});
}

static void on_scale(struct step *step)
{
    if (step->rollout->state < ROLLOUT_STOPPING && step->rollout->target != 0)
        step_record(step,
                    (struct record){.kind = RECORD_SCALED, .workers = step->event->workers});
}

static void on_stop(struct step *step)
{
    struct rollout *rollout = step->rollout;
    struct reason reason = {.cause = CAUSE_STOPPED};

    if (rollout->state >= ROLLOUT_STOPPING)
        return;
    end_queue(step, OUTCOME_FAILED, reason);
    if (rollout->trial != 0)
        step_end_rollout(step, rollout->trial,
                         rollout->state == ROLLOUT_SETTLING ? OUTCOME_COMPLETE : OUTCOME_FAILED,
                         rollout->state == ROLLOUT_SETTLING ? (struct reason){0} : reason);
    step_stop(step, reason);
}

static void on_hurry(struct step *step)
{
    struct rollout *rollout = step->rollout;

    if (rollout->state != ROLLOUT_STOPPING)
        return;
    for (size_t i = 0; i < rollout->worker_n; i++)
        worker_dispatch(step, rollout->workers[i].id, WORKER_EVENT_HURRY);
}

static void on_journal_lost(struct step *step)
{
    /* A first start has nothing to fall back to: it goes on, undurable as it is. */
    if (step->rollout->state == ROLLOUT_FORWARD && step->rollout->stable != 0)
        step->verdict = (struct reason){.cause = CAUSE_JOURNAL, .code = step->event->exit.code};
}

static void on_tick(struct step *step)
{
    struct rollout *rollout = step->rollout;
    const struct policy *policy = state_policy(rollout, rollout->trial);
    struct instant at = step->event->at;

    /* Backwards, for a cell may take its worker out of the table; none puts one in. */
    for (size_t i = rollout->worker_n; i > 0; i--) {
        const struct worker *worker = &rollout->workers[i - 1];

        /* The watchdog first: one that hangs is not admitted. */
        if (instant_reached(at, worker->ping_deadline))
            worker_dispatch(step, worker->id, WORKER_EVENT_PING_MISSED);
        else if (instant_reached(at, worker->deadline))
            worker_dispatch(step, worker->id, WORKER_EVENT_DEADLINE);
    }
    if (rollout_is_rolling(rollout) && policy && step->verdict.cause == CAUSE_NONE &&
        instant_reached(at, instant_plus(rollout->progress, policy->progress_deadline)))
        step->verdict = (struct reason){.cause = CAUSE_NO_PROGRESS, .revision = rollout->trial};
}

struct event_row {
    void (*act)(struct step *);     /* of the app */
    enum worker_event worker_event; /* or of a worker, where act is NULL */
    bool waits_for_next; /* a part of what the next event tells: nothing follows yet */
};

static const struct event_row event_rows[EVENT_N] = {
    [EVENT_BOOT] = {.act = on_boot},
    [EVENT_VANISHED] = {.act = step_vanished, .waits_for_next = true},
    [EVENT_FOUND] = {.act = step_found, .waits_for_next = true},
    [EVENT_ADOPT] = {.act = on_adopt},
    [EVENT_ACCEPT] = {.act = on_accept, .waits_for_next = true},
    [EVENT_RELOAD] = {.act = on_reload},
    [EVENT_SCALE] = {.act = on_scale},
    [EVENT_STOP] = {.act = on_stop},
    [EVENT_HURRY] = {.act = on_hurry},
    [EVENT_JOURNAL_LOST] = {.act = on_journal_lost},
    [EVENT_TICK] = {.act = on_tick},
    [EVENT_SPAWNED] = {.worker_event = WORKER_EVENT_SPAWNED},
    [EVENT_SPAWN_FAILED] = {.worker_event = WORKER_EVENT_SPAWN_FAILED},
    [EVENT_READY] = {.worker_event = WORKER_EVENT_READY},
    [EVENT_EXTEND] = {.worker_event = WORKER_EVENT_EXTEND},
    [EVENT_PING] = {.worker_event = WORKER_EVENT_PING},
    [EVENT_WATCHDOG_SET] = {.worker_event = WORKER_EVENT_WATCHDOG_SET},
    [EVENT_TRIGGER] = {.worker_event = WORKER_EVENT_TRIGGER},
    [EVENT_ASKED] = {.worker_event = WORKER_EVENT_ASKED},
    [EVENT_OVERWEIGHT] = {.worker_event = WORKER_EVENT_OVERWEIGHT},
    [EVENT_UNHEALTHY] = {.worker_event = WORKER_EVENT_UNHEALTHY},
    [EVENT_HEALTHY] = {.worker_event = WORKER_EVENT_HEALTHY},
    [EVENT_EXITED] = {.worker_event = WORKER_EVENT_EXITED},
};

void rollout_step(struct rollout *rollout, const struct event *event, struct update *ret_update)
{
    struct step step = {.rollout = rollout, .event = event, .update = ret_update};
    const struct event_row *row;

    assert(event->kind < EVENT_N);
    row = &event_rows[event->kind];
    ret_update->record_n = 0;
    ret_update->effect_n = 0;
    if (row->act)
        row->act(&step);
    else
        worker_dispatch(&step, event->worker, row->worker_event);
    if (row->waits_for_next)
        return; /* what has become due by now is still due: `now` is for what was asked for it
                 */
    reconcile(&step);
    rollout->now = event->at;
}

struct instant rollout_wake(const struct rollout *rollout)
{
    const struct policy *policy = state_policy(rollout, rollout->trial);
    struct instant wake = INSTANT_NEVER;

    for (size_t i = 0; i < rollout->worker_n; i++) {
        wake = instant_earlier(wake, rollout->workers[i].deadline);
        wake = instant_earlier(wake, rollout->workers[i].ping_deadline);
    }
    /* A retry that is due but has no place in the budget waits for a worker, not for the time.
     */
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        if (rollout->slots[i].state == SLOT_WAITING &&
            !instant_reached(rollout->now, rollout->slots[i].retry))
            wake = instant_earlier(wake, rollout->slots[i].retry);
    if (rollout_is_rolling(rollout) && policy)
        wake =
            instant_earlier(wake, instant_plus(rollout->progress, policy->progress_deadline));
    /* As with a retry: one that is due and has to wait, waits for an event. */
    for (size_t i = 0; i < rollout->worker_n && rollout->state == ROLLOUT_STEADY; i++) {
        struct instant due = recycle_due(rollout, &rollout->workers[i]);

        if (!instant_reached(rollout->now, due))
            wake = instant_earlier(wake, due);
    }
    return wake;
}
