/* How a rollout goes when the new revision is bad: it reverts by itself, or halts. */
#include "invariant.c"
#include "transcript.c"

#include <signal.h>

static void reload_candidate_exits_old_are_untouched(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 3, 1);
    transcript_expect(
        &t,
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 reload 2\n"
        "  | revision 2: started\n"
        "  | worker 3: started, slot 1, revision 2\n"
        "  > spawn 3\n"
        "0.000 spawned 3 | worker 3: spawned, pid 103\n"
        "0.000 exited 3 (exited with status 1)\n"
        "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 1\n"
        "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 3 (slot 1, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) exited with status 1\n"
        "  > sweep 3\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void reload_exec_fails_old_are_untouched(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exec_failed(&t, 3, ENOENT);
    transcript_exited(&t, 3, 127);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 3: started, slot 1, revision 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 spawn_failed 3 (could not be started: No such file or directory)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) could not be started: "
                      "No such file or directory\n"
                      "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, "
                      "revision 2) could not be started: No such file or directory\n"
                      "  | revision 2: reverting: worker 3 (slot 1, revision 2) could not be "
                      "started: No such file or directory\n"
                      "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) could not "
                      "be started: No such file or directory\n"
                      "  > sweep 3\n"
                      "  > outcome 2 failed\n"
                      "0.000 exited 3 (exited with status 127)\n");
    transcript_close(&t);
}

