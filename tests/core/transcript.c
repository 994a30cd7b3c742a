#include "transcript.h"

#include "core/trace.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETTLE_STEPS_MAX = 1000 };

void transcript_open(struct transcript *transcript)
{
    *transcript = (struct transcript){
        .rollout = calloc(1, sizeof(*transcript->rollout)),
        .update = calloc(1, sizeof(*transcript->update)),
        .noise = UINT32_MAX / 2, /* the middle: a back-off is as long as it says */
    };
    assert_non_null(transcript->rollout);
    assert_non_null(transcript->update);
    assert_int_equal(invariant_init(&transcript->invariant), 0);
}

void transcript_close(struct transcript *transcript)
{
    free(transcript->rollout);
    free(transcript->update);
    invariant_release(&transcript->invariant);
    text_release(&transcript->text);
}

struct policy policy_of(uint32_t workers)
{
    return (struct policy){
        .workers = workers,
        .readiness_timeout = span_from_ms(30000),
        .drain_timeout = span_from_ms(30000),
        .progress_deadline = span_from_ms(600000),
        .restart_initial = span_from_ms(100),
        .restart_max = span_from_ms(15000),
        .restart_reset = span_from_ms(30000),
        .max_surge = {1, false},
        .auto_rollback = true,
    };
}

static void tell(struct transcript *transcript, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct transcript *transcript, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = text_appendv(&transcript->text, format, arguments);
    va_end(arguments);
    assert_int_equal(r, 0);
}

static void tell_event(struct transcript *transcript, const struct event *event)
{
    char text[256];

    tell(transcript, "%.3f %s", (double)event->at.nanoseconds / 1e9, event_name(event->kind));
    if (event->worker != 0)
        tell(transcript, " %llu", (unsigned long long)event->worker);
    if (event->revision != 0)
        tell(transcript, " %llu", (unsigned long long)event->revision);
    if (event->kind == EVENT_FOUND)
        tell(transcript, " in slot %u", event->slot);
    if (event->kind == EVENT_SCALE)
        tell(transcript, " %u", event->workers);
    if (event->kind == EVENT_RELOAD && event->conflict != CONFLICT_SUPERSEDE)
        tell(transcript, " %s", conflict_name(event->conflict));
    if (event->kind == EVENT_EXTEND || event->kind == EVENT_WATCHDOG_SET)
        tell(transcript, " %llu ms", (unsigned long long)span_to_ms(event->span));
    if (event->exit.cause != CAUSE_NONE)
        tell(transcript, " (%s)", reason_describe(&event->exit, text, sizeof(text)));
}

static void tell_effect(struct transcript *transcript, const struct effect *effect)
{
    tell(transcript, "  > %s", effect_name(effect->kind));
    if (effect->worker != 0)
        tell(transcript, " %llu", (unsigned long long)effect->worker);
    else if (effect->revision != 0)
        tell(transcript, " %llu", (unsigned long long)effect->revision);
    if (effect->outcome != OUTCOME_NONE)
        tell(transcript, " %s", outcome_name(effect->outcome));
    tell(transcript, "\n");
}

/* The disk has so many of the update's records, and nobody has seen any of its effects. */
static void cut_step(struct transcript *transcript)
{
    struct update *update = transcript->update;
    char text[256];

    assert_true(transcript->cut_kept < update->record_n);
    tell(transcript, "\n");
    for (size_t i = 0; i < transcript->cut_kept; i++) {
        struct record record = invariant_journaled(&update->records[i]);

        tell(transcript, "  | %s\n", record_describe(&record, text, sizeof(text)));
        assert_int_equal(rollout_replay(transcript->invariant.before, &record), 0);
    }
    transcript->cut = false;
    transcript_crash(transcript);
}

