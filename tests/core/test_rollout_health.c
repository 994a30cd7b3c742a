/* Workers that answer their probe badly: a candidate is not admitted; one that serves is
 * replaced, one at a time, by a candidate that passed; and an outage of all is no storm. */
#include "invariant.c"
#include "transcript.c"

static void begin_probed(struct transcript *t, struct policy *policy)
{
    policy->readiness = READINESS_HTTP;
    transcript_begin(t, policy);
}

static void candidate_that_fails_its_probe_reverts_before_its_deadline(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_probed(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    text_truncate(&t.text, 0);
    transcript_pass(&t, 2000);
    transcript_unhealthy(&t, 2, 500);
    transcript_exited(&t, 2, 0);
    transcript_expect(
        &t,
        "2.000 unhealthy 2 (failed its probe: answered 500)\n"
        "  | worker 2: retired: worker 2 (slot 0, revision 2) failed its probe: answered 500\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) failed "
        "its probe: answered 500\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) failed its probe: answered "
        "500\n"
        "  > drain 2\n"
        "2.000 exited 2 (exited with status 0)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) failed its probe: "
        "answered 500\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

/* The probe goes on while min_ready_seconds pass. */
static void warming_that_fails_its_probe_is_not_admitted(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_probed(&t, &policy);
    policy.min_ready = span_from_ms(5000);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    text_truncate(&t.text, 0);
    transcript_unhealthy(&t, 2, 0);
    transcript_expect(
        &t,
        "0.000 unhealthy 2 (failed its probe: no answer in time)\n"
        "  | worker 2: retired: worker 2 (slot 0, revision 2) failed its probe: no answer in "
        "time\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) failed "
        "its probe: no answer in time\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) failed its probe: no answer "
        "in time\n"
        "  > drain 2\n");
    transcript_close(&t);
}

static void unhealthy_serves_until_its_replacement_is_admitted(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_probed(&t, &policy);
    transcript_unhealthy(&t, 2, 0);
    transcript_ready(&t, 3);
    transcript_expect(&t,
                      "0.000 unhealthy 2 (failed its probe: no answer in time)\n"
                      "  | worker 2: expired: worker 2 (slot 1, revision 1) failed its probe: "
                      "no answer in time\n"
                      "  | worker 3: started, slot 1, revision 1\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 2: retired\n"
                      "  > drain 2\n");
    transcript_close(&t);
}

/* What is too big waits for what hangs, though it is older. */
static void unhealthy_goes_before_overweight(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);

    (void)state;
    transcript_open(&t);
    begin_probed(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_worker(&t, EVENT_OVERWEIGHT, 2);
    transcript_unhealthy(&t, 3, 503);
    text_truncate(&t.text, 0);
    transcript_exited(&t, 4, 1);
    transcript_expect(
        &t,
        "0.000 exited 4 (exited with status 1)\n"
        "  | worker 4: gone: worker 4 (slot 2, revision 2) exited with status 1\n"
        "  | slot 2: waiting for 0 ms after 1 failure: worker 4 (slot 2, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 4 (slot 2, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 4 (slot 2, revision 2) exited with status 1\n"
        "  | worker 3: expired: worker 3 (slot 2, revision 1) failed its probe: answered 503\n"
        "  | worker 5: started, slot 2, revision 1\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n"
        "  > spawn 5\n"
        "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

/* Their database is down: no candidate passes, so nobody is retired, and the tries are spaced
 * by the back-off. When it is back, whose turn has not come is kept. */
static void unhealthy_all_at_once_retires_nobody_and_forgives(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);
    size_t tries = 0;

    (void)state;
    transcript_open(&t);
    begin_probed(&t, &policy);
    for (uint64_t worker = 1; worker <= 3; worker++)
        transcript_unhealthy(&t, worker, 503);
    for (uint64_t seconds = 0; seconds < 600; seconds++) {
        uint64_t last = t.rollout->last_worker;

        transcript_pass(&t, 1000);
        transcript_event(&t, EVENT_TICK);
        if (rollout_worker(t.rollout, last) && last > 3 &&
            rollout_worker(t.rollout, last)->state == WORKER_STARTING) {
            transcript_unhealthy(&t, last, 503);
            transcript_exited(&t, last, 0);
            tries++;
        }
    }
    assert_in_range(tries, 10, 55);
    for (uint64_t worker = 1; worker <= 3; worker++) {
        assert_int_equal(rollout_worker(t.rollout, worker)->state, WORKER_ADMITTED);
        transcript_worker(&t, EVENT_HEALTHY, worker);
    }
    transcript_wait(&t);
    transcript_settle(&t);
    assert_null(rollout_worker(t.rollout, 1));
    assert_int_equal(rollout_worker(t.rollout, 2)->state, WORKER_ADMITTED);
    assert_int_equal(rollout_worker(t.rollout, 3)->state, WORKER_ADMITTED);
    assert_int_equal(t.rollout->worker_n, 3);
    transcript_close(&t);
}

static void adopt_forgets_health_that_nothing_followed_from(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_probed(&t, &policy);
    transcript_unhealthy(&t, 1, 503);
    transcript_unhealthy(&t, 2, 503);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    assert_int_equal(rollout_worker(t.rollout, 2)->unhealthy.cause, CAUSE_NONE);
    assert_false(instant_is_never(rollout_worker(t.rollout, 1)->expired));
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidate_that_fails_its_probe_reverts_before_its_deadline),
        cmocka_unit_test(warming_that_fails_its_probe_is_not_admitted),
        cmocka_unit_test(unhealthy_serves_until_its_replacement_is_admitted),
        cmocka_unit_test(unhealthy_goes_before_overweight),
        cmocka_unit_test(unhealthy_all_at_once_retires_nobody_and_forgives),
        cmocka_unit_test(adopt_forgets_health_that_nothing_followed_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
