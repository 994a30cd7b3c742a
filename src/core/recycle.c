/* When a worker has become too old or too big to be kept, or answers its probe no more.
 *
 * An unhealthy one is replaced as an old one is: it serves on until a candidate has taken its
 * place, and the candidate is asked by the same probe before. So where all workers fail at
 * once, for what they share has failed (their database, a name server), no candidate passes,
 * and nobody is retired: what is left is one slot that tries again by its back-off, at most
 * each restart_max. When they answer again, those that wait for their turn are forgiven.
 */
#include "core/step.h"

/* Nearer than recycle_age by up to a tenth, another part for each worker: those that were
 * started together need not be replaced together. */
struct instant recycle_due(const struct rollout *rollout, const struct worker *worker)
{
    uint64_t age = state_policy(rollout, worker->revision)->recycle_age.nanoseconds;
    uint64_t spread = (worker->id * 0x9e3779b97f4a7c15u) >> 54; /* Knuth's hash: 0 … 1023 */

    if (age == 0 || worker->state != WORKER_ADMITTED)
        return INSTANT_NEVER;
    return instant_plus(worker->ready, (struct span){age - age / 10240 * spread});
}

static struct reason recycle_reason(const struct rollout *rollout, const struct worker *worker,
                                    struct instant at)
{
    struct reason reason = {
        .worker = worker->id, .slot = worker->slot, .revision = worker->revision};

    if (worker->unhealthy.cause != CAUSE_NONE)
        return worker->unhealthy;
    if (worker->overweight) {
        reason.cause = CAUSE_MEMORY;
    } else if (instant_reached(at, recycle_due(rollout, worker))) {
        reason.cause = CAUSE_AGE;
    }
    return reason;
}

/* The unhealthy first, for it fails its clients now; of each kind the oldest. */
const struct worker *recycle_next(const struct rollout *rollout, struct instant at,
                                  struct reason *ret_reason)
{
    const struct worker *next = NULL;

    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *worker = &rollout->workers[i];
        struct reason reason = recycle_reason(rollout, worker, at);

        if (worker->state != WORKER_ADMITTED || worker->revision != rollout->target ||
            reason.cause == CAUSE_NONE || (next && worker->unhealthy.cause == CAUSE_NONE))
            continue;
        next = worker;
        *ret_reason = reason;
        if (worker->unhealthy.cause != CAUSE_NONE)
            break;
    }
    return next;
}
