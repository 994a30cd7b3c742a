/* Workers that a damaged journal lacks: those that serve are kept, as far as anything is known
 * of them, and their twins go only when somebody else serves. */
#include "invariant.c"
#include "transcript.c"

/* A second life of an app of `workers` workers that has told nothing yet. */
static void begin_again(struct transcript *t, struct policy *policy)
{
    transcript_begin(t, policy);
    transcript_crash(t);
    text_truncate(&t->text, 0);
}

static void find_worker_of_known_revision_in_empty_slot_keeps_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_again(&t, &policy);
    transcript_vanished(&t, 1);
    transcript_found(&t, 5, 0, 1, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 5, 1);
    transcript_expect(
        &t, "0.000 vanished 1 (ended, and its exit status is not known)\n"
            "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its exit status is "
            "not known\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) "
            "ended, and its exit status is not known\n"
            "  > sweep 1\n"
            "0.000 found 5 1 in slot 0 | worker 5: found, slot 0, revision 1, pid 105\n"
            "0.000 adopt | adopted\n"
            "0.000 exited 5 (exited with status 1)\n"
            "  | worker 5: gone: worker 5 (slot 0, revision 1) exited with status 1\n"
            "  | slot 0: waiting for 99 ms after 2 failures: worker 5 (slot 0, revision 1) "
            "exited with status 1\n"
            "  > sweep 5\n");
    transcript_close(&t);
}

static void find_twin_in_served_slot_retires_the_younger(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_again(&t, &policy);
    transcript_found(&t, 3, 1, 1, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 3, 0);
    transcript_expect(
        &t, "0.000 found 3 1 in slot 1 | worker 3: found, slot 1, revision 1, pid 103\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 3: retired\n"
            "  > drain 3\n"
            "0.000 exited 3 (exited with status 0)\n"
            "  | worker 3: gone: worker 3 (slot 1, revision 1) exited with status 0\n"
            "  > sweep 3\n");
    transcript_close(&t);
}

/* All is lost: what serves is the app. */
static void find_all_after_lost_journal_goes_on_with_their_revision(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_found(&t, 11, 0, 4, &policy);
    transcript_found(&t, 12, 1, 4, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t, "0.000 found 11 4 in slot 0\n"
            "  | revision 4: accepted\n"
            "  | worker 11: found, slot 0, revision 4, pid 111\n"
            "0.000 found 12 4 in slot 1 | worker 12: found, slot 1, revision 4, pid 112\n"
            "0.000 adopt | adopted\n");
    assert_int_equal(t.rollout->stable, 4);
    assert_int_equal(t.rollout->target, 4);
    assert_int_equal(t.rollout->last_revision, 4);
    assert_int_equal(t.rollout->last_worker, 12);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 5 | revision 5: accepted\n"
                          "0.000 reload 5\n"
                          "  | revision 5: started\n"
                          "  | worker 13: started, slot 1, revision 5\n"
                          "  > spawn 13\n"
                          "0.000 spawned 13 | worker 13: spawned, pid 113\n");
    transcript_close(&t);
}

/* In the midst of a rollout when the journal was lost: the oldest one's revision is what the
 * app goes on with, and its slots are filled with it before the others go. */
static void find_two_revisions_after_lost_journal_goes_on_with_the_older(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_found(&t, 11, 0, 4, &policy);
    transcript_found(&t, 13, 1, 5, &policy);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 14);
    transcript_exited(&t, 13, 0);
    transcript_expect(
        &t, "0.000 found 11 4 in slot 0\n"
            "  | revision 4: accepted\n"
            "  | worker 11: found, slot 0, revision 4, pid 111\n"
            "0.000 found 13 5 in slot 1\n"
            "  | revision 5: accepted\n"
            "  | worker 13: found, slot 1, revision 5, pid 113\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 14: started, slot 1, revision 4\n"
            "  > spawn 14\n"
            "0.000 spawned 14 | worker 14: spawned, pid 114\n"
            "0.000 ready 14\n"
            "  | worker 14: ready\n"
            "  | worker 14: admitted\n"
            "  | worker 13: retired\n"
            "  > drain 13\n"
            "0.000 exited 13 (exited with status 0)\n"
            "  | worker 13: gone: worker 13 (slot 1, revision 5) exited with status 0\n"
            "  > sweep 13\n");
    transcript_close(&t);
}

