/* Another primary takes over: in each state of a rollout, of each kind of worker, and with the
 * earlier one killed between any two records. What lives goes on as if nothing had happened. */
#include "invariant.c"
#include "transcript.c"

#include <signal.h>

/* A rollout of the second revision over the first one's workers; nothing told. */
static void begin_rollout(struct transcript *t, struct policy *policy)
{
    transcript_begin(t, policy);
    transcript_reload(t, policy, CONFLICT_SUPERSEDE);
    text_truncate(&t->text, 0);
}

static void adopt_steady_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 3);
    transcript_settle(&t);
    transcript_pass(&t, 5000);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "5.000 adopt | adopted\n");
    assert_true(instant_is_never(rollout_wake(t.rollout)));
    transcript_close(&t);
}

static void adopt_forward_goes_on_to_promotion(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 3);
    text_truncate(&t.text, 0);
    transcript_pass(&t, 1000);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 4);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "killed\n"
                      "1.000 adopt\n"
                      "  | adopted\n"
                      "  | worker 2: extended\n"
                      "  > drain 2\n"
                      "1.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "1.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n"
                      "1.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

static void adopt_first_start_goes_on_to_promotion(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_ready(&t, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 2);
    transcript_expect(&t, "killed\n"
                          "0.000 adopt | adopted\n"
                          "0.000 ready 2\n"
                          "  | worker 2: ready\n"
                          "  | worker 2: admitted\n"
                          "  | revision 1: promoted\n"
                          "  | revision 1: ended, complete\n"
                          "  > outcome 1 complete\n");
    transcript_close(&t);
}

static void adopt_first_start_of_vanished_worker_fails_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_ready(&t, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_vanished(&t, 2);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(
        &t,
        "killed\n"
        "0.000 vanished 2 (ended, and its exit status is not known)\n"
        "  | worker 2: gone: worker 2 (slot 1, revision 1) ended, and its exit status is not "
        "known\n"
        "  | slot 1: waiting for 0 ms after 1 failure: worker 2 (slot 1, revision 1) ended, "
        "and its exit status is not known\n"
        "  > sweep 2\n"
        "0.000 adopt\n"
        "  | adopted\n"
        "  | revision 1: ended, failed: worker 2 (slot 1, revision 1) ended, and its exit "
        "status is not known\n"
        "  | stopping: worker 2 (slot 1, revision 1) ended, and its exit status is not known\n"
        "  | worker 1: retired\n"
        "  > outcome 1 failed\n"
        "  > close_listeners\n"
        "  > drain 1\n");
    transcript_close(&t);
}

/* The first rollout's end is on disk, and the stop that follows from it is not: a primary that
 * went on from there would serve nothing for ever. */
static void adopt_failed_first_start_not_stopped_yet_stops(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    text_truncate(&t.text, 0);
    transcript_crash_in_next(&t, 3);
    transcript_exited(&t, 1, 3);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 2, 0);
    transcript_expect(
        &t,
        "0.000 exited 1 (exited with status 3)\n"
        "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 3\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) exited "
        "with status 3\n"
        "  | revision 1: ended, failed: worker 1 (slot 0, revision 1) exited with status 3\n"
        "killed\n"
        "0.000 adopt\n"
        "  | adopted\n"
        "  | stopping: the primary ended before the rollout did\n"
        "  | worker 2: retired\n"
        "  > close_listeners\n"
        "  > drain 2\n"
        "0.000 exited 2 (exited with status 0)\n"
        "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
        "  | stopped\n"
        "  > sweep 2\n"
        "  > exit failed\n");
    transcript_close(&t);
}

static void adopt_settling_completes(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 2);
    transcript_worker(&t, EVENT_ASKED, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
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

static void adopt_settling_whose_old_worker_vanished_completes_at_once(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 2);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_vanished(&t, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 1 (ended, and its exit status is not known)\n"
                          "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  > sweep 1\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | revision 2: ended, complete\n"
                          "  | revision 1: forgotten\n"
                          "  > outcome 2 complete\n"
                          "  > forget 1\n");
    transcript_close(&t);
}

static void adopt_reverting_goes_back_and_says_why(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 5);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 3, 0);
    transcript_expect(
        &t,
        "killed\n"
        "0.000 adopt\n"
        "  | adopted\n"
        "  > drain 2\n"
        "0.000 ready 5\n"
        "  | worker 5: ready\n"
        "  | worker 5: admitted\n"
        "  | worker 3: retired\n"
        "  > drain 3\n"
        "0.000 exited 2 (exited with status 0)\n"
        "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
        "  > sweep 2\n"
        "0.000 exited 3 (exited with status 0)\n"
        "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 3\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void adopt_stopping_closes_listeners_again_and_exits(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_worker(&t, EVENT_ASKED, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_vanished(&t, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "killed\n"
                      "0.000 vanished 1 (ended, and its exit status is not known)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its exit "
                      "status is not known\n"
                      "  > sweep 1\n"
                      "0.000 adopt\n"
                      "  | adopted\n"
                      "  > drain 2\n"
                      "  > close_listeners\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  | stopped\n"
                      "  > sweep 2\n"
                      "  > exit complete\n");
    transcript_close(&t);
}