static void tell_step(struct transcript *transcript, const struct event *event)
{
    char text[256];

    tell_event(transcript, event);
    if (transcript->update->record_n == 1 && transcript->update->effect_n == 0) {
        tell(transcript, " | %s\n",
             record_describe(&transcript->update->records[0], text, sizeof(text)));
        return;
    }
    tell(transcript, "\n");
    for (size_t i = 0; i < transcript->update->record_n; i++)
        tell(transcript, "  | %s\n",
             record_describe(&transcript->update->records[i], text, sizeof(text)));
    for (size_t i = 0; i < transcript->update->effect_n; i++)
        tell_effect(transcript, &transcript->update->effects[i]);
}

static void step(struct transcript *transcript, struct event event)
{
    const char *wrong;

    event.at = transcript->now;
    event.noise = transcript->noise;
    rollout_step(transcript->rollout, &event, transcript->update);
    if (transcript->cut) {
        tell_event(transcript, &event);
        cut_step(transcript);
        return;
    }
    tell_step(transcript, &event);
    for (size_t i = 0; i < transcript->update->effect_n; i++) {
        if (transcript->update->effects[i].kind != EFFECT_SPAWN)
            continue;
        assert_true(transcript->spawning_n < 64);
        transcript->spawning[transcript->spawning_n++] = transcript->update->effects[i].worker;
    }
    wrong = invariant_check(&transcript->invariant, transcript->rollout, &event,
                            transcript->update);
    if (wrong) {
        print_error("%s\n", text_string(&transcript->text));
        fail_msg("%s", wrong);
    }
}

void transcript_answer(struct transcript *transcript)
{
    while (transcript->spawning_n > 0) {
        uint64_t worker = transcript->spawning[0];

        transcript->spawning_n--;
        memmove(&transcript->spawning[0], &transcript->spawning[1],
                transcript->spawning_n * sizeof(transcript->spawning[0]));
        if (transcript->spawn_error != 0)
            step(transcript, (struct event){.kind = EVENT_SPAWN_FAILED,
                                            .worker = worker,
                                            .exit = {.cause = CAUSE_SPAWN_FAILED,
                                                     .code = transcript->spawn_error}});
        else
            step(transcript, (struct event){.kind = EVENT_SPAWNED,
                                            .worker = worker,
                                            .pid = (int32_t)(100 + worker),
                                            .start_time = worker});
    }
}

static void act(struct transcript *transcript, struct event event)
{
    step(transcript, event);
    if (!transcript->held)
        transcript_answer(transcript);
}

uint64_t transcript_accept(struct transcript *transcript, const struct policy *policy)
{
    uint64_t revision = transcript->rollout->last_revision + 1;

    act(transcript,
        (struct event){.kind = EVENT_ACCEPT, .revision = revision, .policy = policy});
    return revision;
}

uint64_t transcript_reload(struct transcript *transcript, const struct policy *policy,
                           enum conflict conflict)
{
    uint64_t revision = transcript_accept(transcript, policy);

    act(transcript,
        (struct event){.kind = EVENT_RELOAD, .revision = revision, .conflict = conflict});
    return revision;
}

void transcript_boot(struct transcript *transcript, uint64_t revision)
{
    act(transcript, (struct event){.kind = EVENT_BOOT, .revision = revision});
}

void transcript_scale(struct transcript *transcript, uint32_t workers)
{
    act(transcript, (struct event){.kind = EVENT_SCALE, .workers = workers});
}

void transcript_event(struct transcript *transcript, enum event_kind kind)
{
    act(transcript, (struct event){.kind = kind});
}

void transcript_worker(struct transcript *transcript, enum event_kind kind, uint64_t worker)
{
    act(transcript, (struct event){.kind = kind, .worker = worker});
}

void transcript_span(struct transcript *transcript, enum event_kind kind, uint64_t worker,
                     uint64_t milliseconds)
{
    act(transcript,
        (struct event){.kind = kind, .worker = worker, .span = span_from_ms(milliseconds)});
}

void transcript_ready(struct transcript *transcript, uint64_t worker)
{
    transcript_worker(transcript, EVENT_READY, worker);
}

static void end_worker(struct transcript *transcript, enum event_kind kind, uint64_t worker,
                       enum cause cause, int32_t code)
{
    act(transcript,
        (struct event){.kind = kind, .worker = worker, .exit = {.cause = cause, .code = code}});
}