/* A respawn is younger, and of an older revision, than what was rolled out before it. */
static void find_older_revision_after_newer_one_takes_both(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_found(&t, 13, 1, 5, &policy);
    transcript_found(&t, 14, 0, 4, &policy);
    transcript_expect(&t, "0.000 found 13 5 in slot 1\n"
                          "  | revision 5: accepted\n"
                          "  | worker 13: found, slot 1, revision 5, pid 113\n"
                          "0.000 found 14 4 in slot 0\n"
                          "  | revision 4: accepted\n"
                          "  | worker 14: found, slot 0, revision 4, pid 114\n");
    assert_int_equal(t.rollout->revisions[0].number, 4);
    assert_int_equal(t.rollout->revisions[1].number, 5);
    assert_int_equal(t.rollout->last_revision, 5);
    transcript_close(&t);
}

/* The records after an older revision's were lost: it is what a respawn can run, so it takes
 * its slots back, one after the other, and nobody is missed meanwhile. */
static void find_newer_revision_than_the_stable_one_rolls_back_gently(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_again(&t, &policy);
    transcript_vanished(&t, 1);
    transcript_vanished(&t, 2);
    transcript_found(&t, 3, 1, 2, &policy);
    transcript_found(&t, 4, 0, 2, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 5);
    transcript_expect(
        &t, "0.000 vanished 1 (ended, and its exit status is not known)\n"
            "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its exit status is "
            "not known\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) "
            "ended, and its exit status is not known\n"
            "  > sweep 1\n"
            "0.000 vanished 2 (ended, and its exit status is not known)\n"
            "  | worker 2: gone: worker 2 (slot 1, revision 1) ended, and its exit status is "
            "not known\n"
            "  | slot 1: waiting for 0 ms after 1 failure: worker 2 (slot 1, revision 1) "
            "ended, and its exit status is not known\n"
            "  > sweep 2\n"
            "0.000 found 3 2 in slot 1\n"
            "  | revision 2: accepted\n"
            "  | worker 3: found, slot 1, revision 2, pid 103\n"
            "0.000 found 4 2 in slot 0 | worker 4: found, slot 0, revision 2, pid 104\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 5: started, slot 0, revision 1\n"
            "  > spawn 5\n"
            "0.000 spawned 5 | worker 5: spawned, pid 105\n"
            "0.000 ready 5\n"
            "  | worker 5: ready\n"
            "  | worker 5: admitted\n"
            "  | worker 4: retired\n"
            "  | worker 6: started, slot 1, revision 1\n"
            "  > drain 4\n"
            "  > spawn 6\n"
            "0.000 spawned 6 | worker 6: spawned, pid 106\n");
    transcript_close(&t);
}

/* A rollout was halted half-way; the slot that it had moved is the stable revision's again, for
 * that is what serves in it. */
