/* A reload during a reload: supersede, queue, refuse; and one that comes too late. */
#include "invariant.c"
#include "transcript.c"

static void supersede_forward_retires_candidate_and_starts_anew(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
    text_truncate(&t.text, 0);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 4, 0);
    transcript_ready(&t, 5);
    transcript_ready(&t, 6);
    transcript_exited(&t, 3, 0);
    transcript_exited(&t, 1, 0);
    transcript_expect(&t,
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3\n"
                      "  | revision 2: ended, superseded: superseded by revision 3\n"
                      "  | revision 3: started\n"
                      "  | worker 4: retired\n"
                      "  | worker 5: started, slot 1, revision 3\n"
                      "  > outcome 2 superseded\n"
                      "  > drain 4\n"
                      "  > spawn 5\n"
                      "0.000 spawned 5 | worker 5: spawned, pid 105\n"
                      "0.000 exited 4 (exited with status 0)\n"
                      "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 0\n"
                      "  > sweep 4\n"
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
                      "0.000 exited 3 (exited with status 0)\n"
                      "  | worker 3: gone: worker 3 (slot 1, revision 2) exited with status 0\n"
                      "  | revision 2: forgotten\n"
                      "  > sweep 3\n"
                      "  > forget 2\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 3: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 3 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

static void supersede_settling_completes_the_older(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 1, 0);
    transcript_ready(&t, 3);
    transcript_exited(&t, 2, 0);
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
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 3: started\n"
                      "  | worker 3: started, slot 0, revision 3\n"
                      "  > outcome 2 complete\n"
                      "  > spawn 3\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > forget 1\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 2: retired\n"
                      "  | revision 3: promoted\n"
                      "  > drain 2\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
                      "  | revision 3: ended, complete\n"
                      "  | revision 2: forgotten\n"
                      "  > sweep 2\n"
                      "  > outcome 3 complete\n"
                      "  > forget 2\n");
    transcript_close(&t);
}

static void supersede_reverting_fails_the_older(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 2, 0);
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
        "0.000 exited 4 (exited with status 1)\n"
        "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | worker 5: started, slot 1, revision 1\n"
        "  > sweep 4\n"
        "  > spawn 5\n"
        "0.000 spawned 5 | worker 5: spawned, pid 105\n"
        "0.000 accept 3 | revision 3: accepted\n"
        "0.000 reload 3\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | revision 3: started\n"
        "  > outcome 2 failed\n"
        "0.000 exited 2 (exited with status 0)\n"
        "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
        "  > sweep 2\n");
    transcript_close(&t);
}

static void supersede_ends_the_queue_too(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 2: started, slot 0, revision 2\n"
                          "  > spawn 2\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                          "0.000 accept 3 | revision 3: accepted\n"
                          "0.000 reload 3 queue | revision 3: queued\n"
                          "0.000 accept 4 | revision 4: accepted\n"
                          "0.000 reload 4 queue | revision 4: queued\n"
                          "0.000 accept 5 | revision 5: accepted\n"
                          "0.000 reload 5\n"
                          "  | revision 3: ended, superseded: superseded by revision 5\n"
                          "  | revision 4: ended, superseded: superseded by revision 5\n"
                          "  | revision 2: ended, superseded: superseded by revision 5\n"
                          "  | revision 5: started\n"
                          "  | worker 2: retired\n"
                          "  | worker 3: started, slot 0, revision 5\n"
                          "  | revision 3: forgotten\n"
                          "  | revision 4: forgotten\n"
                          "  > outcome 3 superseded\n"
                          "  > outcome 4 superseded\n"
                          "  > outcome 2 superseded\n"
                          "  > drain 2\n"
                          "  > spawn 3\n"
                          "  > forget 3\n"
                          "  > forget 4\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void supersede_first_start_starts_anew(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "0.000 accept 1 | revision 1: accepted\n"
                          "0.000 boot 1\n"
                          "  | booted\n"
                          "  | revision 1: started\n"
                          "  | worker 1: started, slot 0, revision 1\n"
                          "  > spawn 1\n"
                          "0.000 spawned 1 | worker 1: spawned, pid 101\n"
                          "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 1: ended, superseded: superseded by revision 2\n"
                          "  | revision 2: started\n"
                          "  | worker 1: retired\n"
                          "  | worker 2: started, slot 0, revision 2\n"
                          "  > outcome 1 superseded\n"
                          "  > drain 1\n"
                          "  > spawn 2\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n");
    transcript_settle(&t);
    transcript_expect(&t,
                      "0.000 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n"
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

static void queue_waits_for_its_turn(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_ready(&t, 2);
    transcript_exited(&t, 1, 0);
    transcript_ready(&t, 3);
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
                      "0.000 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 3: started\n"
                      "  | worker 3: started, slot 0, revision 3\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > spawn 3\n"
                      "  > forget 1\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "  | worker 2: retired\n"
                      "  | revision 3: promoted\n"
                      "  > drain 2\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 0\n"
                      "  | revision 3: ended, complete\n"
                      "  | revision 2: forgotten\n"
                      "  > sweep 2\n"
                      "  > outcome 3 complete\n"
                      "  > forget 2\n");
    transcript_close(&t);
}

