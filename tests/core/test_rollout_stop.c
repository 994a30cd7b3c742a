/* The end of an app and of its primary: stop, hurry, boot. */
#include "invariant.c"
#include "transcript.c"

#include <signal.h>

static void stop_drains_all_and_exits(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_exited(&t, 1, 0);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 stop\n"
                      "  | stopping: the app was stopped\n"
                      "  | worker 1: retired\n"
                      "  | worker 2: retired\n"
                      "  > close_listeners\n"
                      "  > drain 1\n"
                      "  > drain 2\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 1\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  | stopped\n"
                      "  > sweep 2\n"
                      "  > exit complete\n");
    transcript_event(&t, EVENT_STOP);
    transcript_event(&t, EVENT_TICK);
    assert_true(instant_is_never(rollout_wake(t.rollout)));
    transcript_expect(&t, "0.000 stop\n"
                          "0.000 tick\n");
    transcript_close(&t);
}

static void stop_amid_rollout_fails_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_event(&t, EVENT_STOP);
    transcript_exited(&t, 1, 0);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 2: started, slot 0, revision 2\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3 queue | revision 3: queued\n"
                      "0.000 stop\n"
                      "  | revision 3: ended, failed: the app was stopped\n"
                      "  | revision 2: ended, failed: the app was stopped\n"
                      "  | stopping: the app was stopped\n"
                      "  | worker 1: retired\n"
                      "  | worker 2: retired\n"
                      "  > outcome 3 failed\n"
                      "  > outcome 2 failed\n"
                      "  > close_listeners\n"
                      "  > drain 1\n"
                      "  > drain 2\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 1\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
                      "  | stopped\n"
                      "  > sweep 2\n"
                      "  > exit complete\n");
    transcript_close(&t);
}

static void stop_while_settling_completes_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_event(&t, EVENT_STOP);
    transcript_settle(&t);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 2: started, slot 0, revision 2\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "0.000 stop\n"
                      "  | revision 2: ended, complete\n"
                      "  | stopping: the app was stopped\n"
                      "  | worker 2: retired\n"
                      "  > outcome 2 complete\n"
                      "  > close_listeners\n"
                      "  > drain 2\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 1\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
                      "  | stopped\n"
                      "  > sweep 2\n"
                      "  > exit complete\n");
    transcript_close(&t);
}

static void stop_while_reverting_fails_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    text_truncate(&t.text, 0);
    transcript_event(&t, EVENT_STOP);
    transcript_expect(&t, "0.000 stop\n"
                          "  | revision 2: ended, failed: the app was stopped\n"
                          "  | stopping: the app was stopped\n"
                          "  | worker 1: retired\n"
                          "  | worker 3: retired\n"
                          "  | worker 5: retired\n"
                          "  > outcome 2 failed\n"
                          "  > close_listeners\n"
                          "  > drain 1\n"
                          "  > drain 3\n"
                          "  > drain 5\n");
    transcript_close(&t);
}

static void stop_does_not_replace_who_dies(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_exited(&t, 1, 1);
    transcript_scale(&t, 5);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 stop\n"
                      "  | stopping: the app was stopped\n"
                      "  | worker 1: retired\n"
                      "  | worker 2: retired\n"
                      "  > close_listeners\n"
                      "  > drain 1\n"
                      "  > drain 2\n"
                      "0.000 exited 1 (exited with status 1)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
                      "  > sweep 1\n"
                      "0.000 scale 5\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  | stopped\n"
                      "  > sweep 2\n"
                      "  > exit complete\n");
    transcript_close(&t);
}

static void hurry_kills_those_that_drain(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_event(&t, EVENT_HURRY);
    transcript_event(&t, EVENT_HURRY);
    transcript_signaled(&t, 1, SIGKILL);
    transcript_expect(&t,
                      "0.000 stop\n"
                      "  | stopping: the app was stopped\n"
                      "  | worker 1: retired\n"
                      "  > close_listeners\n"
                      "  > drain 1\n"
                      "0.000 hurry\n"
                      "  | worker 1: killed\n"
                      "  > kill 1\n"
                      "0.000 hurry\n"
                      "  | worker 1: killed\n"
                      "  > kill 1\n"
                      "0.000 exited 1 (was ended by SIGKILL)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) was ended by SIGKILL\n"
                      "  | stopped\n"
                      "  > sweep 1\n"
                      "  > exit complete\n");
    transcript_close(&t);
}

static void hurry_without_stop_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_HURRY);
    transcript_expect(&t, "0.000 hurry\n");
    transcript_close(&t);
}

static void boot_after_stop_starts_stable_again(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_settle(&t);
    text_truncate(&t.text, 0);
    transcript_boot(&t, 0);
    transcript_ready(&t, 3);
    transcript_ready(&t, 4);
    transcript_expect(&t, "0.000 boot\n"
                          "  | booted\n"
                          "  | worker 3: started, slot 0, revision 1\n"
                          "  | worker 4: started, slot 1, revision 1\n"
                          "  > spawn 3\n"
                          "  > spawn 4\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "0.000 ready 4\n"
                          "  | worker 4: ready\n"
                          "  | worker 4: admitted\n");
    transcript_close(&t);
}