/* The first answer of a batch reverts the rollout while the second has no process yet. */
static void reload_batch_first_spawn_fails_rest_are_retired(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){100, true};
    transcript_begin(&t, &policy);
    t.spawn_error = EAGAIN;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(
        &t, "0.000 accept 2 | revision 2: accepted\n"
            "0.000 reload 2\n"
            "  | revision 2: started\n"
            "  | worker 3: started, slot 1, revision 2\n"
            "  | worker 4: started, slot 0, revision 2\n"
            "  > spawn 3\n"
            "  > spawn 4\n"
            "0.000 spawn_failed 3 (could not be started: Resource temporarily unavailable)\n"
            "  | worker 3: gone: worker 3 (slot 1, revision 2) could not be started: Resource "
            "temporarily unavailable\n"
            "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, revision 2) could "
            "not be started: Resource temporarily unavailable\n"
            "  | revision 2: reverting: worker 3 (slot 1, revision 2) could not be started: "
            "Resource temporarily unavailable\n"
            "  > sweep 3\n"
            "0.000 spawn_failed 4 (could not be started: Resource temporarily unavailable)\n"
            "  | worker 4: gone: worker 4 (slot 0, revision 2) could not be started: Resource "
            "temporarily unavailable\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) could "
            "not be started: Resource temporarily unavailable\n"
            "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) could not be "
            "started: Resource temporarily unavailable\n"
            "  > sweep 4\n"
            "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void reload_candidate_never_ready_is_drained_and_reverts(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_wait(&t);
    transcript_signaled(&t, 2, SIGTERM);
    transcript_expect(
        &t,
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 reload 2\n"
        "  | revision 2: started\n"
        "  | worker 2: started, slot 0, revision 2\n"
        "  > spawn 2\n"
        "0.000 spawned 2 | worker 2: spawned, pid 102\n"
        "30.000 tick\n"
        "  | worker 2: retired: worker 2 (slot 0, revision 2) was not ready in time\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) was not "
        "ready in time\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) was not ready in time\n"
        "  > drain 2\n"
        "30.000 exited 2 (was ended by SIGTERM)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) was ended by SIGTERM\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) was not ready in time\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void reload_candidate_dies_within_min_ready_reverts(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.min_ready = span_from_ms(2000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_pass(&t, 1000);
    transcript_signaled(&t, 2, SIGSEGV);
    transcript_expect(
        &t,
        "2.000 accept 2 | revision 2: accepted\n"
        "2.000 reload 2\n"
        "  | revision 2: started\n"
        "  | worker 2: started, slot 0, revision 2\n"
        "  > spawn 2\n"
        "2.000 spawned 2 | worker 2: spawned, pid 102\n"
        "2.000 ready 2 | worker 2: ready\n"
        "3.000 exited 2 (was ended by SIGSEGV)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) was ended by SIGSEGV\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) was ended "
        "by SIGSEGV\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) was ended by SIGSEGV\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) was ended by SIGSEGV\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void reload_admitted_worker_dies_old_come_back(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 3, 1);
    transcript_expect(
        &t, "0.000 accept 2 | revision 2: accepted\n"
            "0.000 reload 2\n"
            "  | revision 2: started\n"
            "  | worker 3: started, slot 1, revision 2\n"
            "  > spawn 3\n"
            "0.000 spawned 3 | worker 3: spawned, pid 103\n"
            "0.000 ready 3\n"
            "  | worker 3: ready\n"
            "  | worker 3: admitted\n"
            "  | worker 2: retired\n"
            "  | worker 4: started, slot 0, revision 2\n"
            "  > drain 2\n"
            "  > spawn 4\n"
            "0.000 spawned 4 | worker 4: spawned, pid 104\n"
            "0.000 exited 3 (exited with status 1)\n"
            "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 1\n"
            "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, revision 2) "
            "exited with status 1\n"
            "  | revision 2: reverting: worker 3 (slot 1, revision 2) exited with status 1\n"
            "  | worker 4: retired\n"
            "  | worker 5: started, slot 1, revision 1\n"
            "  > sweep 3\n"
            "  > drain 4\n"
            "  > spawn 5\n"
            "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_ready(&t, 5);
    transcript_exited(&t, 4, 0);
    transcript_expect(
        &t,
        "0.000 ready 5\n"
        "  | worker 5: ready\n"
        "  | worker 5: admitted\n"
        "0.000 exited 4 (exited with status 0)\n"
        "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 0\n"
        "  | revision 2: ended, failed: worker 3 (slot 1, revision 2) exited with status 1\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n");
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n");
    transcript_close(&t);
}

static void reload_max_failures_two_bears_two(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.max_failures = 2;
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 2, 1);
    transcript_exited(&t, 3, 1);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 2: started, slot 0, revision 2\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 exited 2 (exited with status 1)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, "
                      "revision 2) exited with status 1\n"
                      "  | worker 3: started, slot 0, revision 2\n"
                      "  > sweep 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 exited 3 (exited with status 1)\n"
                      "  | worker 3: gone: worker 3 (slot 0, revision 2) exited with status 1\n"
                      "  | slot 0: waiting for 99 ms after 2 failures: worker 3 (slot 0, "
                      "revision 2) exited with status 1\n"
                      "  > sweep 3\n");
    transcript_wait(&t);
    transcript_exited(&t, 4, 1);
    transcript_expect(
        &t,
        "0.100 tick\n"
        "  | worker 4: started, slot 0, revision 2\n"
        "  > spawn 4\n"
        "0.100 spawned 4 | worker 4: spawned, pid 104\n"
        "0.100 exited 4 (exited with status 1)\n"
        "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 199 ms after 3 failures: worker 4 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n");
    transcript_close(&t);
}

static void reload_without_rollback_halts_mixed(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 4, 1);
    transcript_expect(
        &t,
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 reload 2\n"
        "  | revision 2: started\n"
        "  | worker 3: started, slot 1, revision 2\n"
        "  > spawn 3\n"
        "0.000 spawned 3 | worker 3: spawned, pid 103\n"
        "0.000 ready 3\n"
        "  | worker 3: ready\n"
        "  | worker 3: admitted\n"
        "  | worker 2: retired\n"
        "  | worker 4: started, slot 0, revision 2\n"
        "  > drain 2\n"
        "  > spawn 4\n"
        "0.000 spawned 4 | worker 4: spawned, pid 104\n"
        "0.000 exited 2 (exited with status 0)\n"
        "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
        "  > sweep 2\n"
        "0.000 exited 4 (exited with status 1)\n"
        "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n");
    assert_int_equal(t.rollout->slots[0].revision, 1);
    assert_int_equal(t.rollout->slots[1].revision, 2);
    transcript_exited(&t, 3, 1);
    transcript_expect(&t,
                      "0.000 exited 3 (exited with status 1)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 1\n"
                      "  | slot 1: waiting for 0 ms after 1 failure: worker 3 (slot 1, "
                      "revision 2) exited with status 1\n"
                      "  | worker 5: started, slot 1, revision 2\n"
                      "  > sweep 3\n"
                      "  > spawn 5\n"
                      "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

static void reload_after_halt_moves_all_slots(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 4, 1);
    text_truncate(&t.text, 0);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_settle(&t);
    transcript_expect(&t,
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3\n"
                      "  | revision 3: started\n"
                      "  | worker 5: started, slot 1, revision 3\n"
                      "  > spawn 5\n"
                      "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                      "0.000 ready 5\n"
                      "  | worker 5: ready\n"
                      "  | worker 5: admitted\n"
                      "  | worker 3: retired\n"
                      "  | worker 6: started, slot 0, revision 3\n"
                      "  > drain 3\n"
                      "  > spawn 6\n"
                      "0.000 spawned 6 | worker 6: spawned, pid 106\n"
                      "0.000 ready 6\n"
                      "  | worker 6: ready\n"
                      "  | worker 6: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 3: promoted\n"
                      "  > drain 1\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > forget 1\n"
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
                      "  | revision 3: ended, complete\n"
                      "  | revision 2: forgotten\n"
                      "  > sweep 3\n"
                      "  > outcome 3 complete\n"
                      "  > forget 2\n");
    transcript_close(&t);
}

static void reload_no_progress_reverts(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.readiness_timeout = SPAN_FOREVER;
    policy.progress_deadline = span_from_ms(60000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_wait(&t);
    transcript_exited(&t, 2, 0);
    transcript_expect(
        &t, "0.000 accept 2 | revision 2: accepted\n"
            "0.000 reload 2\n"
            "  | revision 2: started\n"
            "  | worker 2: started, slot 0, revision 2\n"
            "  > spawn 2\n"
            "0.000 spawned 2 | worker 2: spawned, pid 102\n"
            "60.000 tick\n"
            "  | revision 2: reverting: no progress within progress_deadline_seconds\n"
            "  | worker 2: retired\n"
            "  > drain 2\n"
            "60.000 exited 2 (exited with status 0)\n"
            "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
            "  | revision 2: ended, failed: no progress within progress_deadline_seconds\n"
            "  > sweep 2\n"
            "  > outcome 2 failed\n");
    transcript_close(&t);
}

/* Both revisions are ill: the rollout ends all the same, and the old one is still wanted. */
static void revert_no_progress_ends_and_goes_on_in_peace(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.readiness_timeout = SPAN_FOREVER;
    policy.progress_deadline = span_from_ms(60000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 4, 1);
    text_truncate(&t.text, 0);
    transcript_wait(&t);
    transcript_expect(
        &t,
        "60.000 tick\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  > outcome 2 failed\n");
    transcript_ready(&t, 5);
    transcript_exited(&t, 3, 0);
    transcript_expect(&t,
                      "60.000 ready 5\n"
                      "  | worker 5: ready\n"
                      "  | worker 5: admitted\n"
                      "  | worker 3: retired\n"
                      "  > drain 3\n"
                      "60.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
                      "  > sweep 3\n");
    transcript_close(&t);
}

static void revert_after_workers_changed_restores_their_number(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    policy.workers = 2;
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_exited(&t, 3, 1);
    transcript_expect(
        &t, "0.000 accept 2 | revision 2: accepted\n"
            "0.000 reload 2\n"
            "  | revision 2: started\n"
            "  | worker 2: started, slot 1, revision 2\n"
            "  | worker 3: started, slot 0, revision 2\n"
            "  > spawn 2\n"
            "  > spawn 3\n"
            "0.000 spawned 2 | worker 2: spawned, pid 102\n"
            "0.000 spawned 3 | worker 3: spawned, pid 103\n"
            "0.000 ready 2\n"
            "  | worker 2: ready\n"
            "  | worker 2: admitted\n"
            "0.000 exited 3 (exited with status 1)\n"
            "  | worker 3: gone: worker 3 (slot 0, revision 2) exited with status 1\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 3 (slot 0, revision 2) "
            "exited with status 1\n"
            "  | revision 2: reverting: worker 3 (slot 0, revision 2) exited with status 1\n"
            "  | worker 2: retired\n"
            "  > sweep 3\n"
            "  > drain 2\n");
    transcript_close(&t);
}

static void fail_in_the_tick_that_admits_another_reverts_whole(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){100, true};
    policy.min_ready = span_from_ms(30000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_wait(&t);
    transcript_expect(
        &t, "30.000 accept 2 | revision 2: accepted\n"
            "30.000 reload 2\n"
            "  | revision 2: started\n"
            "  | worker 3: started, slot 1, revision 2\n"
            "  | worker 4: started, slot 0, revision 2\n"
            "  > spawn 3\n"
            "  > spawn 4\n"
            "30.000 spawned 3 | worker 3: spawned, pid 103\n"
            "30.000 spawned 4 | worker 4: spawned, pid 104\n"
            "30.000 ready 3 | worker 3: ready\n"
            "60.000 tick\n"
            "  | worker 4: retired: worker 4 (slot 0, revision 2) was not ready in time\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) was "
            "not ready in time\n"
            "  | worker 3: admitted\n"
            "  | revision 2: reverting: worker 4 (slot 0, revision 2) was not ready in time\n"
            "  | worker 3: retired\n"
            "  > drain 4\n"
            "  > drain 3\n");
    transcript_close(&t);
}

/* Its slot keeps the revision that serves in it. */
static void fail_in_the_tick_that_admits_another_halts_with_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    policy.max_surge = (struct share){100, true};
    policy.min_ready = span_from_ms(30000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    text_truncate(&t.text, 0);
    transcript_wait(&t);
    transcript_expect(
        &t,
        "60.000 tick\n"
        "  | worker 4: retired: worker 4 (slot 0, revision 2) was not ready in time\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) was not "
        "ready in time\n"
        "  | worker 3: admitted\n"
        "  | worker 2: retired\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) was not ready in time\n"
        "  > drain 4\n"
        "  > drain 2\n"
        "  > outcome 2 failed\n");
    assert_int_equal(t.rollout->slots[1].revision, 2);
    transcript_close(&t);
}

static void revert_without_surge_cut_short_still_comes_back(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){0, false};
    policy.readiness_timeout = SPAN_FOREVER;
    policy.progress_deadline = span_from_ms(60000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 1, 0);
    transcript_exited(&t, 4, 1);
    text_truncate(&t.text, 0);
    transcript_wait(&t);
    assert_int_equal(t.rollout->state, ROLLOUT_STEADY);
    transcript_ready(&t, 5);
    transcript_expect(
        &t,
        "60.000 tick\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  > outcome 2 failed\n"
        "60.000 ready 5\n"
        "  | worker 5: ready\n"
        "  | worker 5: admitted\n"
        "  | worker 3: retired\n"
        "  | worker 6: started, slot 1, revision 1\n"
        "  > drain 3\n"
        "  > spawn 6\n"
        "60.000 spawned 6 | worker 6: spawned, pid 106\n");
    transcript_close(&t);
}

static void crash_of_old_worker_amid_rollout_is_replaced_by_old(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 1, 1);
    transcript_ready(&t, 4);
    transcript_ready(&t, 3);
    transcript_ready(&t, 5);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 4, 0);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 3: started, slot 1, revision 2\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 exited 1 (exited with status 1)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > sweep 1\n"
                      "  > spawn 4\n"
                      "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.000 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 2: retired\n"
                      "  | worker 5: started, slot 0, revision 2\n"
                      "  > drain 2\n"
                      "  > spawn 5\n"
                      "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                      "0.000 ready 5\n"
                      "  | worker 5: ready\n"
                      "  | worker 5: admitted\n"
                      "  | worker 4: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 4\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n"
                      "0.000 exited 4 (exited with status 0)\n"
                      "  | worker 4: gone: worker 4 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 4\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