void transcript_exited(struct transcript *transcript, uint64_t worker, int32_t status)
{
    end_worker(transcript, EVENT_EXITED, worker, CAUSE_EXITED, status);
}

void transcript_signaled(struct transcript *transcript, uint64_t worker, int32_t signal)
{
    end_worker(transcript, EVENT_EXITED, worker, CAUSE_SIGNALED, signal);
}

void transcript_exec_failed(struct transcript *transcript, uint64_t worker, int32_t error)
{
    end_worker(transcript, EVENT_SPAWN_FAILED, worker, CAUSE_SPAWN_FAILED, error);
}

void transcript_unhealthy(struct transcript *transcript, uint64_t worker, int32_t status)
{
    end_worker(transcript, EVENT_UNHEALTHY, worker,
               status != 0 ? CAUSE_UNHEALTHY : CAUSE_UNANSWERED,
               status != 0 ? status : ETIMEDOUT);
}

void transcript_crash(struct transcript *transcript)
{
    struct invariant *invariant = &transcript->invariant;

    tell(transcript, "killed\n");
    transcript->spawning_n = 0;
    assert_true(invariant_copy(invariant->before, transcript->rollout, transcript->update));
    transcript->rollout->now = (struct instant){0};
    invariant->wished =
        invariant->told + transcript->rollout->queue_n + (transcript->rollout->trial != 0);
}

void transcript_crash_in_next(struct transcript *transcript, size_t kept)
{
    transcript->cut = true;
    transcript->cut_kept = kept;
}

void transcript_vanished(struct transcript *transcript, uint64_t worker)
{
    end_worker(transcript, EVENT_VANISHED, worker, CAUSE_VANISHED, 0);
}

void transcript_found(struct transcript *transcript, uint64_t worker, uint32_t slot,
                      uint64_t revision, const struct policy *policy)
{
    act(transcript, (struct event){.kind = EVENT_FOUND,
                                   .worker = worker,
                                   .slot = slot,
                                   .revision = revision,
                                   .policy = policy,
                                   .pid = (int32_t)(100 + worker),
                                   .start_time = worker});
}

void transcript_wait(struct transcript *transcript)
{
    struct instant wake = rollout_wake(transcript->rollout);

    assert_false(instant_is_never(wake));
    transcript->now = instant_later(transcript->now, wake);
    transcript_event(transcript, EVENT_TICK);
}

void transcript_pass(struct transcript *transcript, uint64_t milliseconds)
{
    transcript->now = instant_plus(transcript->now, span_from_ms(milliseconds));
}

void transcript_begin(struct transcript *transcript, const struct policy *policy)
{
    transcript_boot(transcript, transcript_accept(transcript, policy));
    transcript_settle(transcript);
    text_truncate(&transcript->text, 0);
}

static const struct worker *first_in_state(const struct rollout *rollout, unsigned states)
{
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (states & (1u << rollout->workers[i].state))
            return &rollout->workers[i];
    return NULL;
}

void transcript_settle(struct transcript *transcript)
{
    for (int i = 0; i < SETTLE_STEPS_MAX; i++) {
        const struct worker *worker;

        worker = first_in_state(transcript->rollout, 1u << WORKER_STARTING);
        if (worker) {
            transcript_ready(transcript, worker->id);
            continue;
        }
        worker =
            first_in_state(transcript->rollout, 1u << WORKER_DRAINING | 1u << WORKER_KILLING);
        if (worker) {
            transcript_exited(transcript, worker->id, 0);
            continue;
        }
        if (!first_in_state(transcript->rollout, 1u << WORKER_WARMING))
            return;
        transcript_wait(transcript);
    }
    fail_msg("it never settles");
}

void transcript_expect(struct transcript *transcript, const char *expected)
{
    const char *told = text_string(&transcript->text);

    if (strcmp(told, expected) != 0) {
        print_error("told:\n%s\nexpected:\n%s\n", told, expected);
        fail_msg("the transcript differs");
    }
    text_truncate(&transcript->text, 0);
}
