/* A snapshot in the middle of everything; that it replays to the same state is also checked
 * after every step of every other test here. */
#include "invariant.c"
#include "transcript.c"

/* A state with all there is: queue, drains, back-off, scale, a failure. */
static void reach_busy(struct transcript *t)
{
    struct policy policy = policy_of(3);

    policy.max_failures = 5;
    transcript_begin(t, &policy);
    transcript_scale(t, 4);
    (void)transcript_reload(t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(t, 4);
    (void)transcript_reload(t, &policy, CONFLICT_QUEUE);
    transcript_pass(t, 100);
    transcript_ready(t, 5);
    transcript_exited(t, 1, 1);
    transcript_exited(t, t->rollout->last_worker, 1);
    transcript_worker(t, EVENT_TRIGGER, 2);
}

static void freeze_busy_state_begins_with_it_and_has_all(void **state)
{
    struct transcript t;
    size_t kinds[RECORD_N] = {0};

    (void)state;
    transcript_open(&t);
    reach_busy(&t);
    assert_int_not_equal(t.rollout->queue_n, 0);
    rollout_snapshot(t.rollout, t.now, t.update);
    assert_int_equal(t.update->effect_n, 0);
    assert_int_equal(t.update->records[0].kind, RECORD_SNAPSHOT);
    for (size_t i = 0; i < t.update->record_n; i++) {
        kinds[t.update->records[i].kind]++;
        assert_int_equal(t.update->records[i].at.nanoseconds, t.now.nanoseconds);
    }
    assert_int_equal(kinds[RECORD_SNAPSHOT], 1);
    assert_int_equal(kinds[RECORD_REVISION_ACCEPTED], t.rollout->revision_n);
    assert_int_equal(kinds[RECORD_QUEUED], t.rollout->queue_n);
    assert_int_equal(kinds[RECORD_SNAPSHOT_WORKER], t.rollout->worker_n);
    assert_int_equal(kinds[RECORD_SNAPSHOT_SLOT], t.rollout->slot_n);
    transcript_close(&t);
}

/* What a worker was told and has asked for outlives the primary that knew it. */
static void thaw_knows_who_was_asked_who_is_expired_and_the_watchdogs(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);
    const struct rollout *thawed;

    (void)state;
    transcript_open(&t);
    policy.watchdog = span_from_ms(2000);
    transcript_begin(&t, &policy);
    transcript_pass(&t, 1000);
    transcript_span(&t, EVENT_WATCHDOG_SET, 2, 5000);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_ready(&t, 4);
    transcript_worker(&t, EVENT_ASKED, 1);
    assert_true(invariant_copy(t.rollout, t.invariant.thawed, t.invariant.snapshot));
    thawed = t.invariant.thawed;
    assert_null(invariant_difference(t.rollout, thawed));
    assert_int_equal(rollout_worker(thawed, 1)->expired.nanoseconds, 1000000000u);
    assert_int_equal(rollout_worker(thawed, 1)->asked.nanoseconds, 1000000000u);
    assert_true(instant_is_never(rollout_worker(thawed, 2)->expired));
    assert_true(instant_is_never(rollout_worker(thawed, 2)->asked));
    assert_int_equal(rollout_worker(thawed, 2)->watchdog.nanoseconds, 5000000000u);
    assert_int_equal(rollout_worker(thawed, 4)->watchdog.nanoseconds, 2000000000u);
    transcript_close(&t);
}

/* Two states that are the same must go on the same way, so all that matters was in it. */
static void thaw_busy_state_goes_on_alike(void **state)
{
    struct transcript t;
    struct event tick = {.kind = EVENT_TICK, .at = {3600u * 1000000000ull}};
    size_t records;

    (void)state;
    transcript_open(&t);
    reach_busy(&t);
    assert_true(invariant_copy(t.rollout, t.invariant.thawed, t.invariant.snapshot));
    rollout_step(t.rollout, &tick, t.update);
    records = t.update->record_n;
    assert_int_not_equal(records, 0);
    rollout_step(t.invariant.thawed, &tick, t.update);
    assert_int_equal(t.update->record_n, records);
    assert_null(invariant_difference(t.rollout, t.invariant.thawed));
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freeze_busy_state_begins_with_it_and_has_all),
        cmocka_unit_test(thaw_knows_who_was_asked_who_is_expired_and_the_watchdogs),
        cmocka_unit_test(thaw_busy_state_goes_on_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