static void queue_goes_on_after_failure(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_exited(&t, 2, 1);
    transcript_expect(
        &t,
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 reload 2\n"
        "  | revision 2: started\n"
        "  | worker 2: started, slot 0, revision 2\n"
        "  > spawn 2\n"
        "0.000 spawned 2 | worker 2: spawned, pid 102\n"
        "0.000 accept 3 | revision 3: accepted\n"
        "0.000 reload 3 queue | revision 3: queued\n"
        "0.000 exited 2 (exited with status 1)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | revision 3: started\n"
        "  | worker 3: started, slot 0, revision 3\n"
        "  | revision 2: forgotten\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n"
        "  > spawn 3\n"
        "  > forget 2\n"
        "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void queue_idle_starts_at_once(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2 queue\n"
                          "  | revision 2: started\n"
                          "  | worker 2: started, slot 0, revision 2\n"
                          "  > spawn 2\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n");
    transcript_close(&t);
}

static void queue_full_refuses(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    for (int i = 0; i < QUEUE_MAX; i++)
        (void)transcript_reload(&t, &policy, CONFLICT_QUEUE);
    text_truncate(&t.text, 0);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_expect(
        &t, "0.000 accept 19 | revision 19: accepted\n"
            "0.000 reload 19 queue\n"
            "  | revision 19: ended, refused: the rollout of revision 2 is under way\n"
            "  > outcome 19 refused\n");
    transcript_close(&t);
}

/* The halted rollout's end and the next one's start are one step: no slot is emptied between.
 */
static void queue_of_more_workers_after_halt_keeps_what_serves(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.auto_rollback = false;
    transcript_begin(&t, &policy);
    policy.workers = 3;
    policy.max_unavailable = (struct share){0, false};
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_ready(&t, 2);
    transcript_ready(&t, 3);
    transcript_exited(&t, 4, 1);
    transcript_expect(
        &t,
        "0.000 accept 2 | revision 2: accepted\n"
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
        "0.000 spawned 4 | worker 4: spawned, pid 104\n"
        "0.000 accept 3 | revision 3: accepted\n"
        "0.000 reload 3 queue | revision 3: queued\n"
        "0.000 ready 2\n"
        "  | worker 2: ready\n"
        "  | worker 2: admitted\n"
        "0.000 ready 3\n"
        "  | worker 3: ready\n"
        "  | worker 3: admitted\n"
        "0.000 exited 4 (exited with status 1)\n"
        "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: ended, failed: worker 4 (slot 0, revision 2) exited with status 1\n"
        "  | revision 3: started\n"
        "  | worker 5: started, slot 2, revision 3\n"
        "  > sweep 4\n"
        "  > outcome 2 failed\n"
        "  > spawn 5\n"
        "0.000 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

static void refuse_busy_refuses(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_reload(&t, &policy, CONFLICT_REFUSE);
    transcript_ready(&t, 2);
    transcript_reload(&t, &policy, CONFLICT_REFUSE);
    transcript_exited(&t, 1, 0);
    transcript_reload(&t, &policy, CONFLICT_REFUSE);
    transcript_expect(&t,
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: started\n"
                      "  | worker 2: started, slot 0, revision 2\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3 refuse\n"
                      "  | revision 3: ended, refused: the rollout of revision 2 is under way\n"
                      "  > outcome 3 refused\n"
                      "0.000 ready 2\n"
                      "  | worker 2: ready\n"
                      "  | worker 2: admitted\n"
                      "  | worker 1: retired\n"
                      "  | revision 2: promoted\n"
                      "  > drain 1\n"
                      "0.000 accept 4 | revision 4: accepted\n"
                      "0.000 reload 4 refuse\n"
                      "  | revision 4: ended, refused: the rollout of revision 2 is under way\n"
                      "  | revision 3: forgotten\n"
                      "  > outcome 4 refused\n"
                      "  > forget 3\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n"
                      "0.000 accept 5 | revision 5: accepted\n"
                      "0.000 reload 5 refuse\n"
                      "  | revision 5: started\n"
                      "  | worker 3: started, slot 0, revision 5\n"
                      "  | revision 4: forgotten\n"
                      "  > spawn 3\n"
                      "  > forget 4\n"
                      "0.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_close(&t);
}

static void reload_while_stopping_refuses(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_STOP);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 1, 0);
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_expect(&t,
                      "0.000 stop\n"
                      "  | stopping: the app was stopped\n"
                      "  | worker 1: retired\n"
                      "  > close_listeners\n"
                      "  > drain 1\n"
                      "0.000 accept 2 | revision 2: accepted\n"
                      "0.000 reload 2\n"
                      "  | revision 2: ended, refused: the app was stopped\n"
                      "  > outcome 2 refused\n"
                      "0.000 exited 1 (exited with status 0)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
                      "  | stopped\n"
                      "  > sweep 1\n"
                      "  > exit complete\n"
                      "0.000 accept 3 | revision 3: accepted\n"
                      "0.000 reload 3 queue\n"
                      "  | revision 3: ended, refused: the app was stopped\n"
                      "  > outcome 3 refused\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(supersede_forward_retires_candidate_and_starts_anew),
        cmocka_unit_test(supersede_settling_completes_the_older),
        cmocka_unit_test(supersede_reverting_fails_the_older),
        cmocka_unit_test(supersede_ends_the_queue_too),
        cmocka_unit_test(supersede_first_start_starts_anew),
        cmocka_unit_test(queue_waits_for_its_turn),
        cmocka_unit_test(queue_goes_on_after_failure),
        cmocka_unit_test(queue_idle_starts_at_once),
        cmocka_unit_test(queue_full_refuses),
        cmocka_unit_test(queue_of_more_workers_after_halt_keeps_what_serves),
        cmocka_unit_test(refuse_busy_refuses),
        cmocka_unit_test(reload_while_stopping_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