static void boot_amid_rollout_fails_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_ready(&t, 3);
    text_truncate(&t.text, 0);
    transcript_boot(&t, 0);
    transcript_expect(
        &t, "0.000 boot\n"
            "  | revision 3: ended, failed: the primary ended before the rollout did\n"
            "  | revision 2: ended, failed: the primary ended before the rollout did\n"
            "  | booted\n"
            "  | worker 5: started, slot 0, revision 1\n"
            "  | worker 6: started, slot 1, revision 1\n"
            "  | revision 2: forgotten\n"
            "  > outcome 3 failed\n"
            "  > outcome 2 failed\n"
            "  > spawn 5\n"
            "  > spawn 6\n"
            "  > forget 2\n"
            "0.000 spawned 5 | worker 5: spawned, pid 105\n"
            "0.000 spawned 6 | worker 6: spawned, pid 106\n");
    transcript_close(&t);
}

static void boot_while_settling_completes_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    text_truncate(&t.text, 0);
    transcript_boot(&t, 0);
    transcript_expect(&t, "0.000 boot\n"
                          "  | revision 2: ended, complete\n"
                          "  | booted\n"
                          "  | worker 3: started, slot 0, revision 2\n"
                          "  | revision 1: forgotten\n"
                          "  > outcome 2 complete\n"
                          "  > spawn 3\n"
                          "  > forget 1\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void boot_while_reverting_says_why_it_failed(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    text_truncate(&t.text, 0);
    transcript_boot(&t, 0);
    transcript_expect(
        &t,
        "0.000 boot\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | booted\n"
        "  | worker 6: started, slot 0, revision 1\n"
        "  | worker 7: started, slot 1, revision 1\n"
        "  > outcome 2 failed\n"
        "  > spawn 6\n"
        "  > spawn 7\n"
        "0.000 spawned 6 | worker 6: spawned, pid 106\n"
        "0.000 spawned 7 | worker 7: spawned, pid 107\n");
    transcript_close(&t);
}

static void boot_new_revision_rolls_it_out(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_ready(&t, 3);
    transcript_ready(&t, 4);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 boot 2\n"
                          "  | booted\n"
                          "  | revision 2: started\n"
                          "  | worker 3: started, slot 0, revision 2\n"
                          "  | worker 4: started, slot 1, revision 2\n"
                          "  > spawn 3\n"
                          "  > spawn 4\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "0.000 ready 4\n"
                          "  | worker 4: ready\n"
                          "  | worker 4: admitted\n"
                          "  | revision 2: promoted\n"
                          "  | revision 2: ended, complete\n"
                          "  | revision 1: forgotten\n"
                          "  > outcome 2 complete\n"
                          "  > forget 1\n");
    transcript_close(&t);
}

static void boot_new_revision_fails_starts_stable(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_exited(&t, 3, 1);
    transcript_settle(&t);
    transcript_expect(
        &t,
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 boot 2\n"
        "  | booted\n"
        "  | revision 2: started\n"
        "  | worker 3: started, slot 0, revision 2\n"
        "  | worker 4: started, slot 1, revision 2\n"
        "  > spawn 3\n"
        "  > spawn 4\n"
        "0.000 spawned 3 | worker 3: spawned, pid 103\n"
        "0.000 spawned 4 | worker 4: spawned, pid 104\n"
        "0.000 exited 3 (exited with status 1)\n"
        "  | worker 3: gone: worker 3 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 3 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 3 (slot 0, revision 2) exited with status 1\n"
        "  | worker 4: retired\n"
        "  | worker 5: started, slot 0, revision 1\n"
        "  | worker 6: started, slot 1, revision 1\n"
        "  > sweep 3\n"
        "  > drain 4\n"
        "  > spawn 5\n"
        "  > spawn 6\n"
        "0.000 spawned 5 | worker 5: spawned, pid 105\n"
        "0.000 spawned 6 | worker 6: spawned, pid 106\n"
        "0.000 ready 5\n"
        "  | worker 5: ready\n"
        "  | worker 5: admitted\n"
        "0.000 ready 6\n"
        "  | worker 6: ready\n"
        "  | worker 6: admitted\n"
        "0.000 exited 4 (exited with status 0)\n"
        "  | worker 4: gone: worker 4 (slot 1, revision 2) exited with status 0\n"
        "  | revision 2: ended, failed: worker 3 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void boot_keeps_scale_and_numbers(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 2);
    transcript_boot(&t, 0);
    assert_int_equal(rollout_desired(t.rollout), 2);
    assert_int_equal(t.rollout->last_worker, 4);
    assert_int_equal(t.rollout->last_revision, 1);
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_drains_all_and_exits),
        cmocka_unit_test(stop_amid_rollout_fails_it),
        cmocka_unit_test(stop_while_settling_completes_it),
        cmocka_unit_test(stop_while_reverting_fails_it),
        cmocka_unit_test(stop_does_not_replace_who_dies),
        cmocka_unit_test(hurry_kills_those_that_drain),
        cmocka_unit_test(hurry_without_stop_changes_nothing),
        cmocka_unit_test(boot_after_stop_starts_stable_again),
        cmocka_unit_test(boot_amid_rollout_fails_it),
        cmocka_unit_test(boot_while_settling_completes_it),
        cmocka_unit_test(boot_while_reverting_says_why_it_failed),
        cmocka_unit_test(boot_new_revision_rolls_it_out),
        cmocka_unit_test(boot_new_revision_fails_starts_stable),
        cmocka_unit_test(boot_keeps_scale_and_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
