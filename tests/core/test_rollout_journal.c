/* The journal can not be written: a rollout stops, serving goes on. */
#include "invariant.c"
#include "transcript.c"

static void lose_journal_forward_halts(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_event(&t, EVENT_JOURNAL_LOST);
    transcript_exited(&t, 2, 0);
    transcript_exited(&t, 4, 0);
    transcript_expect(&t,
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
                      "0.000 journal_lost\n"
                      "  | revision 2: ended, failed: the state journal can't be written\n"
                      "  | worker 4: retired\n"
                      "  > outcome 2 failed\n"
                      "  > drain 4\n"
                      "0.000 exited 2 (exited with status 0)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) exited with status 0\n"
                      "  > sweep 2\n"
                      "0.000 exited 4 (exited with status 0)\n"
                      "  | worker 4: gone: worker 4 (slot 0, revision 2) exited with status 0\n"
                      "  > sweep 4\n");
    transcript_close(&t);
}

static void lose_journal_otherwise_changes_nothing(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_event(&t, EVENT_JOURNAL_LOST);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 2, 1);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    transcript_event(&t, EVENT_JOURNAL_LOST);
    transcript_exited(&t, 1, 0);
    transcript_expect(
        &t,
        "0.000 journal_lost\n"
        "0.000 accept 2 | revision 2: accepted\n"
        "0.000 reload 2\n"
        "  | revision 2: started\n"
        "  | worker 2: started, slot 0, revision 2\n"
        "  > spawn 2\n"
        "0.000 spawned 2 | worker 2: spawned, pid 102\n"
        "0.000 exited 2 (exited with status 1)\n"
        "  | worker 2: gone: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) exited "
        "with status 1\n"
        "  | revision 2: reverting: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  | revision 2: ended, failed: worker 2 (slot 0, revision 2) exited with status 1\n"
        "  > sweep 2\n"
        "  > outcome 2 failed\n"
        "0.000 accept 3 | revision 3: accepted\n"
        "0.000 reload 3\n"
        "  | revision 3: started\n"
        "  | worker 3: started, slot 0, revision 3\n"
        "  | revision 2: forgotten\n"
        "  > spawn 3\n"
        "  > forget 2\n"
        "0.000 spawned 3 | worker 3: spawned, pid 103\n"
        "0.000 ready 3\n"
        "  | worker 3: ready\n"
        "  | worker 3: admitted\n"
        "  | worker 1: retired\n"
        "  | revision 3: promoted\n"
        "  > drain 1\n"
        "0.000 journal_lost\n"
        "0.000 exited 1 (exited with status 0)\n"
        "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
        "  | revision 3: ended, complete\n"
        "  | revision 1: forgotten\n"
        "  > sweep 1\n"
        "  > outcome 3 complete\n"
        "  > forget 1\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lose_journal_forward_halts),
        cmocka_unit_test(lose_journal_otherwise_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
