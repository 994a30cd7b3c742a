/* How a rollout goes when all goes well: reloads under each budget. */
#include "invariant.c"
#include "transcript.c"

static void reload_four_workers_surge_one_replaces_newest_first(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(4);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 5: started, slot 3, revision 2\n"
                          "  > spawn 5\n"
                          "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_pass(&t, 100);
    transcript_ready(&t, 5);
    transcript_ready(&t, 6);
    transcript_ready(&t, 7);
    transcript_expect(&t, "0.100 ready 5\n"
                          "  | worker 5: ready\n"
                          "  | worker 5: admitted\n"
                          "  | worker 4: retired\n"
                          "  | worker 6: started, slot 2, revision 2\n"
                          "  > drain 4\n"
                          "  > spawn 6\n"
                          "0.100 spawned 6 | worker 6: spawned, pid 106\n"
                          "0.100 ready 6\n"
                          "  | worker 6: ready\n"
                          "  | worker 6: admitted\n"
                          "  | worker 3: retired\n"
                          "  | worker 7: started, slot 1, revision 2\n"
                          "  > drain 3\n"
                          "  > spawn 7\n"
                          "0.100 spawned 7 | worker 7: spawned, pid 107\n"
                          "0.100 ready 7\n"
                          "  | worker 7: ready\n"
                          "  | worker 7: admitted\n"
                          "  | worker 2: retired\n"
                          "  | worker 8: started, slot 0, revision 2\n"
                          "  > drain 2\n"
                          "  > spawn 8\n"
                          "0.100 spawned 8 | worker 8: spawned, pid 108\n");
    text_truncate(&t.text, 0);
    transcript_settle(&t);
    assert_int_equal(t.rollout->stable, 2);
    transcript_close(&t);
}

static void reload_two_workers_surge_all_replaces_at_once(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){100, true};
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 4);
    transcript_ready(&t, 3);
    transcript_exited(&t, 1, 0);
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 3: started, slot 1, revision 2\n"
                      "  | worker 4: started, slot 0, revision 2\n"
                      "  > spawn 3\n"
                      "  > spawn 4\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | worker 1: retired\n"
                      "  > drain 1\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 2: retired\n"
                      "  | revision 2: promoted\n"
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
                      "  > forget 1\n");
    transcript_close(&t);
}

static void reload_two_workers_without_surge_makes_room_first(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){0, false};
    policy.max_unavailable = (struct share){1, false};
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    transcript_ready(&t, 4);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 2: retired\n"
                      "  | worker 3: started, slot 1, revision 2\n"
                      "  > drain 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 1: retired\n"
                      "  | worker 4: started, slot 0, revision 2\n"
                      "  > drain 1\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n"
                      "0.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | revision 2: promoted\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

/* Kubernetes' own defaults: one beyond and one fewer of four. */
static void reload_four_workers_by_quarters_surges_and_makes_room(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(4);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){25, true};
    policy.max_unavailable = (struct share){25, true};
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 5: started, slot 3, revision 2\n"
                          "  | worker 3: retired\n"
                          "  | worker 6: started, slot 2, revision 2\n"
                          "  > spawn 5\n"
                          "  > drain 3\n"
                          "  > spawn 6\n"
                          "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                          "0.000 spawned 6 | worker 6: spawned, pid 106\n");
    transcript_ready(&t, 5);
    transcript_ready(&t, 6);
    transcript_expect(&t, "0.000 ready 5\n"
                          "  | worker 5: ready\n"
                          "  | worker 5: admitted\n"
                          "  | worker 4: retired\n"
                          "  | worker 7: started, slot 1, revision 2\n"
                          "  > drain 4\n"
                          "  > spawn 7\n"
                          "0.000 spawned 7 | worker 7: spawned, pid 107\n"
                          "0.000 ready 6\n"
                          "  | worker 6: ready\n"
                          "  | worker 6: admitted\n"
                          "  | worker 1: retired\n"
                          "  | worker 8: started, slot 0, revision 2\n"
                          "  > drain 1\n"
                          "  > spawn 8\n"
                          "0.000 spawned 8 | worker 8: spawned, pid 108\n");
    transcript_close(&t);
}

