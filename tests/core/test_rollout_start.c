/* The first start: there is nothing to go back to. */
#include "invariant.c"
#include "transcript.c"

static void start_four_workers_completes(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(4);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_ready(&t, 2);
    transcript_ready(&t, 1);
    transcript_pass(&t, 500);
    transcript_ready(&t, 4);
    transcript_ready(&t, 3);
    transcript_expect(&t, "0.000 accept 1 | revision 1: accepted\n"
                          "0.000 boot 1\n"
                          "  | booted\n"
                          "  | revision 1: started\n"
                          "  | worker 1: started, slot 0, revision 1\n"
                          "  | worker 2: started, slot 1, revision 1\n"
                          "  | worker 3: started, slot 2, revision 1\n"
                          "  | worker 4: started, slot 3, revision 1\n"
                          "  > spawn 1\n"
                          "  > spawn 2\n"
                          "  > spawn 3\n"
                          "  > spawn 4\n"
                          "0.000 spawned 1 | worker 1: spawned, pid 101\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 spawned 4 | worker 4: spawned, pid 104\n"
                          "0.000 ready 2\n"
                          "  | worker 2: ready\n"
                          "  | worker 2: admitted\n"
                          "0.000 ready 1\n"
                          "  | worker 1: ready\n"
                          "  | worker 1: admitted\n"
                          "0.500 ready 4\n"
                          "  | worker 4: ready\n"
                          "  | worker 4: admitted\n"
                          "0.500 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "  | revision 1: promoted\n"
                          "  | revision 1: ended, complete\n"
                          "  > outcome 1 complete\n");
    transcript_close(&t);
}

static void start_worker_exits_stops_and_fails(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_exited(&t, 1, 3);
    transcript_exited(&t, 2, 0);
    transcript_expect(
        &t,
        "0.000 accept 1 | revision 1: accepted\n"
        "0.000 boot 1\n"
        "  | booted\n"
        "  | revision 1: started\n"
        "  | worker 1: started, slot 0, revision 1\n"
        "  | worker 2: started, slot 1, revision 1\n"
        "  > spawn 1\n"
        "  > spawn 2\n"
        "0.000 spawned 1 | worker 1: spawned, pid 101\n"
        "0.000 spawned 2 | worker 2: spawned, pid 102\n"
        "0.000 exited 1 (exited with status 3)\n"
        "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 3\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) exited "
        "with status 3\n"
        "  | revision 1: ended, failed: worker 1 (slot 0, revision 1) exited with status 3\n"
        "  | stopping: worker 1 (slot 0, revision 1) exited with status 3\n"
        "  | worker 2: retired\n"
        "  > sweep 1\n"
        "  > outcome 1 failed\n"
        "  > close_listeners\n"
        "  > drain 2\n"
        "0.000 exited 2 (exited with status 0)\n"
        "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
        "  | stopped\n"
        "  > sweep 2\n"
        "  > exit failed\n");
    transcript_close(&t);
}

static void start_spawn_fails_stops_and_fails(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    t.spawn_error = ENOENT;
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_exited(&t, 2, 0);
    transcript_expect(&t,
                      "0.000 accept 1 | revision 1: accepted\n"
                      "0.000 boot 1\n"
                      "  | booted\n"
                      "  | revision 1: started\n"
                      "  | worker 1: started, slot 0, revision 1\n"
                      "  | worker 2: started, slot 1, revision 1\n"
                      "  > spawn 1\n"
                      "  > spawn 2\n"
                      "0.000 spawn_failed 1 (could not be started: No such file or directory)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) could not be started: "
                      "No such file or directory\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                      "revision 1) could not be started: No such file or directory\n"
                      "  | revision 1: ended, failed: worker 1 (slot 0, revision 1) could not "
                      "be started: No such file or directory\n"
                      "  | stopping: worker 1 (slot 0, revision 1) could not be started: No "
                      "such file or directory\n"
                      "  > sweep 1\n"
                      "  > outcome 1 failed\n"
                      "  > close_listeners\n"
                      "0.000 spawn_failed 2 (could not be started: No such file or directory)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) could not be started: "
                      "No such file or directory\n"
                      "  | stopped\n"
                      "  > sweep 2\n"
                      "  > exit failed\n"
                      "0.000 exited 2 (exited with status 0)\n");
    transcript_close(&t);
}

static void start_fails_with_queue_tells_all_who_wait(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_reload(&t, &policy, CONFLICT_QUEUE);
    transcript_exited(&t, 1, 1);
    transcript_expect(
        &t,
        "0.000 accept 1 | revision 1: accepted\n"
        "0.000 boot 1\n"
        "  | booted\n"
        "  | revision 1: started\n"
        "  | worker 1: started, slot 0, revision 1\n"
        "  > spawn 1\n"
        "0.000 spawned 1 | worker 1: spawned, pid 101\n"
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 reload 2 queue | revision 2: queued\n"
        "0.000 exited 1 (exited with status 1)\n"
        "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) exited "
        "with status 1\n"
        "  | revision 1: ended, failed: worker 1 (slot 0, revision 1) exited with status 1\n"
        "  | revision 2: ended, failed: the app was stopped\n"
        "  | stopping: worker 1 (slot 0, revision 1) exited with status 1\n"
        "  | stopped\n"
        "  > sweep 1\n"
        "  > outcome 1 failed\n"
        "  > outcome 2 failed\n"
        "  > close_listeners\n"
        "  > exit failed\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_four_workers_completes),
        cmocka_unit_test(start_worker_exits_stops_and_fails),
        cmocka_unit_test(start_spawn_fails_stops_and_fails),
        cmocka_unit_test(start_fails_with_queue_tells_all_who_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
