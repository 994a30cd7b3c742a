/* A walk over every cell of the worker's table: each named one is reached by a lawful sequence
 * of events, and what it does is looked at; each empty one has its reason here. */
#include "invariant.c"
#include "transcript.c"

#include "core/step.h"

enum { GONE = WORKER_STATE_N };

/* The worker that is looked at: the candidate of the second revision. */
enum { CANDIDATE = 2 };

struct row {
    const char *cell;        /* NULL: can't happen, and `why` says why */
    unsigned after;          /* enum worker_state, or GONE */
    enum effect_kind effect; /* EFFECT_N: none about this worker */
    const char *why;
};

#define NOTHING(cell, state)                                                                   \
    {                                                                                          \
        cell, state, EFFECT_N, NULL                                                            \
    }
#define NEVER(why)                                                                             \
    {                                                                                          \
        NULL, 0, EFFECT_N, why                                                                 \
    }

static const struct row rows[WORKER_STATE_N][WORKER_EVENT_N] = {
    [WORKER_SPAWNING] =
        {
            [WORKER_EVENT_SPAWNED] = NOTHING("spawned", WORKER_STARTING),
            [WORKER_EVENT_SPAWN_FAILED] = {"spawn_failed", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_READY] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_EXTEND] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_PING] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_WATCHDOG_SET] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_TRIGGER] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_ASKED] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_OVERWEIGHT] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_UNHEALTHY] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_HEALTHY] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_EXITED] = NEVER("EFFECT_SPAWN is answered first"),
            [WORKER_EVENT_LOST] = {"lost", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_DEADLINE] = NEVER("it has none"),
            [WORKER_EVENT_PING_MISSED] = NEVER("its watchdog does not run yet"),
            [WORKER_EVENT_RETIRE] = NEVER("the rules leave it alone until it is answered for"),
            [WORKER_EVENT_HURRY] = NEVER("EFFECT_SPAWN is answered first"),
        },
    [WORKER_STARTING] =
        {
            [WORKER_EVENT_SPAWNED] = NEVER("EFFECT_SPAWN is answered once"),
            [WORKER_EVENT_SPAWN_FAILED] = {"spawn_failed", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_READY] = NOTHING("ready", WORKER_WARMING),
            [WORKER_EVENT_EXTEND] = NOTHING("extend", WORKER_STARTING),
            [WORKER_EVENT_PING] = NOTHING("no_matter", WORKER_STARTING),
            [WORKER_EVENT_WATCHDOG_SET] = NOTHING("watchdog_set", WORKER_STARTING),
            [WORKER_EVENT_TRIGGER] = {"hung", WORKER_KILLING, EFFECT_ABORT, NULL},
            [WORKER_EVENT_ASKED] = NEVER("only one that drains is asked"),
            [WORKER_EVENT_OVERWEIGHT] = NOTHING("no_matter", WORKER_STARTING),
            [WORKER_EVENT_UNHEALTHY] = {"failed_probe", WORKER_DRAINING, EFFECT_DRAIN, NULL},
            [WORKER_EVENT_HEALTHY] = NOTHING("no_matter", WORKER_STARTING),
            [WORKER_EVENT_EXITED] = {"died", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_LOST] = NEVER("that it was spawned is on record"),
            [WORKER_EVENT_DEADLINE] = {"not_ready", WORKER_DRAINING, EFFECT_DRAIN, NULL},
            [WORKER_EVENT_PING_MISSED] = NEVER("its watchdog does not run yet"),
            [WORKER_EVENT_RETIRE] = {"retire", WORKER_DRAINING, EFFECT_DRAIN, NULL},
            [WORKER_EVENT_HURRY] = NEVER("stopping has retired it"),
        },
    [WORKER_WARMING] =
        {
            [WORKER_EVENT_SPAWNED] = NEVER("EFFECT_SPAWN is answered once"),
            [WORKER_EVENT_SPAWN_FAILED] = {"spawn_failed", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_READY] = NOTHING("said_twice", WORKER_WARMING),
            [WORKER_EVENT_EXTEND] = NOTHING("no_matter", WORKER_WARMING),
            [WORKER_EVENT_PING] = NOTHING("ping", WORKER_WARMING),
            [WORKER_EVENT_WATCHDOG_SET] = NOTHING("watchdog_set", WORKER_WARMING),
            [WORKER_EVENT_TRIGGER] = {"hung", WORKER_KILLING, EFFECT_ABORT, NULL},
            [WORKER_EVENT_ASKED] = NEVER("only one that drains is asked"),
            [WORKER_EVENT_OVERWEIGHT] = NOTHING("no_matter", WORKER_WARMING),
            [WORKER_EVENT_UNHEALTHY] = {"failed_probe", WORKER_DRAINING, EFFECT_DRAIN, NULL},
            [WORKER_EVENT_HEALTHY] = NOTHING("no_matter", WORKER_WARMING),
            [WORKER_EVENT_EXITED] = {"died", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_LOST] = NEVER("that it was spawned is on record"),
            [WORKER_EVENT_DEADLINE] = NOTHING("admit", WORKER_ADMITTED),
            [WORKER_EVENT_PING_MISSED] = {"hung", WORKER_KILLING, EFFECT_ABORT, NULL},
            [WORKER_EVENT_RETIRE] = {"retire", WORKER_DRAINING, EFFECT_DRAIN, NULL},
            [WORKER_EVENT_HURRY] = NEVER("stopping has retired it"),
        },
    [WORKER_ADMITTED] =
        {
            [WORKER_EVENT_SPAWNED] = NEVER("EFFECT_SPAWN is answered once"),
            [WORKER_EVENT_SPAWN_FAILED] = {"spawn_failed", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_READY] = NOTHING("said_twice", WORKER_ADMITTED),
            [WORKER_EVENT_EXTEND] = NOTHING("no_matter", WORKER_ADMITTED),
            [WORKER_EVENT_PING] = NOTHING("ping", WORKER_ADMITTED),
            [WORKER_EVENT_WATCHDOG_SET] = NOTHING("watchdog_set", WORKER_ADMITTED),
            [WORKER_EVENT_TRIGGER] = {"hung", WORKER_KILLING, EFFECT_ABORT, NULL},
            [WORKER_EVENT_ASKED] = NEVER("only one that drains is asked"),
            [WORKER_EVENT_OVERWEIGHT] = NOTHING("overweight", WORKER_ADMITTED),
            [WORKER_EVENT_UNHEALTHY] = NOTHING("unhealthy", WORKER_ADMITTED),
            [WORKER_EVENT_HEALTHY] = NOTHING("healthy", WORKER_ADMITTED),
            [WORKER_EVENT_EXITED] = {"died", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_LOST] = NEVER("that it was spawned is on record"),
            [WORKER_EVENT_DEADLINE] = NEVER("it has none"),
            [WORKER_EVENT_PING_MISSED] = {"hung", WORKER_KILLING, EFFECT_ABORT, NULL},
            [WORKER_EVENT_RETIRE] = {"retire", WORKER_DRAINING, EFFECT_DRAIN, NULL},
            [WORKER_EVENT_HURRY] = NEVER("stopping has retired it"),
        },
    [WORKER_DRAINING] =
        {
            [WORKER_EVENT_SPAWNED] = NEVER("EFFECT_SPAWN is answered once"),
            [WORKER_EVENT_SPAWN_FAILED] = {"gone", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_READY] = NOTHING("too_late", WORKER_DRAINING),
            [WORKER_EVENT_EXTEND] = NOTHING("extend", WORKER_DRAINING),
            [WORKER_EVENT_PING] = NOTHING("no_matter", WORKER_DRAINING),
            [WORKER_EVENT_WATCHDOG_SET] = NOTHING("no_matter", WORKER_DRAINING),
            [WORKER_EVENT_TRIGGER] = NOTHING("too_late", WORKER_DRAINING),
            [WORKER_EVENT_ASKED] = NOTHING("asked", WORKER_DRAINING),
            [WORKER_EVENT_OVERWEIGHT] = NOTHING("no_matter", WORKER_DRAINING),
            [WORKER_EVENT_UNHEALTHY] = NOTHING("no_matter", WORKER_DRAINING),
            [WORKER_EVENT_HEALTHY] = NOTHING("no_matter", WORKER_DRAINING),
            [WORKER_EVENT_EXITED] = {"gone", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_LOST] = NEVER("that it was spawned is on record"),
            [WORKER_EVENT_DEADLINE] = {"kill", WORKER_KILLING, EFFECT_KILL, NULL},
            [WORKER_EVENT_PING_MISSED] = NEVER("its watchdog was ended"),
            [WORKER_EVENT_RETIRE] = NEVER("only active workers are retired"),
            [WORKER_EVENT_HURRY] = {"kill", WORKER_KILLING, EFFECT_KILL, NULL},
        },
    [WORKER_KILLING] =
        {
            [WORKER_EVENT_SPAWNED] = NEVER("EFFECT_SPAWN is answered once"),
            [WORKER_EVENT_SPAWN_FAILED] = {"gone", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_READY] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_EXTEND] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_PING] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_WATCHDOG_SET] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_TRIGGER] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_ASKED] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_OVERWEIGHT] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_UNHEALTHY] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_HEALTHY] = NOTHING("too_late", WORKER_KILLING),
            [WORKER_EVENT_EXITED] = {"gone", GONE, EFFECT_SWEEP, NULL},
            [WORKER_EVENT_LOST] = NEVER("that it was spawned is on record"),
            [WORKER_EVENT_DEADLINE] = {"kill", WORKER_KILLING, EFFECT_KILL, NULL},
            [WORKER_EVENT_PING_MISSED] = NEVER("its watchdog was ended"),
            [WORKER_EVENT_RETIRE] = NEVER("only active workers are retired"),
            [WORKER_EVENT_HURRY] = {"kill", WORKER_KILLING, EFFECT_KILL, NULL},
        },
};