static void find_worker_in_halted_slot_brings_it_back(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    transcript_exited(&t, 2, 0);
    transcript_crash(&t);
    text_truncate(&t.text, 0);
    transcript_vanished(&t, 3);
    transcript_found(&t, 5, 1, 1, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_pass(&t, 60000);
    transcript_exited(&t, 5, 1);
    transcript_expect(
        &t, "0.000 vanished 3 (ended, and its exit status is not known)\n"
            "  | worker 3: gone: worker 3 (slot 1, revision 2) ended, and its exit status is "
            "not known\n"
            "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, revision 2) "
            "ended, and its exit status is not known\n"
            "  > sweep 3\n"
            "0.000 found 5 1 in slot 1 | worker 5: found, slot 1, revision 1, pid 105\n"
            "0.000 adopt | adopted\n"
            "60.000 exited 5 (exited with status 1)\n"
            "  | worker 5: gone: worker 5 (slot 1, revision 1) exited with status 1\n"
            "  | slot 1: waiting for 0 ms after 1 failure: worker 5 (slot 1, revision 1) "
            "exited with status 1\n"
            "  | worker 6: started, slot 1, revision 1\n"
            "  > sweep 5\n"
            "  > spawn 6\n"
            "60.000 spawned 6 | worker 6: spawned, pid 106\n");
    transcript_close(&t);
}

static void find_worker_of_the_rollout_under_way_brings_it_on(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.max_failures = 1;
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_crash(&t);
    text_truncate(&t.text, 0);
    transcript_vanished(&t, 2);
    transcript_found(&t, 3, 0, 2, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t, "0.000 vanished 2 (ended, and its exit status is not known)\n"
            "  | worker 2: gone: worker 2 (slot 0, revision 2) ended, and its exit status is "
            "not known\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) "
            "ended, and its exit status is not known\n"
            "  > sweep 2\n"
            "0.000 found 3 2 in slot 0 | worker 3: found, slot 0, revision 2, pid 103\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 1: retired\n"
            "  | revision 2: promoted\n"
            "  > drain 1\n");
    transcript_close(&t);
}

static void find_worker_of_first_start_is_not_stable_yet(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_crash(&t);
    text_truncate(&t.text, 0);
    transcript_found(&t, 3, 0, 1, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t, "0.000 found 3 1 in slot 0 | worker 3: found, slot 0, revision 1, pid 103\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 1: retired\n"
            "  > drain 1\n");
    assert_int_equal(t.rollout->stable, 0);
    transcript_close(&t);
}

/* Nothing is started by an app that stops: the stop that the journal ends with is over. */
static void find_worker_after_stop_serves_on(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_exited(&t, 1, 0);
    transcript_crash(&t);
    text_truncate(&t.text, 0);
    transcript_found(&t, 2, 0, 1, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t, "0.000 found 2 1 in slot 0 | worker 2: found, slot 0, revision 1, pid 102\n"
            "0.000 adopt | adopted\n");
    assert_int_equal(t.rollout->state, ROLLOUT_STEADY);
    transcript_close(&t);
}

static void find_worker_beyond_the_desired_slots_retires_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_again(&t, &policy);
    transcript_found(&t, 2, 3, 1, NULL);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 2, 0);
    transcript_expect(
        &t, "0.000 found 2 1 in slot 3 | worker 2: found, slot 3, revision 1, pid 102\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 2: retired\n"
            "  > drain 2\n"
            "0.000 exited 2 (exited with status 0)\n"
            "  | worker 2: gone: worker 2 (slot 3, revision 1) exited with status 0\n"
            "  > sweep 2\n");
    assert_int_equal(t.rollout->slot_n, 1);
    transcript_close(&t);
}

static void find_older_worker_than_those_known_keeps_the_order(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_exited(&t, 1, 1);
    transcript_ready(&t, 2);
    transcript_crash(&t);
    transcript_found(&t, 1, 0, 1, NULL);
    assert_int_equal(t.rollout->worker_n, 2);
    assert_int_equal(t.rollout->workers[0].id, 1);
    assert_int_equal(t.rollout->workers[1].id, 2);
    assert_int_equal(t.rollout->last_worker, 2);
    transcript_close(&t);
}

/* What does not fit is not taken, whatever name a descriptor came back under. */
static void find_of_what_does_not_fit_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);
    struct policy none = policy_of(0);
    struct policy many = policy_of(SLOT_MAX + 1);

    (void)state;
    transcript_open(&t);
    begin_again(&t, &policy);
    transcript_found(&t, 1, 0, 1, NULL);
    transcript_found(&t, 0, 0, 1, NULL);
    transcript_found(&t, 2, SLOT_MAX, 1, NULL);
    transcript_found(&t, 2, 0, 9, NULL);
    transcript_found(&t, 2, 0, 0, &policy);
    transcript_found(&t, 2, 0, 9, &none);
    transcript_found(&t, 2, 0, 9, &many);
    transcript_expect(&t, "0.000 found 1 1 in slot 0\n"
                          "0.000 found 1 in slot 0\n"
                          "0.000 found 2 1 in slot 1024\n"
                          "0.000 found 2 9 in slot 0\n"
                          "0.000 found 2 in slot 0\n"
                          "0.000 found 2 9 in slot 0\n"
                          "0.000 found 2 9 in slot 0\n");
    transcript_close(&t);
}

