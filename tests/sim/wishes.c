/* The clients: who asks for what, and what each has heard. A client that has lost its primary
 * asks the next one for the outcome of its revision. */
#include "sim.h"

#include <assert.h>

struct wish *wish_of(struct sim *sim, uint64_t revision)
{
    assert(revision > 0 && revision < WISH_MAX);
    return &sim->wishes[revision];
}

void wishes_tell(struct sim *sim, const struct effect *outcome)
{
    struct wish *wish = wish_of(sim, outcome->revision);

    if (!sim->disk.behind && (wish->ended == 0 || wish->ended_seq > sim->disk.synced))
        sim_violate(sim, "durable: an outcome was told before it was on disk");
    if (wish->accepted && wish->heard && !wish->excused)
        sim_violate(sim, "told: an outcome was told twice");
    wish->heard = true;
}

void wishes_ask_again(struct sim *sim)
{
    for (uint64_t i = 1; i <= sim->primary.rollout->last_revision; i++)
        if (sim->wishes[i].ended > 0)
            sim->wishes[i].heard = true;
}

void wishes_reboot(struct sim *sim)
{
    for (uint64_t i = 1; i < WISH_MAX; i++) {
        struct wish *wish = &sim->wishes[i];

        if (wish->ended_seq > sim->disk.synced) {
            wish->ended = 0;
            wish->ended_seq = 0;
        }
        if (wish->wished_seq > sim->disk.synced)
            wish->wished = false;
        if (wish->accepted_seq > sim->disk.synced) {
            if (wish->accepted && !wish->excused)
                sim_violate(sim, "durable: an accepted revision was not on disk");
            *wish = (struct wish){0};
        }
    }
}

/* What the core would refuse is refused before it has a number. The client is told of its
 * number when the revision is on disk: where the primary dies before it can begin, the next one
 * begins it. */
void client_reload(struct sim *sim, enum conflict conflict)
{
    struct primary *primary = &sim->primary;
    const struct rollout *rollout = primary->rollout;
    uint64_t revision;

    if (rollout->state >= ROLLOUT_STOPPING || rollout->revision_n == REVISION_MAX ||
        rollout->last_revision + 2 >= WISH_MAX)
        return;
    if (rollout_is_busy(rollout) &&
        (conflict == CONFLICT_REFUSE ||
         (conflict == CONFLICT_QUEUE && rollout->queue_n == QUEUE_MAX)))
        return;
    if (sim->disk.behind && !primary_compact(sim))
        return;
    revision = primary_accept(sim);
    primary_pump(sim);
    if (!primary->alive || sim->disk.behind)
        return;
    disk_sync(&sim->disk);
    wish_of(sim, revision)->accepted = true;
    if (primary_dies(sim))
        return;
    primary_take(
        sim, &(struct event){.kind = EVENT_RELOAD, .revision = revision, .conflict = conflict});
    if (primary_dies(sim))
        return;
    if (!sim->disk.behind)
        disk_sync(&sim->disk); /* one that is only queued has no effect */
}

void client_act(struct sim *sim)
{
    struct chance *chance = &sim->chance;
    uint32_t what = chance_below(chance, 40);

    if (what < 20)
        client_reload(sim, chance_one_in(chance, 2) ? CONFLICT_SUPERSEDE
                                                    : (enum conflict)chance_below(chance, 3));
    else if (what < 32)
        primary_take(
            sim, &(struct event){.kind = EVENT_SCALE, .workers = 1 + chance_below(chance, 5)});
    else if (what < 33)
        primary_take(sim, &(struct event){.kind = EVENT_STOP});
    else if (what < 36)
        primary_take(sim, &(struct event){.kind = EVENT_HURRY});
}
