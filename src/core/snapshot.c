#include "core/rollout.h"

#include <assert.h>

static void emit(struct update *update, struct instant now, struct record record)
{
    assert(update->record_n < UPDATE_RECORDS_MAX);
    record.at = now;
    update->records[update->record_n++] = record;
}

static void emit_worker(struct update *update, struct instant now, const struct worker *worker)
{
    emit(update, now,
         (struct record){
             .kind = RECORD_SNAPSHOT_WORKER,
             .worker = worker->id,
             .slot = worker->slot,
             .revision = worker->revision,
             .state = worker->state,
             .started = worker->started,
             .since = worker->since,
             .ready = worker->ready,
             .expired = worker->expired,
             .asked = worker->asked,
             .watchdog = worker->watchdog,
             .deadline = worker->deadline,
             .pid = worker->pid,
             .start_time = worker->start_time,
             .reason = worker->failure,
         });
}

static void emit_slot(struct update *update, struct instant now, uint32_t i,
                      const struct slot *slot)
{
    emit(update, now,
         (struct record){
             .kind = RECORD_SNAPSHOT_SLOT,
             .slot = i,
             .state = slot->state,
             .revision = slot->revision,
             .failures = slot->failures,
             .since = slot->since,
             .deadline = slot->retry,
             .reason = slot->last,
         });
}

void rollout_snapshot(const struct rollout *rollout, struct instant now,
                      struct update *ret_update)
{
    ret_update->record_n = 0;
    ret_update->effect_n = 0;
    emit(ret_update, now,
         (struct record){
             .kind = RECORD_SNAPSHOT,
             .state = rollout->state,
             .since = rollout->since,
             .progress = rollout->progress,
             .stable = rollout->stable,
             .target = rollout->target,
             .trial = rollout->trial,
             .reason = rollout->reason,
             .failures = rollout->failures,
             .workers = rollout->scale,
             .scale_base = rollout->scale_base,
             .last_revision = rollout->last_revision,
             .last_worker = rollout->last_worker,
         });
    for (size_t i = 0; i < rollout->revision_n; i++)
        emit(ret_update, now,
             (struct record){.kind = RECORD_REVISION_ACCEPTED,
                             .revision = rollout->revisions[i].number,
                             .policy = rollout->revisions[i].policy});
    for (size_t i = 0; i < rollout->queue_n; i++)
        emit(ret_update, now,
             (struct record){.kind = RECORD_QUEUED, .revision = rollout->queue[i]});
    /* Slots come last: a slot beyond the desired ones is kept for the sake of its worker. */
    for (size_t i = 0; i < rollout->worker_n; i++)
        emit_worker(ret_update, now, &rollout->workers[i]);
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        emit_slot(ret_update, now, i, &rollout->slots[i]);
}
