#include "hostile.h"

#include <stdlib.h>

/* Twelve bytes a record. */
enum { RECORD_BYTES = 12 };

int hostile_init(struct hostile *hostile)
{
    *hostile = (struct hostile){
        .rollout = calloc(1, sizeof(*hostile->rollout)),
        .before = calloc(1, sizeof(*hostile->before)),
        .update = calloc(1, sizeof(*hostile->update)),
    };
    if (!hostile->rollout || !hostile->before || !hostile->update) {
        hostile_release(hostile);
        return -ENOMEM;
    }
    return 0;
}

void hostile_release(struct hostile *hostile)
{
    free(hostile->rollout);
    free(hostile->before);
    free(hostile->update);
    *hostile = (struct hostile){0};
}

/* Small numbers, so that they meet each other; now and then one far out. */
static uint32_t number(uint8_t byte)
{
    static const uint32_t far[] = {SLOT_MAX - 1, SLOT_MAX, WORKER_MAX, UINT32_MAX};

    return byte >= 252 ? far[byte - 252] : byte % 8;
}

static struct record record_of(const uint8_t *bytes)
{
    return (struct record){
        .kind = (enum record_kind)(bytes[0] % RECORD_N),
        .at = {number(bytes[1])},
        .revision = number(bytes[2]),
        .worker = number(bytes[3]),
        .slot = number(bytes[4]),
        .workers = number(bytes[5]),
        .failures = number(bytes[6]),
        .deadline = bytes[7] % 2 ? INSTANT_NEVER : (struct instant){number(bytes[7])},
        .outcome = (enum outcome)(bytes[8] % OUTCOME_N),
        .reason = {.cause = (enum cause)(bytes[8] % CAUSE_N), .revision = number(bytes[9])},
        .policy = {.workers = number(bytes[5]), .drain_timeout = span_from_ms(1000)},
        .state = number(bytes[9]),
        .ready = bytes[7] % 4 ? INSTANT_NEVER : (struct instant){number(bytes[1])},
        .expired = bytes[1] % 4 ? INSTANT_NEVER : (struct instant){number(bytes[7])},
        .asked = bytes[2] % 2 ? INSTANT_NEVER : (struct instant){number(bytes[7])},
        .watchdog = {number(bytes[3])},
        .start_time = number(bytes[6]),
        .pid = (int32_t)number(bytes[6]),
        .stable = number(bytes[10]),
        .target = number(bytes[11]),
        .trial = number(bytes[6]),
        .scale_base = number(bytes[2]),
        .last_revision = number(bytes[3]),
        .last_worker = number(bytes[4]),
    };
}

static const char *replay_one(struct hostile *hostile, const struct record *record)
{
    bool taken = rollout_replay(hostile->rollout, record) == 0;

    if (taken && rollout_replay(hostile->before, record) != 0)
        return "the same record is taken once and refused once";
    if (invariant_difference(hostile->rollout, hostile->before))
        return "a refused record changed the state";
    return NULL;
}

const char *hostile_run(struct hostile *hostile, const uint8_t *bytes, size_t size)
{
    struct event boot = {.kind = EVENT_BOOT, .at = {1000}};
    struct event adopt = {.kind = EVENT_ADOPT, .at = {1000}};
    struct record empty = {.kind = RECORD_SNAPSHOT};

    if (rollout_replay(hostile->rollout, &empty) != 0 ||
        rollout_replay(hostile->before, &empty) != 0)
        return "the empty snapshot is refused";
    while (size >= RECORD_BYTES) {
        struct record record = record_of(bytes);
        const char *wrong = replay_one(hostile, &record);

        if (wrong)
            return wrong;
        bytes += RECORD_BYTES;
        size -= RECORD_BYTES;
    }
    if (!invariant_copy(hostile->rollout, hostile->before, hostile->update))
        return "what was taken can't be frozen";
    if (invariant_difference(hostile->rollout, hostile->before))
        return "what was taken thaws as something else";
    /* Whatever it is, a primary begins with it, either way, without a worker too many. */
    rollout_step(hostile->before, &adopt, hostile->update);
    if (hostile->before->worker_n > WORKER_MAX)
        return "more workers than can be";
    rollout_step(hostile->rollout, &boot, hostile->update);
    return hostile->rollout->worker_n > SLOT_MAX + WORKER_MAX ? "more workers than can be"
                                                              : NULL;
}
