/* The user asks for another number of workers than the configuration does. */
#include "invariant.c"
#include "transcript.c"

static void scale_up_fills_new_slots(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 3);
    transcript_ready(&t, 2);
    transcript_ready(&t, 3);
    transcript_expect(&t, "0.000 scale 3\n"
                          "  | scaled to 3\n"
                          "  | worker 2: started, slot 1, revision 1\n"
                          "  | worker 3: started, slot 2, revision 1\n"
                          "  > spawn 2\n"
                          "  > spawn 3\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 ready 2\n"
                          "  | worker 2: ready\n"
                          "  | worker 2: admitted\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n");
    transcript_close(&t);
}

static void scale_down_drains_highest_slots(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 1);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 3, 0);
    transcript_expect(&t,
                      "0.000 scale 1\n"
                      "  | scaled to 1\n"
                      "  | worker 3: retired\n"
                      "  | worker 2: retired\n"
                      "  > drain 3\n"
                      "  > drain 2\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n"
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 2, revision 1) exited with status 0\n"
                      "  > sweep 3\n");
    transcript_close(&t);
}

static void scale_amid_rollout_applies_to_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_scale(&t, 3);
    transcript_ready(&t, 3);
    transcript_ready(&t, 4);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 3: started, slot 1, revision 2\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 scale 3\n"
                          "  | scaled to 3\n"
                          "  | worker 4: started, slot 2, revision 2\n"
                          "  > spawn 4\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "  | worker 2: retired\n"
                          "  | worker 5: started, slot 0, revision 2\n"
                          "  > drain 2\n"
                          "  > spawn 5\n"
                          "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                          "0.000 ready 4\n"
                          "  | worker 4: ready\n"
                          "  | worker 4: admitted\n");
    transcript_scale(&t, 1);
    transcript_settle(&t);
    transcript_expect(&t,
                      "0.000 scale 1\n"
                      "  | scaled to 1\n"
                      "  | worker 4: retired\n"
                      "  | worker 3: retired\n"
                      "  > drain 4\n"
                      "  > drain 3\n"
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
                      "  > forget 1\n"
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
                      "  > sweep 3\n"
                      "0.000 exited 4 (exited with status 0)\n"
                      "  | worker 4: gone: worker 4 (slot 2, revision 2) exited with status 0\n"
                      "  > sweep 4\n");
    transcript_close(&t);
}

/* A slot that drains the old revision is wanted again, by the new one. */
static void scale_down_and_up_amid_drain_starts_the_new_revision(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_scale(&t, 1);
    transcript_ready(&t, 3);
    transcript_settle(&t);
    transcript_scale(&t, 2);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 3: started, slot 1, revision 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 scale 1\n"
                      "  | scaled to 1\n"
                      "  | worker 3: retired\n"
                      "  | worker 4: started, slot 0, revision 2\n"
                      "  > drain 3\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.000 ready 3\n"
                      "0.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  | worker 2: retired\n"
                      "  > drain 1\n"
                      "  > drain 2\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  > sweep 1\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 2\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n"
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
                      "  > sweep 3\n"
                      "0.000 scale 2\n"
                      "  | scaled to 2\n"
                      "  | worker 5: started, slot 1, revision 2\n"
                      "  > spawn 5\n"
                      "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_settle(&t);
    transcript_expect(&t, "0.000 ready 5\n"
                          "  | worker 5: ready\n"
                          "  | worker 5: admitted\n");
    transcript_close(&t);
}

static void scale_up_while_settling_starts_the_new_revision(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_scale(&t, 1);
    transcript_exited(&t, 3, 0);
    transcript_ready(&t, 4);
    text_truncate(&t.text, 0);
    transcript_scale(&t, 2);
    transcript_expect(&t, "0.000 scale 2\n"
                          "  | scaled to 2\n"
                          "  | worker 5: started, slot 1, revision 2\n"
                          "  > spawn 5\n"
                          "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

/* A slot that was given up is as good as new, though its worker still drains. */
static void scale_down_and_up_after_halt_starts_the_stable_revision(void **state)
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
    text_truncate(&t.text, 0);
    transcript_scale(&t, 1);
    transcript_scale(&t, 2);
    transcript_expect(&t, "0.000 scale 1\n"
                          "  | scaled to 1\n"
                          "  | worker 3: retired\n"
                          "  > drain 3\n"
                          "0.000 scale 2\n"
                          "  | scaled to 2\n"
                          "  | worker 5: started, slot 1, revision 1\n"
                          "  > spawn 5\n"
                          "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

static void scale_is_kept_over_reload_of_same_workers(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 2);
    transcript_settle(&t);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_settle(&t);
    assert_int_equal(rollout_desired(t.rollout), 2);
    transcript_close(&t);
}

static void scale_is_dropped_for_good_when_workers_change(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 2);
    transcript_settle(&t);
    policy.workers = 3;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_settle(&t);
    assert_int_equal(rollout_desired(t.rollout), 3);
    policy.workers = 1;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_settle(&t);
    assert_int_equal(rollout_desired(t.rollout), 1);
    transcript_close(&t);
}

static void scale_is_kept_when_the_reload_that_changes_workers_fails(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_scale(&t, 2);
    transcript_settle(&t);
    policy.workers = 3;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 3, 1);
    transcript_settle(&t);
    assert_int_equal(rollout_desired(t.rollout), 2);
    transcript_close(&t);
}

static void scale_before_first_start_is_ignored(void **state)
{
    struct transcript t;

    (void)state;
    transcript_open(&t);
    transcript_scale(&t, 2);
    transcript_expect(&t, "0.000 scale 2\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scale_up_fills_new_slots),
        cmocka_unit_test(scale_down_drains_highest_slots),
        cmocka_unit_test(scale_amid_rollout_applies_to_it),
        cmocka_unit_test(scale_down_and_up_amid_drain_starts_the_new_revision),
        cmocka_unit_test(scale_up_while_settling_starts_the_new_revision),
        cmocka_unit_test(scale_down_and_up_after_halt_starts_the_stable_revision),
        cmocka_unit_test(scale_is_kept_over_reload_of_same_workers),
        cmocka_unit_test(scale_is_dropped_for_good_when_workers_change),
        cmocka_unit_test(scale_is_kept_when_the_reload_that_changes_workers_fails),
        cmocka_unit_test(scale_before_first_start_is_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