static const struct worker *candidate(const struct transcript *t)
{
    return rollout_worker(t->rollout, CANDIDATE);
}

/* On to the deadline of the candidate's state, its watchdog fed just before. */
static void reach_deadline(struct transcript *t)
{
    struct instant deadline = candidate(t)->deadline;

    t->now = (struct instant){deadline.nanoseconds - 1};
    transcript_worker(t, EVENT_PING, CANDIDATE);
    t->now = deadline;
    transcript_event(t, EVENT_TICK);
}

/* Brings a candidate to life and to `state`. */
static void reach_state(struct transcript *t, enum worker_state state)
{
    struct policy policy = policy_of(1);

    policy.max_failures = 9;
    transcript_begin(t, &policy);
    policy.min_ready = span_from_ms(2000);
    policy.watchdog = span_from_ms(1000);
    t->held = true;
    transcript_reload(t, &policy, CONFLICT_SUPERSEDE);
    if (state == WORKER_SPAWNING)
        return;
    transcript_answer(t);
    if (state == WORKER_WARMING || state == WORKER_ADMITTED)
        transcript_ready(t, CANDIDATE);
    if (state == WORKER_ADMITTED)
        reach_deadline(t);
    if (state == WORKER_DRAINING || state == WORKER_KILLING)
        transcript_event(t, EVENT_STOP);
    if (state == WORKER_KILLING)
        transcript_event(t, EVENT_HURRY);
}

