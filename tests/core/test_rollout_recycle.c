/* Workers that are too old or too big: replaced one at a time, and only where nothing else goes
 * on; a replacement that fails takes nothing away. */
#include "invariant.c"
#include "transcript.c"

/* An app whose workers are as old as they may be, at most `seconds`; nothing told. */
static void begin_aged(struct transcript *t, struct policy *policy, uint64_t seconds)
{
    policy->recycle_age = span_from_ms(1000 * seconds);
    transcript_begin(t, policy);
}

static void begin_big(struct transcript *t, struct policy *policy)
{
    policy->recycle_memory = 1u << 20;
    transcript_begin(t, policy);
}

/* Each has its own time, up to a tenth before the age. */
static void age_comes_jittered_and_never_later_than_said(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(4);
    uint64_t times[4] = {0};

    (void)state;
    transcript_open(&t);
    begin_aged(&t, &policy, 1000);
    for (size_t i = 0; i < 4; i++) {
        transcript_wait(&t);
        times[i] = t.now.nanoseconds;
        assert_true(times[i] > 900u * UINT64_C(1000000000));
        assert_true(times[i] <= 1000u * UINT64_C(1000000000));
        assert_true(i == 0 || times[i] > times[i - 1] + UINT64_C(1000000000));
        transcript_settle(&t);
    }
    transcript_close(&t);
}

static void age_replaces_worker_then_retires_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_aged(&t, &policy, 1000);
    transcript_wait(&t);
    transcript_ready(&t, 2);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "938.281 tick\n"
                      "  | worker 1: expired: worker 1 (slot 0, revision 1) is as old as "
                      "recycle.max_age_seconds allows\n"
                      "  | worker 2: started, slot 0, revision 1\n"
                      "  > spawn 2\n"
                      "938.281 spawned 2 | worker 2: spawned, pid 102\n"
                      "938.281 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n"
                      "  | worker 1: retired\n"
                      "  > drain 1\n"
                      "938.281 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 1\n");
    transcript_close(&t);
}

/* All of them are due, and the oldest goes first; the next when it is gone. */
static void age_of_all_replaces_oldest_first_one_at_a_time(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);

    (void)state;
    transcript_open(&t);
    begin_aged(&t, &policy, 1000);
    transcript_pass(&t, 2000000);
    transcript_event(&t, EVENT_TICK);
    transcript_ready(&t, 4);
    transcript_event(&t, EVENT_TICK);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "2000.000 tick\n"
                      "  | worker 1: expired: worker 1 (slot 0, revision 1) is as old as "
                      "recycle.max_age_seconds allows\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > spawn 4\n"
                      "2000.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "2000.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | worker 1: retired\n"
                      "  > drain 1\n"
                      "2000.000 tick\n"
                      "2000.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | worker 2: expired: worker 2 (slot 1, revision 1) is as old as "
                      "recycle.max_age_seconds allows\n"
                      "  | worker 5: started, slot 1, revision 1\n"
                      "  > sweep 1\n"
                      "  > spawn 5\n"
                      "2000.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

/* What is due, and has to wait, wakes nobody. */
static void wake_while_one_is_replaced_is_not_in_the_past(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);

    (void)state;
    transcript_open(&t);
    begin_aged(&t, &policy, 1000);
    transcript_pass(&t, 2000000);
    transcript_event(&t, EVENT_TICK);
    assert_true(rollout_wake(t.rollout).nanoseconds > t.now.nanoseconds);
    transcript_ready(&t, 4);
    transcript_event(&t, EVENT_TICK);
    assert_true(rollout_wake(t.rollout).nanoseconds > t.now.nanoseconds);
    transcript_close(&t);
}

