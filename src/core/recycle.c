/* When a worker has become too old or too big to be kept. */
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

bool recycle_is_due(const struct rollout *rollout, const struct worker *worker,
                    struct instant at, enum cause *ret_cause)
{
    *ret_cause = worker->overweight ? CAUSE_MEMORY : CAUSE_AGE;
    return worker->overweight || instant_reached(at, recycle_due(rollout, worker));
}