static void adopt_stop_barely_begun_retires_all(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_crash_in_next(&t, 1);
    transcript_event(&t, EVENT_STOP);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "0.000 stop\n"
                          "  | stopping: the app was stopped\n"
                          "killed\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 1: retired\n"
                          "  | worker 2: retired\n"
                          "  > close_listeners\n"
                          "  > drain 1\n"
                          "  > drain 2\n");
    transcript_close(&t);
}

static void adopt_stopped_exits(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_exited(&t, 1, 0);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  > exit complete\n");
    transcript_close(&t);
}

static void adopt_queue_goes_on_with_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_ready(&t, 2);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_vanished(&t, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_expect(&t, "killed\n"
                          "0.000 vanished 1 (ended, and its exit status is not known)\n"
                          "  | worker 1: gone: worker 1 (slot 0, revision 1) ended, and its "
                          "exit status is not known\n"
                          "  > sweep 1\n"
                          "0.000 adopt\n"
                          "  | adopted\n"
                          "  | revision 2: ended, complete\n"
                          "  | revision 3: started\n"
                          "  | worker 3: started, slot 0, revision 3\n"
                          "  | revision 1: forgotten\n"
                          "  > outcome 2 complete\n"
                          "  > spawn 3\n"
                          "  > forget 1\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

/* The drain signal. */

static void adopt_draining_not_asked_is_asked_and_has_all_its_time(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 2);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_pass(&t, 40000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(&t, "killed\n"
                          "40.000 adopt\n"
                          "  | adopted\n"
                          "  | worker 1: extended\n"
                          "  > drain 1\n"
                          "70.000 tick\n"
                          "  | worker 1: killed\n"
                          "  > kill 1\n");
    transcript_close(&t);
}

static void adopt_draining_asked_keeps_its_deadline(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    begin_rollout(&t, &policy);
    transcript_ready(&t, 2);
    transcript_worker(&t, EVENT_ASKED, 1);
    text_truncate(&t.text, 0);
    transcript_crash(&t);
    transcript_pass(&t, 10000);
    transcript_event(&t, EVENT_ADOPT);
    transcript_wait(&t);
    transcript_expect(&t, "killed\n"
                          "10.000 adopt | adopted\n"
                          "30.000 tick\n"
                          "  | worker 1: killed\n"
                          "  > kill 1\n");
    transcript_close(&t);
}

static void adopt_killing_is_killed_again_at_its_deadline(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_crash_in_next(&t, 1);
    transcript_worker(&t, EVENT_TRIGGER, 1);
    transcript_event(&t, EVENT_ADOPT);
    transcript_ready(&t, 2);
    transcript_wait(&t);
    transcript_signaled(&t, 1, SIGKILL);
    transcript_expect(
        &t, "0.000 trigger 1\n"
            "  | worker 1: killed: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "killed\n"
            "0.000 adopt\n"
            "  | adopted\n"
            "  | worker 2: started, slot 0, revision 1\n"
            "  > spawn 2\n"
            "0.000 spawned 2 | worker 2: spawned, pid 102\n"
            "0.000 ready 2\n"
            "  | worker 2: ready\n"
            "  | worker 2: admitted\n"
            "5.000 tick\n"
            "  | worker 1: killed\n"
            "  > kill 1\n"
            "5.000 exited 1 (was ended by SIGKILL)\n"
            "  | worker 1: gone: worker 1 (slot 0, revision 1) was ended by SIGKILL\n"
            "  > sweep 1\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adopt_steady_changes_nothing),
        cmocka_unit_test(adopt_forward_goes_on_to_promotion),
        cmocka_unit_test(adopt_first_start_goes_on_to_promotion),
        cmocka_unit_test(adopt_first_start_of_vanished_worker_fails_it),
        cmocka_unit_test(adopt_failed_first_start_not_stopped_yet_stops),
        cmocka_unit_test(adopt_settling_completes),
        cmocka_unit_test(adopt_settling_whose_old_worker_vanished_completes_at_once),
        cmocka_unit_test(adopt_reverting_goes_back_and_says_why),
        cmocka_unit_test(adopt_stopping_closes_listeners_again_and_exits),
        cmocka_unit_test(adopt_stop_barely_begun_retires_all),
        cmocka_unit_test(adopt_stopped_exits),
        cmocka_unit_test(adopt_queue_goes_on_with_it),
        cmocka_unit_test(adopt_draining_not_asked_is_asked_and_has_all_its_time),
        cmocka_unit_test(adopt_draining_asked_keeps_its_deadline),
        cmocka_unit_test(adopt_killing_is_killed_again_at_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
