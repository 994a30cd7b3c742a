#include "difference.h"

/* Each member of a struct with the others' names left out: SAME(id) is a->id == b->id. */
#define SAME(member)      (a->member == b->member)
#define SAME_TIME(member) (a->member.nanoseconds == b->member.nanoseconds)

static bool reason_equal(const struct reason *a, const struct reason *b)
{
    return SAME(cause) && SAME(code) && SAME(worker) && SAME(slot) && SAME(revision);
}

static bool share_equal(struct share a, struct share b)
{
    return a.value == b.value && a.percent == b.percent;
}

static bool policy_equal(const struct policy *a, const struct policy *b)
{
    return SAME(workers) && SAME(readiness) && SAME_TIME(readiness_timeout) &&
           SAME_TIME(readiness_delay) && SAME_TIME(watchdog) && SAME_TIME(min_ready) &&
           SAME_TIME(drain_timeout) && SAME_TIME(progress_deadline) &&
           SAME_TIME(restart_initial) && SAME_TIME(restart_max) && SAME_TIME(restart_reset) &&
           SAME_TIME(recycle_age) && SAME(recycle_memory) &&
           share_equal(a->max_surge, b->max_surge) &&
           share_equal(a->max_unavailable, b->max_unavailable) && SAME(max_failures) &&
           SAME(auto_rollback);
}

static bool slot_equal(const struct slot *a, const struct slot *b)
{
    return SAME(state) && SAME(revision) && SAME(failures) && SAME_TIME(since) &&
           SAME_TIME(retry) && reason_equal(&a->last, &b->last);
}

static bool worker_equal(const struct worker *a, const struct worker *b)
{
    return SAME(id) && SAME(revision) && SAME(slot) && SAME(state) && SAME_TIME(started) &&
           SAME_TIME(since) && SAME_TIME(ready) && SAME_TIME(expired) && SAME_TIME(asked) &&
           SAME_TIME(deadline) && SAME(pid) && SAME(start_time) && SAME_TIME(watchdog) &&
           reason_equal(&a->failure, &b->failure);
}

static const char *tables_difference(const struct rollout *a, const struct rollout *b)
{
    if (!SAME(slot_n) || !SAME(worker_n) || !SAME(revision_n) || !SAME(queue_n))
        return "a count";
    for (uint32_t i = 0; i < a->slot_n; i++)
        if (!slot_equal(&a->slots[i], &b->slots[i]))
            return "a slot";
    for (size_t i = 0; i < a->worker_n; i++)
        if (!worker_equal(&a->workers[i], &b->workers[i]))
            return "a worker";
    for (size_t i = 0; i < a->revision_n; i++)
        if (!SAME(revisions[i].number) ||
            !policy_equal(&a->revisions[i].policy, &b->revisions[i].policy))
            return "a revision";
    for (size_t i = 0; i < a->queue_n; i++)
        if (!SAME(queue[i]))
            return "the queue";
    return NULL;
}

const char *difference_find(const struct rollout *a, const struct rollout *b)
{
    if (!SAME(state) || !SAME_TIME(since) || !SAME_TIME(progress))
        return "the rollout's state";
    if (!SAME(stable) || !SAME(target) || !SAME(trial) || !SAME(failures))
        return "the rollout's revisions";
    if (!reason_equal(&a->reason, &b->reason))
        return "the reason";
    if (!SAME(scale) || !SAME(scale_base))
        return "the scale";
    if (!SAME(last_revision) || !SAME(last_worker))
        return "the last numbers";
    return tables_difference(a, b);
}