static void find_without_room_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    for (uint64_t i = 1; i <= REVISION_MAX; i++)
        transcript_found(&t, i, 0, i, &policy);
    transcript_found(&t, 9999, 0, 9999, &policy);
    assert_null(rollout_worker(t.rollout, 9999));
    assert_int_equal(t.rollout->revision_n, REVISION_MAX);
    for (uint64_t i = REVISION_MAX + 1; i <= WORKER_MAX; i++) {
        struct record found = {.kind = RECORD_WORKER_FOUND, .worker = i, .revision = 1};

        assert_int_equal(rollout_replay(t.rollout, &found), 0);
        assert_int_equal(rollout_replay(t.invariant.before, &found), 0);
    }
    transcript_found(&t, 9999, 0, 1, &policy);
    assert_null(rollout_worker(t.rollout, 9999));
    assert_int_equal(t.rollout->worker_n, WORKER_MAX);
    transcript_close(&t);
}

static void find_twice_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_found(&t, 11, 0, 4, &policy);
    transcript_crash(&t);
    transcript_found(&t, 11, 0, 4, &policy);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "0.000 found 11 4 in slot 0\n"
                          "  | revision 4: accepted\n"
                          "  | worker 11: found, slot 0, revision 4, pid 111\n"
                          "killed\n"
                          "0.000 found 11 4 in slot 0\n"
                          "0.000 adopt | adopted\n");
    transcript_close(&t);
}

/* A snapshot whose revisions' lines are damaged names numbers that nobody knows. */
static void adopt_after_damaged_snapshot_keeps_what_serves(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);
    struct record snapshot = {.kind = RECORD_SNAPSHOT,
                              .state = ROLLOUT_FORWARD,
                              .stable = 5,
                              .target = 6,
                              .trial = 6,
                              .last_revision = 6,
                              .last_worker = 20};

    (void)state;
    transcript_open(&t);
    assert_int_equal(rollout_replay(t.rollout, &snapshot), 0);
    assert_int_equal(rollout_replay(t.invariant.before, &snapshot), 0);
    t.invariant.wished = 1;
    transcript_found(&t, 17, 0, 5, &policy);
    transcript_found(&t, 18, 1, 5, &policy);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t, "0.000 found 17 5 in slot 0\n"
            "  | revision 5: accepted\n"
            "  | worker 17: found, slot 0, revision 5, pid 117\n"
            "0.000 found 18 5 in slot 1 | worker 18: found, slot 1, revision 5, pid 118\n"
            "0.000 adopt\n"
            "  | revision 6: ended, failed: the primary ended before the rollout did\n"
            "  | adopted\n"
            "  > outcome 6 failed\n");
    assert_int_equal(t.rollout->stable, 5);
    assert_int_equal(rollout_desired(t.rollout), 2);
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_worker_of_known_revision_in_empty_slot_keeps_it),
        cmocka_unit_test(find_twin_in_served_slot_retires_the_younger),
        cmocka_unit_test(find_all_after_lost_journal_goes_on_with_their_revision),
        cmocka_unit_test(find_two_revisions_after_lost_journal_goes_on_with_the_older),
        cmocka_unit_test(find_older_revision_after_newer_one_takes_both),
        cmocka_unit_test(find_newer_revision_than_the_stable_one_rolls_back_gently),
        cmocka_unit_test(find_worker_in_halted_slot_brings_it_back),
        cmocka_unit_test(find_worker_of_the_rollout_under_way_brings_it_on),
        cmocka_unit_test(find_worker_of_first_start_is_not_stable_yet),
        cmocka_unit_test(find_worker_after_stop_serves_on),
        cmocka_unit_test(find_worker_beyond_the_desired_slots_retires_it),
        cmocka_unit_test(find_older_worker_than_those_known_keeps_the_order),
        cmocka_unit_test(find_of_what_does_not_fit_changes_nothing),
        cmocka_unit_test(find_without_room_changes_nothing),
        cmocka_unit_test(find_twice_changes_nothing),
        cmocka_unit_test(adopt_after_damaged_snapshot_keeps_what_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
