/* Another primary takes over in the middle of something: workers that have vanished or are half
 * replaced, failures without their verdict, time that has passed, another crash. */
#include "invariant.c"
#include "transcript.c"

/* A rollout of the second revision over the first one's workers; nothing told. */
static void begin_rollout(struct transcript *t, struct policy *policy)
{
    transcript_begin(t, policy);
    transcript_reload(t, policy, CONFLICT_SUPERSEDE);
    text_truncate(&t->text, 0);
}

/* A crash in the middle of a replacement: the old one is not retired on the word of a new one
 * that has vanished; and is retired where the new one serves. */

static void vanish_of_new_worker_before_old_was_retired_keeps_old(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash_in_next(&t, 2);
    transcript_ready(&t, 3);
    transcript_vanished(&t, 3);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "killed\n"
                          "0.000 vanished 3 (ended, and its exit status is not known)\n"
                          "  | worker 3: gone: worker 3 (slot 1, revision 2) ended, and its "
                          "exit status is not known\n"
                          "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, "
                          "revision 2) ended, and its exit status is not known\n"
                          "  > sweep 3\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | revision 2: reverting: worker 3 (slot 1, revision 2) ended, and "
                          "its exit status is not known\n"
                          "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) ended, "
                          "and its exit status is not known\n"
                          "  > outcome 2 failed\n");
    assert_int_equal(t.rollout->worker_n, 2);
    transcript_close(&t);
}