static void age_during_rollout_waits_for_its_end(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_aged(&t, &policy, 100);
    policy.readiness_timeout = SPAN_FOREVER;
    transcript_pass(&t, 80000);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    text_truncate(&t.text, 0);
    transcript_pass(&t, 40000);
    transcript_event(&t, EVENT_TICK);
    transcript_exited(&t, 2, 1);
    transcript_expect(
        &t,
        "120.000 tick\n"
        "120.000 exited 2 (exited with status 1)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | worker 1: expired: worker 1 (slot 0, revision 1) is as old as "
        "recycle.max_age_seconds allows\n"
        "  | worker 3: started, slot 0, revision 1\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n"
        "  > spawn 3\n"
        "120.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void overweight_replaces_worker(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 2);
    transcript_worker(&t, EVENT_OVERWEIGHT, 2);
    transcript_ready(&t, 3);
    transcript_expect(&t, "0.000 overweight 2\n"
                          "  | worker 2: expired: worker 2 (slot 1, revision 1) uses more than "
                          "recycle.memory_bytes\n"
                          "  | worker 3: started, slot 1, revision 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 overweight 2\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "  | worker 2: retired\n"
                          "  > drain 2\n");
    transcript_close(&t);
}

static void overweight_of_two_replaces_one_after_the_other(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 2);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 overweight 2\n"
                      "  | worker 2: expired: worker 2 (slot 1, revision 1) uses more than "
                      "recycle.memory_bytes\n"
                      "  | worker 3: started, slot 1, revision 1\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 overweight 1\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 2: retired\n"
                      "  > drain 2\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                      "recycle.memory_bytes\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > sweep 2\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

static void overweight_during_rollout_is_remembered(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    text_truncate(&t.text, 0);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_exited(&t, 2, 1);
    transcript_expect(
        &t,
        "0.000 overweight 1\n"
        "0.000 exited 2 (exited with status 1)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
        "recycle.memory_bytes\n"
        "  | worker 3: started, slot 0, revision 1\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n"
        "  > spawn 3\n"
        "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

/* The old one serves on; the next attempts come by the slot's back-off. */
static void replacement_that_fails_backs_off_and_old_serves_on(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_exited(&t, 3, 1);
    transcript_exited(&t, 4, 1);
    transcript_event(&t, EVENT_TICK);
    transcript_wait(&t);
    transcript_ready(&t, 5);
    transcript_expect(&t,
                      "0.000 overweight 1\n"
                      "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                      "recycle.memory_bytes\n"
                      "  | worker 3: started, slot 0, revision 1\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 exited 3 (exited with status 1)\n"
                      "  | worker 3: gone: worker 3 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 3 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > sweep 3\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.000 exited 4 (exited with status 1)\n"
                      "  | worker 4: gone: worker 4 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 99 ms after 2 failures: worker 4 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 4\n"
                      "0.000 tick\n"
                      "0.100 tick\n"
                      "  | worker 5: started, slot 0, revision 1\n"
                      "  > spawn 5\n"
                      "0.100 spawned 5 | worker 5: spawned, pid 105\n"
                      "0.100 ready 5\n"
                      "  | worker 5: ready\n"
                      "  | worker 5: admitted\n"
                      "  | worker 1: retired\n"
                      "  > drain 1\n");
    transcript_close(&t);
}

static void expired_that_dies_before_its_replacement_serves_is_no_failure(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_exited(&t, 1, 1);
    transcript_ready(&t, 2);
    transcript_expect(&t,
                      "0.000 overweight 1\n"
                      "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                      "recycle.memory_bytes\n"
                      "  | worker 2: started, slot 0, revision 1\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 exited 1 (exited with status 1)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
                      "  > sweep 1\n"
                      "0.000 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n");
    transcript_close(&t);
}

/* No place beyond: the old one goes first. */
static void recycle_without_surge_makes_room_first(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){0};
    policy.max_unavailable = (struct share){.value = 1};
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_ready(&t, 3);
    transcript_expect(&t, "0.000 overweight 1\n"
                          "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                          "recycle.memory_bytes\n"
                          "  | worker 1: retired\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  > drain 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n");
    transcript_close(&t);
}

static void recycle_without_surge_or_unavailable_takes_one_away_still(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){0};
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_expect(&t, "0.000 overweight 1\n"
                          "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                          "recycle.memory_bytes\n"
                          "  | worker 1: retired\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  > drain 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

/* And not while one is missing already. */
static void recycle_without_surge_waits_for_who_is_missing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){0};
    policy.max_unavailable = (struct share){.value = 1};
    begin_big(&t, &policy);
    transcript_exited(&t, 2, 1);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_ready(&t, 3);
    transcript_expect(&t,
                      "0.000 exited 2 (exited with status 1)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 1\n"
                      "  | slot 1: waiting for 0 ms after 1 failure: worker 2 (slot 1, "
                      "revision 1) exited with status 1\n"
                      "  | worker 3: started, slot 1, revision 1\n"
                      "  > sweep 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 overweight 1\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                      "recycle.memory_bytes\n"
                      "  | worker 1: retired\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > drain 1\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

/* A reload has the surge place: the replacement that is not ready yet gives it up. */
static void reload_while_one_is_replaced_goes_first(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    text_truncate(&t.text, 0);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 3, 0);
    transcript_ready(&t, 4);
    transcript_ready(&t, 5);
    transcript_exited(&t, 1, 0);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 3: retired\n"
                      "  | worker 4: started, slot 1, revision 2\n"
                      "  > drain 3\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 3\n"
                      "0.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | worker 2: retired\n"
                      "  | worker 5: started, slot 0, revision 2\n"
                      "  > drain 2\n"
                      "  > spawn 5\n"
                      "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                      "0.000 ready 5\n"
                      "  | worker 5: ready\n"
                      "  | worker 5: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 1\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 2\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

/* Where that reload fails, what was begun before it is begun again; and the old one counts as
 * one of its revision meanwhile, or the way back would wait for its replacement. */
static void reload_that_fails_while_one_is_replaced_reverts_at_once(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 2, 0);
    text_truncate(&t.text, 0);
    transcript_exited(&t, 3, 1);
    transcript_ready(&t, 4);
    transcript_expect(
        &t,
        "0.000 exited 3 (exited with status 1)\n"
        "  | worker 3: gone: worker 3 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 3 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 3 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 3 (slot 0, revision 2) exited with status 1\n"
        "  | worker 4: started, slot 0, revision 1\n"
        "  > sweep 3\n"
        "  > outcome 2 failed\n"
        "  > spawn 4\n"
        "0.000 spawned 4 | worker 4: spawned, pid 104\n"
        "0.000 ready 4\n"
        "  | worker 4: ready\n"
        "  | worker 4: admitted\n"
        "  | worker 1: retired\n"
        "  > drain 1\n");
    transcript_close(&t);
}

static void scale_down_of_expired_retires_both(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 2);
    text_truncate(&t.text, 0);
    transcript_scale(&t, 1);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 3, 0);
    transcript_expect(&t,
                      "0.000 scale 1\n"
                      "  | scaled to 1\n"
                      "  | worker 2: retired\n"
                      "  | worker 3: retired\n"
                      "  > drain 2\n"
                      "  > drain 3\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n"
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 3\n");
    transcript_close(&t);
}

static void scale_up_while_one_is_replaced_does_both(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    text_truncate(&t.text, 0);
    transcript_scale(&t, 2);
    transcript_ready(&t, 3);
    transcript_ready(&t, 2);
    transcript_expect(&t, "0.000 scale 2\n"
                          "  | scaled to 2\n"
                          "  | worker 3: started, slot 1, revision 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "0.000 ready 2\n"
                          "  | worker 2: ready\n"
                          "  | worker 2: admitted\n"
                          "  | worker 1: retired\n"
                          "  > drain 1\n");
    transcript_close(&t);
}

static void stop_while_one_is_replaced_retires_both(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    text_truncate(&t.text, 0);
    transcript_event(&t, EVENT_STOP);
    transcript_expect(&t, "0.000 stop\n"
                          "  | stopping: the app was stopped\n"
                          "  | worker 1: retired\n"
                          "  | worker 2: retired\n"
                          "  > close_listeners\n"
                          "  > drain 1\n"
                          "  > drain 2\n");
    transcript_close(&t);
}

/* Half of the app runs what was halted; the other half still grows old. */
static void recycle_after_halt_replaces_those_of_the_stable_revision_alone(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    begin_big(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    transcript_exited(&t, 2, 0);
    assert_int_equal(t.rollout->state, ROLLOUT_STEADY);
    text_truncate(&t.text, 0);
    transcript_worker(&t, EVENT_OVERWEIGHT, 3);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_ready(&t, 5);
    transcript_expect(&t, "0.000 overweight 3\n"
                          "0.000 overweight 1\n"
                          "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                          "recycle.memory_bytes\n"
                          "  | worker 5: started, slot 0, revision 1\n"
                          "  > spawn 5\n"
                          "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                          "0.000 ready 5\n"
                          "  | worker 5: ready\n"
                          "  | worker 5: admitted\n"
                          "  | worker 1: retired\n"
                          "  > drain 1\n");
    transcript_close(&t);
}

/* Adoption. */

static void adopt_while_one_is_replaced_goes_on(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 3);
    transcript_expect(&t, "killed\n"
                          "0.000 adopt | adopted\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "  | worker 1: retired\n"
                          "  > drain 1\n");
    transcript_close(&t);
}

static void adopt_expired_without_replacement_replaces_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_crash_in_next(&t, 1);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "0.000 overweight 1\n"
                          "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                          "recycle.memory_bytes\n"
                          "killed\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void adopt_counts_age_on(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_aged(&t, &policy, 1000);
    transcript_pass(&t, 500000);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(&t, "killed\n"
                          "500.000 adopt | adopted\n"
                          "938.281 tick\n"
                          "  | worker 1: expired: worker 1 (slot 0, revision 1) is as old as "
                          "recycle.max_age_seconds allows\n"
                          "  | worker 2: started, slot 0, revision 1\n"
                          "  > spawn 2\n"
                          "938.281 spawned 2 | worker 2: spawned, pid 102\n");
    transcript_close(&t);
}