static void crash_of_old_worker_is_no_progress(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    policy.readiness_timeout = SPAN_FOREVER;
    policy.progress_deadline = span_from_ms(60000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_pass(&t, 30000);
    transcript_exited(&t, 1, 1);
    transcript_ready(&t, 4);
    text_truncate(&t.text, 0);
    transcript_wait(&t);
    transcript_expect(
        &t, "60.000 tick\n"
            "  | revision 2: reverting: no progress within progress_deadline_seconds\n"
            "  | worker 3: retired\n"
            "  > drain 3\n");
    transcript_close(&t);
}

static void halt_gives_slots_never_served_back_to_stable(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_scale(&t, 2);
    text_truncate(&t.text, 0);
    transcript_exited(&t, 2, 1);
    transcript_settle(&t);
    transcript_expect(
        &t,
        "0.000 exited 2 (exited with status 1)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | worker 3: retired\n"
        "  | worker 4: started, slot 1, revision 1\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n"
        "  > drain 3\n"
        "  > spawn 4\n"
        "0.000 spawned 4 | worker 4: spawned, pid 104\n"
        "0.000 ready 4\n"
        "  | worker 4: ready\n"
        "  | worker 4: admitted\n"
        "0.000 exited 3 (exited with status 0)\n"
        "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
        "  > sweep 3\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reload_candidate_exits_old_are_untouched),
        cmocka_unit_test(reload_exec_fails_old_are_untouched),
        cmocka_unit_test(reload_batch_first_spawn_fails_rest_are_retired),
        cmocka_unit_test(reload_candidate_never_ready_is_drained_and_reverts),
        cmocka_unit_test(reload_candidate_dies_within_min_ready_reverts),
        cmocka_unit_test(reload_admitted_worker_dies_old_come_back),
        cmocka_unit_test(reload_max_failures_two_bears_two),
        cmocka_unit_test(reload_without_rollback_halts_mixed),
        cmocka_unit_test(reload_after_halt_moves_all_slots),
        cmocka_unit_test(reload_no_progress_reverts),
        cmocka_unit_test(revert_no_progress_ends_and_goes_on_in_peace),
        cmocka_unit_test(revert_after_workers_changed_restores_their_number),
        cmocka_unit_test(fail_in_the_tick_that_admits_another_reverts_whole),
        cmocka_unit_test(fail_in_the_tick_that_admits_another_halts_with_it),
        cmocka_unit_test(revert_without_surge_cut_short_still_comes_back),
        cmocka_unit_test(crash_of_old_worker_amid_rollout_is_replaced_by_old),
        cmocka_unit_test(crash_of_old_worker_is_no_progress),
        cmocka_unit_test(halt_gives_slots_never_served_back_to_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
