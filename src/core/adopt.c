/* How a primary takes over the workers of one that was killed: VANISHED and FOUND say where the
 * world is not what the journal says, then ADOPT goes on from there.
 *
 * The earlier primary may have ended between any two records, and before any of its effects.
 * What its records promise and nobody has seen done is promised again here; what would have
 * followed from them follows from the rules, as after any event. All of it may be said twice,
 * for this primary can be killed here just as well.
 */
#include "core/step.h"

/* What nobody looked at while there was no primary: a worker that may have become ready gets so
 * long until it is looked at, also where its time has passed meanwhile. */
#define READINESS_GRACE span_from_ms(1000)

/* What follows is asked by ADOPT, when the fate of all of them is known. */
void step_vanished(struct step *step)
{
    const struct worker *worker = rollout_worker(step->rollout, step->event->worker);

    if (worker)
        worker_dispatch(step, worker->id,
                        worker->state == WORKER_SPAWNING ? WORKER_EVENT_LOST
                                                         : WORKER_EVENT_EXITED);
}

/* Whether the revision is known, or can be made known by its policy. */
static bool found_revision_fits(const struct rollout *rollout, const struct event *event)
{
    if (rollout_revision(rollout, event->revision))
        return true;
    return event->revision != 0 && event->policy && rollout->revision_n < REVISION_MAX &&
           event->policy->workers > 0 && event->policy->workers <= SLOT_MAX;
}

/* A damaged journal has lost its records. Of a revision that is lacking it is known just how
 * its workers are to be ended, by the policy that the shell has for it. What does not fit is
 * not taken: the shell sees that nobody knows the worker. */
void step_found(struct step *step)
{
    const struct event *event = step->event;
    struct rollout *rollout = step->rollout;

    if (event->worker == 0 || event->slot >= SLOT_MAX || rollout->worker_n == WORKER_MAX ||
        rollout_worker(rollout, event->worker) || !found_revision_fits(rollout, event))
        return;
    if (!rollout_revision(rollout, event->revision))
        step_record(step, (struct record){.kind = RECORD_REVISION_ACCEPTED,
                                          .revision = event->revision,
                                          .policy = *event->policy});
    step_record(step, (struct record){.kind = RECORD_WORKER_FOUND,
                                      .worker = event->worker,
                                      .slot = event->slot,
                                      .revision = event->revision,
                                      .pid = event->pid,
                                      .start_time = event->start_time});
}

/* The newest failure of the rollout's, as far as a slot still knows it. */
static struct reason newest_failure(const struct rollout *rollout)
{
    struct reason reason = {.cause = CAUSE_PRIMARY, .revision = rollout->trial};
    struct instant newest = {0};

    for (uint32_t i = 0; i < rollout->slot_n; i++) {
        const struct slot *slot = &rollout->slots[i];

        if (slot->last.revision == rollout->trial && instant_reached(slot->since, newest)) {
            newest = slot->since;
            reason = slot->last;
        }
    }
    return reason;
}

/* More workers of the rollout have failed than it bears, and no record says what came of it. */
static bool verdict_is_overdue(const struct rollout *rollout)
{
    const struct policy *policy = state_policy(rollout, rollout->trial);

    return rollout->state == ROLLOUT_FORWARD && policy &&
           rollout->failures > policy->max_failures;
}

static void extend(struct step *step, const struct worker *worker, struct span span)
{
    struct instant deadline = instant_plus(step->event->at, span);

    if (deadline.nanoseconds > worker->deadline.nanoseconds)
        step_record(step, (struct record){.kind = RECORD_WORKER_EXTENDED,
                                          .worker = worker->id,
                                          .deadline = deadline});
}

static void adopt_worker(struct step *step, struct worker *worker)
{
    const struct policy *policy = state_policy(step->rollout, worker->revision);

    switch (worker->state) {
    case WORKER_SPAWNING: /* nobody will ever answer for it */
        worker_dispatch(step, worker->id, WORKER_EVENT_LOST);
        return;
    case WORKER_STARTING:
        if (policy->readiness != READINESS_DELAY)
            extend(step, worker, READINESS_GRACE);
        return;
    case WORKER_WARMING:
    case WORKER_ADMITTED:
        if (worker->watchdog.nanoseconds > 0)
            worker->ping_deadline = instant_plus(step->event->at, worker->watchdog);
        return;
    case WORKER_DRAINING:
        /* It has all of its time from when it is asked. */
        if (instant_is_never(worker->asked)) {
            extend(step, worker, policy->drain_timeout);
            step_effect(step, (struct effect){.kind = EFFECT_DRAIN, .worker = worker->id});
        }
        return;
    case WORKER_KILLING: /* its deadline says it again */
    case WORKER_STATE_N:
        return;
    }
}

void step_adopt(struct step *step)
{
    struct rollout *rollout = step->rollout;

    /* A damaged snapshot: what was tried is not known any more. */
    if (rollout->trial != 0 && !rollout_revision(rollout, rollout->trial))
        step_end_rollout(step, rollout->trial, OUTCOME_FAILED,
                         (struct reason){.cause = CAUSE_PRIMARY});
    step_record(step, (struct record){.kind = RECORD_ADOPTED});
    for (size_t i = 0; i < rollout->worker_n;) {
        uint64_t id = rollout->workers[i].id;

        adopt_worker(step, &rollout->workers[i]);
        i += rollout_worker(rollout, id) != NULL; /* a lost one has left the table */
    }
    if (rollout->state == ROLLOUT_STOPPING)
        step_effect(step, (struct effect){.kind = EFFECT_CLOSE_LISTENERS});
    if (rollout->state == ROLLOUT_STOPPED)
        step_exit(step);
    /* The first rollout of all has ended, and the stop that follows from it is not written. */
    if (rollout->state == ROLLOUT_STEADY && rollout->stable == 0 && rollout->queue_n == 0 &&
        step->event->revision == 0)
        step_stop(step, (struct reason){.cause = CAUSE_PRIMARY});
    if (verdict_is_overdue(rollout))
        step->verdict = newest_failure(rollout);
}