/* It is weighed anew by who comes next. */
static void adopt_forgets_weight_that_nothing_followed_from(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_big(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    text_truncate(&t.text, 0);
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 2, 1);
    transcript_expect(
        &t,
        "0.000 overweight 1\n"
        "killed\n"
        "0.000 adopt | adopted\n"
        "0.000 exited 2 (exited with status 1)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n");
    transcript_worker(&t, EVENT_OVERWEIGHT, 1);
    transcript_expect(&t, "0.000 overweight 1\n"
                          "  | worker 1: expired: worker 1 (slot 0, revision 1) uses more than "
                          "recycle.memory_bytes\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(age_comes_jittered_and_never_later_than_said),
        cmocka_unit_test(age_replaces_worker_then_retires_it),
        cmocka_unit_test(age_of_all_replaces_oldest_first_one_at_a_time),
        cmocka_unit_test(wake_while_one_is_replaced_is_not_in_the_past),
        cmocka_unit_test(age_during_rollout_waits_for_its_end),
        cmocka_unit_test(overweight_replaces_worker),
        cmocka_unit_test(overweight_of_two_replaces_one_after_the_other),
        cmocka_unit_test(overweight_during_rollout_is_remembered),
        cmocka_unit_test(replacement_that_fails_backs_off_and_old_serves_on),
        cmocka_unit_test(expired_that_dies_before_its_replacement_serves_is_no_failure),
        cmocka_unit_test(recycle_without_surge_makes_room_first),
        cmocka_unit_test(recycle_without_surge_or_unavailable_takes_one_away_still),
        cmocka_unit_test(recycle_without_surge_waits_for_who_is_missing),
        cmocka_unit_test(reload_while_one_is_replaced_goes_first),
        cmocka_unit_test(reload_that_fails_while_one_is_replaced_reverts_at_once),
        cmocka_unit_test(scale_down_of_expired_retires_both),
        cmocka_unit_test(scale_up_while_one_is_replaced_does_both),
        cmocka_unit_test(stop_while_one_is_replaced_retires_both),
        cmocka_unit_test(recycle_after_halt_replaces_those_of_the_stable_revision_alone),
        cmocka_unit_test(adopt_while_one_is_replaced_goes_on),
        cmocka_unit_test(adopt_expired_without_replacement_replaces_it),
        cmocka_unit_test(adopt_counts_age_on),
        cmocka_unit_test(adopt_forgets_weight_that_nothing_followed_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