static void raise_event(struct transcript *t, enum worker_event event)
{
    switch (event) {
    case WORKER_EVENT_SPAWNED:
        transcript_answer(t);
        return;
    case WORKER_EVENT_SPAWN_FAILED:
        transcript_exec_failed(t, CANDIDATE, ENOENT);
        return;
    case WORKER_EVENT_READY:
        transcript_ready(t, CANDIDATE);
        return;
    case WORKER_EVENT_EXTEND:
        transcript_span(t, EVENT_EXTEND, CANDIDATE, 60000);
        return;
    case WORKER_EVENT_PING:
        transcript_worker(t, EVENT_PING, CANDIDATE);
        return;
    case WORKER_EVENT_WATCHDOG_SET:
        transcript_span(t, EVENT_WATCHDOG_SET, CANDIDATE, 500);
        return;
    case WORKER_EVENT_TRIGGER:
        transcript_worker(t, EVENT_TRIGGER, CANDIDATE);
        return;
    case WORKER_EVENT_ASKED:
        transcript_worker(t, EVENT_ASKED, CANDIDATE);
        return;
    case WORKER_EVENT_OVERWEIGHT:
        transcript_worker(t, EVENT_OVERWEIGHT, CANDIDATE);
        return;
    case WORKER_EVENT_UNHEALTHY:
        transcript_unhealthy(t, CANDIDATE, 500);
        return;
    case WORKER_EVENT_HEALTHY:
        transcript_worker(t, EVENT_HEALTHY, CANDIDATE);
        return;
    case WORKER_EVENT_EXITED:
        transcript_exited(t, CANDIDATE, 1);
        return;
    case WORKER_EVENT_LOST:
        transcript_crash(t);
        transcript_vanished(t, CANDIDATE);
        return;
    case WORKER_EVENT_DEADLINE:
        reach_deadline(t);
        return;
    case WORKER_EVENT_PING_MISSED:
        t->now = candidate(t)->ping_deadline;
        transcript_event(t, EVENT_TICK);
        return;
    case WORKER_EVENT_RETIRE:
        transcript_event(t, EVENT_STOP);
        return;
    case WORKER_EVENT_HURRY:
        transcript_event(t, EVENT_HURRY);
        return;
    case WORKER_EVENT_N:
        break;
    }
    fail_msg("no such event");
}