static void adopt_replacement_that_serves_retires_old(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash_in_next(&t, 2);
    transcript_ready(&t, 3);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "killed\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 2: retired\n"
                          "  | worker 4: started, slot 0, revision 2\n"
                          "  > drain 2\n"
                          "  > spawn 4\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

static void adopt_ready_not_admitted_yet_is_admitted_by_the_next_tick(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash_in_next(&t, 1);
    transcript_ready(&t, 2);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(&t, "0.000 ready 2\n"
                          "  | worker 2: ready\n"
                          "killed\n"
                          "0.000 adopt | adopted\n"
                          "0.000 tick\n"
                          "  | worker 2: admitted\n"
                          "  | worker 1: retired\n"
                          "  | revision 2: promoted\n"
                          "  > drain 1\n");
    transcript_close(&t);
}

/* Failures on record, and the conclusion that was not drawn from them. */

static void adopt_failure_without_its_verdict_reverts(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash_in_next(&t, 2);
    transcript_exited(&t, 3, 7);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t,
        "0.000 exited 3 (exited with status 7)\n"
        "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 7\n"
        "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, revision 2) exited "
        "with status 7\n"
        "killed\n"
        "0.000 adopt\n"
        "  | adopted\n"
        "  | revision 2: reverting: worker 3 (slot 1, revision 2) exited with status 7\n"
        "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) exited with status 7\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void adopt_failures_within_the_budget_go_on(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_failures = 1;
    begin_rollout(&t, &policy);
    transcript_crash_in_next(&t, 2);
    transcript_exited(&t, 3, 7);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t,
                      "0.000 exited 3 (exited with status 7)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 7\n"
                      "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, "
                      "revision 2) exited with status 7\n"
                      "killed\n"
                      "0.000 adopt\n"
                      "  | adopted\n"
                      "  | worker 4: started, slot 1, revision 2\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

/* A death whose failure was not written is forgiven: the slot is filled again at once. */
static void adopt_death_without_its_failure_respawns(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash_in_next(&t, 1);
    transcript_exited(&t, 3, 7);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t,
                      "0.000 exited 3 (exited with status 7)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 7\n"
                      "killed\n"
                      "0.000 adopt\n"
                      "  | adopted\n"
                      "  | worker 4: started, slot 1, revision 2\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

/* VANISHED, of each kind of worker. */

static void vanish_of_spawning_is_no_failure_and_spawns_again(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    t.held = true;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    t.held = false;
    transcript_vanished(&t, 2);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 2 (ended, and its exit status is not known)\n"
                          "  | worker 2: gone: worker 2 (slot 0, revision 2) was being started "
                          "when the primary ended\n"
                          "  > sweep 2\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 3: started, slot 0, revision 2\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    assert_int_equal(t.rollout->failures, 0);
    transcript_close(&t);
}

/* Nobody will answer for it, so ADOPT does not wait for that. */
static void adopt_spawning_is_lost_and_spawns_again(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    t.held = true;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    t.held = false;
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 2: gone: worker 2 (slot 0, revision 2) was being started "
                          "when the primary ended\n"
                          "  | worker 3: started, slot 0, revision 2\n"
                          "  > sweep 2\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void vanish_of_admitted_is_a_crash_like_others(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_crash(&t);
    transcript_vanished(&t, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 1 (ended, and its exit status is not known)\n"
                          "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                          "revision 1) ended, and its exit status is not known\n"
                          "  > sweep 1\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void vanish_of_all_respawns_all(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_crash(&t);
    transcript_vanished(&t, 1);
    transcript_vanished(&t, 2);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 1 (ended, and its exit status is not known)\n"
                          "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                          "revision 1) ended, and its exit status is not known\n"
                          "  > sweep 1\n"
                          "0.000 vanished 2 (ended, and its exit status is not known)\n"
                          "  | worker 2: gone: worker 2 (slot 1, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  | slot 1: waiting for 0 ms after 1 failure: worker 2 (slot 1, "
                          "revision 1) ended, and its exit status is not known\n"
                          "  > sweep 2\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  | worker 4: started, slot 1, revision 1\n"
                          "  > spawn 3\n"
                          "  > spawn 4\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

static void vanish_of_starting_candidate_reverts(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash(&t);
    transcript_vanished(&t, 2);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 2 (ended, and its exit status is not known)\n"
                          "  | worker 2: gone: worker 2 (slot 0, revision 2) ended, and its "
                          "exit status is not known\n"
                          "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, "
                          "revision 2) ended, and its exit status is not known\n"
                          "  > sweep 2\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | revision 2: reverting: worker 2 (slot 0, revision 2) ended, and "
                          "its exit status is not known\n"
                          "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) ended, "
                          "and its exit status is not known\n"
                          "  > outcome 2 failed\n");
    transcript_close(&t);
}

/* A crash loop's back-off goes on, also over the primary's death. */
static void adopt_waiting_slot_keeps_its_back_off(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_exited(&t, 1, 1);
    transcript_exited(&t, 2, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_pass(&t, 50);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(&t, "killed\n"
                          "0.050 adopt | adopted\n"
                          "0.100 tick\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  > spawn 3\n"
                          "0.100 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

/* Time that has passed while nobody was there. */

static void adopt_starting_past_its_deadline_is_looked_at_first(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash(&t);
    transcript_pass(&t, 3600000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_event(&t, EVENT_TICK);
    transcript_ready(&t, 2);
    transcript_expect(&t, "killed\n"
                          "3600.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 2: extended\n"
                          "3600.000 tick\n"
                          "3600.000 ready 2\n"
                          "  | worker 2: ready\n"
                          "  | worker 2: admitted\n"
                          "  | worker 1: retired\n"
                          "  | revision 2: promoted\n"
                          "  > drain 1\n");
    transcript_close(&t);
}

static void adopt_starting_past_its_deadline_and_never_ready_fails(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash(&t);
    transcript_pass(&t, 30000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(
        &t, "killed\n"
            "30.000 adopt\n"
            "  | adopted\n"
            "  | worker 2: extended\n"
            "31.000 tick\n"
            "  | worker 2: retired: worker 2 (slot 0, revision 2) was not ready in time\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) was "
            "not ready in time\n"
            "  | revision 2: reverting: worker 2 (slot 0, revision 2) was not ready in time\n"
            "  > drain 2\n");
    transcript_close(&t);
}

static void adopt_delayed_worker_is_ready_by_its_own_time(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.readiness = READINESS_DELAY;
    policy.readiness_delay = span_from_ms(2000);
    transcript_boot(&t, transcript_accept(&t, &policy));
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_pass(&t, 2000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(&t, "killed\n"
                          "2.000 adopt | adopted\n"
                          "2.000 tick\n"
                          "  | worker 1: ready\n"
                          "  | worker 1: admitted\n"
                          "  | revision 1: promoted\n"
                          "  | revision 1: ended, complete\n"
                          "  > outcome 1 complete\n");
    transcript_close(&t);
}

static void adopt_begins_the_time_without_progress_anew(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.readiness_timeout = SPAN_FOREVER;
    policy.progress_deadline = span_from_ms(20000);
    begin_rollout(&t, &policy);
    transcript_crash(&t);
    transcript_pass(&t, 60000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_event(&t, EVENT_TICK);
    transcript_wait(&t);
    transcript_expect(
        &t, "killed\n"
            "60.000 adopt | adopted\n"
            "60.000 tick\n"
            "80.000 tick\n"
            "  | revision 2: reverting: no progress within progress_deadline_seconds\n"
            "  | worker 2: retired\n"
            "  > drain 2\n");
    transcript_close(&t);
}

static void adopt_sets_the_watchdog_anew_by_what_the_worker_asked_for(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.watchdog = span_from_ms(1000);
    transcript_begin(&t, &policy);
    transcript_span(&t, EVENT_WATCHDOG_SET, 1, 4000);
    transcript_span(&t, EVENT_WATCHDOG_SET, 1, 4000);
    transcript_span(&t, EVENT_WATCHDOG_SET, 2, 0);
    transcript_crash(&t);
    transcript_pass(&t, 3000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(
        &t, "0.000 watchdog_set 1 4000 ms | worker 1: watchdog of 4000 ms\n"
            "0.000 watchdog_set 1 4000 ms\n"
            "0.000 watchdog_set 2 0 ms | worker 2: watchdog of 0 ms\n"
            "killed\n"
            "3.000 adopt | adopted\n"
            "7.000 tick\n"
            "  | worker 1: killed: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) "
            "missed its watchdog\n"
            "  | worker 3: started, slot 0, revision 1\n"
            "  > abort 1\n"
            "  > spawn 3\n"
            "7.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

/* Twice, or out of order. */

static void adopt_twice_promises_again_what_is_not_on_record(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 2);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_worker(&t, EVENT_ASKED, 1);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "killed\n"
                      "0.000 adopt\n"
                      "  | adopted\n"
                      "  > drain 1\n"
                      "killed\n"
                      "0.000 adopt\n"
                      "  | adopted\n"
                      "  > drain 1\n"
                      "0.000 asked 1 | worker 1: asked\n"
                      "killed\n"
                      "0.000 adopt | adopted\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

/* Killed after one of two deaths was written: the second primary sees the other one. */
static void adopt_after_crash_between_deaths_knows_both(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_crash(&t);
    transcript_vanished(&t, 1);
    transcript_crash(&t);
    transcript_vanished(&t, 2);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 1 (ended, and its exit status is not known)\n"
                          "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                          "revision 1) ended, and its exit status is not known\n"
                          "  > sweep 1\n"
                          "killed\n"
                          "0.000 vanished 2 (ended, and its exit status is not known)\n"
                          "  | worker 2: gone: worker 2 (slot 1, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  | slot 1: waiting for 0 ms after 1 failure: worker 2 (slot 1, "
                          "revision 1) ended, and its exit status is not known\n"
                          "  > sweep 2\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  | worker 4: started, slot 1, revision 1\n"
                          "  > spawn 3\n"
                          "  > spawn 4\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_close(&t);
}

/* Killed in the middle of ADOPT's own records: a rollout's verdict is drawn by the third. */
static void adopt_after_crash_within_adopt_draws_the_verdict(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash(&t);
    transcript_vanished(&t, 3);
    transcript_crash_in_next(&t, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 3 (ended, and its exit status is not known)\n"
                          "  | worker 3: gone: worker 3 (slot 1, revision 2) ended, and its "
                          "exit status is not known\n"
                          "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, "
                          "revision 2) ended, and its exit status is not known\n"
                          "  > sweep 3\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "killed\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | revision 2: reverting: worker 3 (slot 1, revision 2) ended, and "
                          "its exit status is not known\n"
                          "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) ended, "
                          "and its exit status is not known\n"
                          "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void vanish_of_unknown_worker_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_vanished(&t, 7);
    transcript_vanished(&t, 0);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "0.000 vanished 7 (ended, and its exit status is not known)\n"
                          "0.000 vanished (ended, and its exit status is not known)\n"
                          "0.000 adopt | adopted\n");
    transcript_close(&t);
}

/* Nothing follows from it at once, and nothing is forgotten: the slot is filled by the next
 * tick, which is due now. */
static void vanish_without_adopt_is_made_up_for_by_the_next_tick(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_pass(&t, 1000);
    transcript_vanished(&t, 1);
    transcript_wait(&t);
    transcript_expect(&t, "1.000 vanished 1 (ended, and its exit status is not known)\n"
                          "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                          "revision 1) ended, and its exit status is not known\n"
                          "  > sweep 1\n"
                          "1.000 tick\n"
                          "  | worker 2: started, slot 0, revision 1\n"
                          "  > spawn 2\n"
                          "1.000 spawned 2 | worker 2: spawned, pid 102\n");
    transcript_close(&t);
}

static void reload_after_adoption_supersedes_what_was_adopted(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "killed\n"
                      "0.000 adopt | adopted\n"
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3\n"
                      "  | revision 2: ended, superseded: superseded by revision 3\n"
                      "  | revision 3: started\n"
                      "  | worker 2: retired\n"
                      "  | worker 3: started, slot 0, revision 3\n"
                      "  > outcome 2 superseded\n"
                      "  > drain 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
                      "  | revision 2: forgotten\n"
                      "  > sweep 2\n"
                      "  > forget 2\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vanish_of_new_worker_before_old_was_retired_keeps_old),
        cmocka_unit_test(adopt_replacement_that_serves_retires_old),
        cmocka_unit_test(adopt_ready_not_admitted_yet_is_admitted_by_the_next_tick),
        cmocka_unit_test(adopt_failure_without_its_verdict_reverts),
        cmocka_unit_test(adopt_failures_within_the_budget_go_on),
        cmocka_unit_test(adopt_death_without_its_failure_respawns),
        cmocka_unit_test(vanish_of_spawning_is_no_failure_and_spawns_again),
        cmocka_unit_test(adopt_spawning_is_lost_and_spawns_again),
        cmocka_unit_test(vanish_of_admitted_is_a_crash_like_others),
        cmocka_unit_test(vanish_of_all_respawns_all),
        cmocka_unit_test(vanish_of_starting_candidate_reverts),
        cmocka_unit_test(adopt_waiting_slot_keeps_its_back_off),
        cmocka_unit_test(adopt_starting_past_its_deadline_is_looked_at_first),
        cmocka_unit_test(adopt_starting_past_its_deadline_and_never_ready_fails),
        cmocka_unit_test(adopt_delayed_worker_is_ready_by_its_own_time),
        cmocka_unit_test(adopt_begins_the_time_without_progress_anew),
        cmocka_unit_test(adopt_sets_the_watchdog_anew_by_what_the_worker_asked_for),
        cmocka_unit_test(adopt_twice_promises_again_what_is_not_on_record),
        cmocka_unit_test(adopt_after_crash_between_deaths_knows_both),
        cmocka_unit_test(adopt_after_crash_within_adopt_draws_the_verdict),
        cmocka_unit_test(vanish_of_unknown_worker_changes_nothing),
        cmocka_unit_test(vanish_without_adopt_is_made_up_for_by_the_next_tick),
        cmocka_unit_test(reload_after_adoption_supersedes_what_was_adopted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
