#include "core/policy.h"

static uint32_t share_of(struct share share, uint32_t desired, uint32_t round_up)
{
    if (!share.percent)
        return share.value;
    return (uint32_t)(((uint64_t)share.value * desired + (round_up ? 99u : 0u)) / 100u);
}

bool readiness_probes(enum readiness readiness)
{
    return readiness == READINESS_HTTP || readiness == READINESS_TCP;
}

uint32_t policy_surge(const struct policy *policy, uint32_t desired)
{
    uint32_t surge = share_of(policy->max_surge, desired, 1);

    /* More could never live, and the sum with desired must not wrap. */
    return surge < WORKER_MAX ? surge : WORKER_MAX;
}

uint32_t policy_unavailable(const struct policy *policy, uint32_t desired)
{
    uint32_t unavailable = share_of(policy->max_unavailable, desired, 0);

    if (unavailable == 0 && policy_surge(policy, desired) == 0)
        return 1;
    return unavailable < desired ? unavailable : desired;
}

struct span policy_restart_delay(const struct policy *policy, uint32_t failures, uint32_t noise)
{
    uint64_t delay = policy->restart_initial.nanoseconds;
    uint64_t max = policy->restart_max.nanoseconds;

    if (failures <= 1)
        return (struct span){0};
    for (uint32_t i = 2; i < failures && delay < max; i++)
        delay = delay > UINT64_MAX / 2 ? UINT64_MAX : 2 * delay;
    if (delay > max)
        delay = max;
    /* Three quarters of it for sure, and up to half of it by lot: an average of the whole,
     * spread by a quarter to either side, so that slots that died together don't come back
     * together. */
    return (struct span){delay / 4 * 3 + (delay / 2 >> 16) * (noise >> 16)};
}