static void reload_min_ready_admits_after_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.min_ready = span_from_ms(2000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_pass(&t, 300);
    transcript_ready(&t, 2);
    transcript_wait(&t);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "2.000 accept 2 | revision 2: accepted\n"
                      "2.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 2: started, slot 0, revision 2\n"
                      "  > spawn 2\n"
                      "2.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "2.300 ready 2 | worker 2: ready\n"
                      "4.300 tick\n"
                      "  | worker 2: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "4.300 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

static void reload_readiness_delay_is_ready_after_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.readiness = READINESS_DELAY;
    policy.readiness_delay = span_from_ms(1500);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_wait(&t);
    transcript_expect(&t, "0.000 accept 1 | revision 1: accepted\n"
                          "0.000 boot 1\n"
                          "  | booted\n"
                          "  | revision 1: started\n"
                          "  | worker 1: started, slot 0, revision 1\n"
                          "  > spawn 1\n"
                          "0.000 spawned 1 | worker 1: spawned, pid 101\n"
                          "1.500 tick\n"
                          "  | worker 1: ready\n"
                          "  | worker 1: admitted\n"
                          "  | revision 1: promoted\n"
                          "  | revision 1: ended, complete\n"
                          "  > outcome 1 complete\n");
    transcript_close(&t);
}

static void reload_more_workers_fills_new_slots(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    policy.workers = 3;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 2: started, slot 1, revision 2\n"
                          "  | worker 3: started, slot 2, revision 2\n"
                          "  | worker 4: started, slot 0, revision 2\n"
                          "  > spawn 2\n"
                          "  > spawn 3\n"
                          "  > spawn 4\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_ready(&t, 2);
    transcript_ready(&t, 3);
    transcript_ready(&t, 4);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "0.000 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "0.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

/* The surplus goes when the new revision has proved itself, not before. */
static void reload_fewer_workers_empties_highest_slots_once_promoted(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    policy.workers = 1;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 4: started, slot 0, revision 2\n"
                          "  > spawn 4\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_ready(&t, 4);
    transcript_expect(&t, "0.000 ready 4\n"
                          "  | worker 4: ready\n"
                          "  | worker 4: admitted\n"
                          "  | worker 1: retired\n"
                          "  | revision 2: promoted\n"
                          "  | worker 3: retired\n"
                          "  | worker 2: retired\n"
                          "  > drain 1\n"
                          "  > drain 3\n"
                          "  > drain 2\n");
    transcript_close(&t);
}

static void reload_fewer_workers_that_fails_leaves_all_old_ones(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(3);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    policy.workers = 1;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 4: started, slot 0, revision 2\n"
                          "  > spawn 4\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n");
    transcript_exited(&t, 4, 1);
    transcript_expect(
        &t,
        "0.000 exited 4 (exited with status 1)\n"
        "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

/* Complete is told only when the last old worker is gone, not when the last new one serves. */
static void reload_settles_until_old_worker_is_gone(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    assert_int_equal(t.rollout->state, ROLLOUT_SETTLING);
    assert_true(rollout_is_busy(t.rollout));
    transcript_exited(&t, 1, 0);
    assert_int_equal(t.rollout->state, ROLLOUT_STEADY);
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
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

static void reload_twice_forgets_first_revision(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_exited(&t, 1, 0);
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
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 3 | revision 3: accepted\n"
                          "0.000 reload 3\n"
                          "  | revision 3: started\n"
                          "  | worker 3: started, slot 0, revision 3\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reload_four_workers_surge_one_replaces_newest_first),
        cmocka_unit_test(reload_two_workers_surge_all_replaces_at_once),
        cmocka_unit_test(reload_two_workers_without_surge_makes_room_first),
        cmocka_unit_test(reload_four_workers_by_quarters_surges_and_makes_room),
        cmocka_unit_test(reload_min_ready_admits_after_it),
        cmocka_unit_test(reload_readiness_delay_is_ready_after_it),
        cmocka_unit_test(reload_more_workers_fills_new_slots),
        cmocka_unit_test(reload_fewer_workers_empties_highest_slots_once_promoted),
        cmocka_unit_test(reload_fewer_workers_that_fails_leaves_all_old_ones),
        cmocka_unit_test(reload_settles_until_old_worker_is_gone),
        cmocka_unit_test(reload_twice_forgets_first_revision),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