static enum effect_kind effect_on_candidate(const struct update *update)
{
    for (size_t i = 0; i < update->effect_n; i++)
        if (update->effects[i].worker == CANDIDATE)
            return update->effects[i].kind;
    return EFFECT_N;
}

static void walk_cell(enum worker_state state, enum worker_event event)
{
    const struct row *row = &rows[state][event];
    struct transcript t;

    transcript_open(&t);
    reach_state(&t, state);
    assert_int_equal(candidate(&t)->state, state);
    raise_event(&t, event);
    if (row->after == GONE)
        assert_null(candidate(&t));
    else
        assert_int_equal(candidate(&t)->state, row->after);
    assert_int_equal(effect_on_candidate(t.update), row->effect);
    transcript_close(&t);
}

static void walk_named_cells_each_does_what_it_says(void **state)
{
    (void)state;
    for (unsigned s = 0; s < WORKER_STATE_N; s++) {
        for (unsigned e = 0; e < WORKER_EVENT_N; e++) {
            const char *name = worker_cell_name((enum worker_state)s, (enum worker_event)e);

            if (!name)
                continue;
            assert_non_null(rows[s][e].cell);
            assert_string_equal(name, rows[s][e].cell);
            walk_cell((enum worker_state)s, (enum worker_event)e);
        }
    }
}

static void walk_empty_cells_each_has_its_reason(void **state)
{
    (void)state;
    for (unsigned s = 0; s < WORKER_STATE_N; s++)
        for (unsigned e = 0; e < WORKER_EVENT_N; e++)
            if (!worker_cell_name((enum worker_state)s, (enum worker_event)e))
                assert_non_null(rows[s][e].why);
}

/* What the table can't say: the deadlines. */

static void extend_moves_deadline_later_never_nearer(void **state)
{
    struct transcript t;
    struct instant before;

    (void)state;
    transcript_open(&t);
    reach_state(&t, WORKER_STARTING);
    before = candidate(&t)->deadline;
    transcript_span(&t, EVENT_EXTEND, CANDIDATE, 1);
    assert_int_equal(candidate(&t)->deadline.nanoseconds, before.nanoseconds);
    transcript_span(&t, EVENT_EXTEND, CANDIDATE, 60000);
    assert_int_equal(candidate(&t)->deadline.nanoseconds, 60000000000u);
    transcript_close(&t);
}

static void ping_feeds_watchdog(void **state)
{
    struct transcript t;

    (void)state;
    transcript_open(&t);
    reach_state(&t, WORKER_WARMING);
    assert_int_equal(candidate(&t)->ping_deadline.nanoseconds, 1000000000u);
    transcript_pass(&t, 900);
    transcript_worker(&t, EVENT_PING, CANDIDATE);
    assert_int_equal(candidate(&t)->ping_deadline.nanoseconds, 1900000000u);
    transcript_close(&t);
}

static void hang_grants_time_for_a_core_then_kills(void **state)
{
    struct transcript t;

    (void)state;
    transcript_open(&t);
    reach_state(&t, WORKER_ADMITTED);
    transcript_worker(&t, EVENT_TRIGGER, CANDIDATE);
    assert_int_equal(candidate(&t)->failure.cause, CAUSE_WATCHDOG);
    assert_int_equal(instant_since(candidate(&t)->deadline, t.now).nanoseconds, 5000000000u);
    raise_event(&t, WORKER_EVENT_DEADLINE);
    assert_int_equal(candidate(&t)->failure.cause, CAUSE_WATCHDOG);
    assert_int_equal(effect_on_candidate(t.update), EFFECT_KILL);
    assert_int_equal(instant_since(candidate(&t)->deadline, t.now).nanoseconds, 1000000000u);
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_named_cells_each_does_what_it_says),
        cmocka_unit_test(walk_empty_cells_each_has_its_reason),
        cmocka_unit_test(extend_moves_deadline_later_never_nearer),
        cmocka_unit_test(ping_feeds_watchdog),
        cmocka_unit_test(hang_grants_time_for_a_core_then_kills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
