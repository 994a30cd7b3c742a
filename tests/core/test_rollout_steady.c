/* Between reloads: crashes and their back-off, watchdogs, drains. */
#include "invariant.c"
#include "transcript.c"

#include <signal.h>

static void crash_once_replaces_at_once(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_pass(&t, 1000);
    transcript_signaled(&t, 1, SIGKILL);
    transcript_ready(&t, 3);
    transcript_expect(&t,
                      "1.000 exited 1 (was ended by SIGKILL)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) was ended by SIGKILL\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                      "revision 1) was ended by SIGKILL\n"
                      "  | worker 3: started, slot 0, revision 1\n"
                      "  > sweep 1\n"
                      "  > spawn 3\n"
                      "1.000 spawned 3 | worker 3: spawned, pid 103\n"
                      "1.000 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n");
    transcript_close(&t);
}

static void crash_loop_backs_off_doubling_up_to_max(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.restart_max = span_from_ms(300);
    transcript_begin(&t, &policy);
    transcript_exited(&t, 1, 1);
    transcript_exited(&t, 2, 1);
    transcript_wait(&t);
    transcript_exited(&t, 3, 1);
    transcript_wait(&t);
    transcript_exited(&t, 4, 1);
    transcript_wait(&t);
    transcript_exited(&t, 5, 1);
    transcript_expect(&t,
                      "0.000 exited 1 (exited with status 1)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  | worker 2: started, slot 0, revision 1\n"
                      "  > sweep 1\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 exited 2 (exited with status 1)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 99 ms after 2 failures: worker 2 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 2\n"
                      "0.100 tick\n"
                      "  | worker 3: started, slot 0, revision 1\n"
                      "  > spawn 3\n"
                      "0.100 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.100 exited 3 (exited with status 1)\n"
                      "  | worker 3: gone: worker 3 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 199 ms after 3 failures: worker 3 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 3\n"
                      "0.300 tick\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > spawn 4\n"
                      "0.300 spawned 4 | worker 4: spawned, pid 104\n"
                      "0.300 exited 4 (exited with status 1)\n"
                      "  | worker 4: gone: worker 4 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 299 ms after 4 failures: worker 4 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 4\n"
                      "0.600 tick\n"
                      "  | worker 5: started, slot 0, revision 1\n"
                      "  > spawn 5\n"
                      "0.600 spawned 5 | worker 5: spawned, pid 105\n"
                      "0.600 exited 5 (exited with status 1)\n"
                      "  | worker 5: gone: worker 5 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 299 ms after 5 failures: worker 5 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 5\n");
    transcript_close(&t);
}

static void crash_loop_back_off_is_spread_by_noise(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.restart_initial = span_from_ms(1000);
    transcript_begin(&t, &policy);
    t.noise = 0;
    transcript_exited(&t, 1, 1);
    transcript_exited(&t, 2, 1);
    transcript_expect(&t,
                      "0.000 exited 1 (exited with status 1)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  | worker 2: started, slot 0, revision 1\n"
                      "  > sweep 1\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 exited 2 (exited with status 1)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 750 ms after 2 failures: worker 2 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 2\n");
    transcript_wait(&t);
    t.noise = UINT32_MAX;
    transcript_exited(&t, 3, 1);
    transcript_expect(&t,
                      "0.750 tick\n"
                      "  | worker 3: started, slot 0, revision 1\n"
                      "  > spawn 3\n"
                      "0.750 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.750 exited 3 (exited with status 1)\n"
                      "  | worker 3: gone: worker 3 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 2499 ms after 3 failures: worker 3 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 3\n");
    transcript_close(&t);
}

static void crash_after_reset_time_is_the_first_again(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_exited(&t, 1, 1);
    transcript_exited(&t, 2, 1);
    transcript_wait(&t);
    transcript_ready(&t, 3);
    transcript_pass(&t, 29999);
    transcript_exited(&t, 3, 1);
    transcript_expect(&t,
                      "0.000 exited 1 (exited with status 1)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  | worker 2: started, slot 0, revision 1\n"
                      "  > sweep 1\n"
                      "  > spawn 2\n"
                      "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                      "0.000 exited 2 (exited with status 1)\n"
                      "  | worker 2: gone: worker 2 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 99 ms after 2 failures: worker 2 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 2\n"
                      "0.100 tick\n"
                      "  | worker 3: started, slot 0, revision 1\n"
                      "  > spawn 3\n"
                      "0.100 spawned 3 | worker 3: spawned, pid 103\n"
                      "0.100 ready 3\n"
                      "  | worker 3: ready\n"
                      "  | worker 3: admitted\n"
                      "30.099 exited 3 (exited with status 1)\n"
                      "  | worker 3: gone: worker 3 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 199 ms after 3 failures: worker 3 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  > sweep 3\n");
    transcript_wait(&t);
    transcript_ready(&t, 4);
    transcript_pass(&t, 30000);
    transcript_exited(&t, 4, 1);
    transcript_expect(&t,
                      "30.299 tick\n"
                      "  | worker 4: started, slot 0, revision 1\n"
                      "  > spawn 4\n"
                      "30.299 spawned 4 | worker 4: spawned, pid 104\n"
                      "30.299 ready 4\n"
                      "  | worker 4: ready\n"
                      "  | worker 4: admitted\n"
                      "60.299 exited 4 (exited with status 1)\n"
                      "  | worker 4: gone: worker 4 (slot 0, revision 1) exited with status 1\n"
                      "  | slot 0: waiting for 0 ms after 1 failure: worker 4 (slot 0, "
                      "revision 1) exited with status 1\n"
                      "  | worker 5: started, slot 0, revision 1\n"
                      "  > sweep 4\n"
                      "  > spawn 5\n"
                      "60.299 spawned 5 | worker 5: spawned, pid 105\n");
    transcript_close(&t);
}

static void crash_loop_of_old_is_cured_by_reload(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_exited(&t, 1, 1);
    transcript_exited(&t, 2, 1);
    text_truncate(&t.text, 0);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 3);
    assert_true(instant_is_never(rollout_wake(t.rollout)));
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 3: started, slot 0, revision 2\n"
                          "  > spawn 3\n"
                          "0.000 spawned 3 | worker 3: spawned, pid 103\n"
                          "0.000 ready 3\n"
                          "  | worker 3: ready\n"
                          "  | worker 3: admitted\n"
                          "  | revision 2: promoted\n"
                          "  | revision 2: ended, complete\n"
                          "  | revision 1: forgotten\n"
                          "  > outcome 2 complete\n"
                          "  > forget 1\n");
    transcript_close(&t);
}

static void crash_while_another_drains_does_not_wait_for_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(2);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_span(&t, EVENT_WATCHDOG_SET, 2, 1000);
    transcript_wait(&t);
    transcript_expect(
        &t, "0.000 watchdog_set 2 1000 ms | worker 2: watchdog of 1000 ms\n"
            "1.000 tick\n"
            "  | worker 2: killed: worker 2 (slot 1, revision 1) missed its watchdog\n"
            "  | slot 1: waiting for 0 ms after 1 failure: worker 2 (slot 1, revision 1) "
            "missed its watchdog\n"
            "  | worker 3: started, slot 1, revision 1\n"
            "  > abort 2\n"
            "  > spawn 3\n"
            "1.000 spawned 3 | worker 3: spawned, pid 103\n");
    transcript_wait(&t);
    transcript_wait(&t);
    transcript_signaled(&t, 2, SIGKILL);
    transcript_expect(&t,
                      "6.000 tick\n"
                      "  | worker 2: killed\n"
                      "  > kill 2\n"
                      "7.000 tick\n"
                      "  | worker 2: killed\n"
                      "  > kill 2\n"
                      "7.000 exited 2 (was ended by SIGKILL)\n"
                      "  | worker 2: gone: worker 2 (slot 1, revision 1) was ended by SIGKILL\n"
                      "  > sweep 2\n");
    transcript_close(&t);
}

static void drain_deadline_kills_and_kills_again(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_wait(&t);
    transcript_wait(&t);
    transcript_signaled(&t, 1, SIGKILL);
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
                      "30.000 tick\n"
                      "  | worker 1: killed\n"
                      "  > kill 1\n"
                      "31.000 tick\n"
                      "  | worker 1: killed\n"
                      "  > kill 1\n"
                      "31.000 exited 1 (was ended by SIGKILL)\n"
                      "  | worker 1: gone: worker 1 (slot 0, revision 1) was ended by SIGKILL\n"
                      "  | revision 2: ended, complete\n"
                      "  | revision 1: forgotten\n"
                      "  > sweep 1\n"
                      "  > outcome 2 complete\n"
                      "  > forget 1\n");
    transcript_close(&t);
}

static void extend_start_moves_readiness_deadline(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_pass(&t, 29000);
    transcript_span(&t, EVENT_EXTEND, 2, 5000);
    transcript_span(&t, EVENT_EXTEND, 2, 1000);
    transcript_wait(&t);
    transcript_expect(
        &t, "0.000 accept 2 | revision 2: accepted\n"
            "0.000 reload 2\n"
            "  | revision 2: started\n"
            "  | worker 2: started, slot 0, revision 2\n"
            "  > spawn 2\n"
            "0.000 spawned 2 | worker 2: spawned, pid 102\n"
            "29.000 extend 2 5000 ms | worker 2: extended\n"
            "29.000 extend 2 1000 ms\n"
            "34.000 tick\n"
            "  | worker 2: retired: worker 2 (slot 0, revision 2) was not ready in time\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 2 (slot 0, revision 2) was "
            "not ready in time\n"
            "  | revision 2: reverting: worker 2 (slot 0, revision 2) was not ready in time\n"
            "  > drain 2\n");
    transcript_close(&t);
}

static void extend_drain_moves_drain_deadline(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_ready(&t, 2);
    transcript_pass(&t, 20000);
    transcript_span(&t, EVENT_EXTEND, 1, 15000);
    transcript_wait(&t);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
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
                          "20.000 extend 1 15000 ms | worker 1: extended\n"
                          "35.000 tick\n"
                          "  | worker 1: killed\n"
                          "  > kill 1\n");
    transcript_close(&t);
}

static void watchdog_missed_aborts_then_kills(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.watchdog = span_from_ms(3000);
    transcript_begin(&t, &policy);
    transcript_pass(&t, 2000);
    transcript_worker(&t, EVENT_PING, 1);
    transcript_wait(&t);
    transcript_wait(&t);
    transcript_signaled(&t, 1, SIGKILL);
    transcript_expect(
        &t, "2.000 ping 1\n"
            "5.000 tick\n"
            "  | worker 1: killed: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) "
            "missed its watchdog\n"
            "  | worker 2: started, slot 0, revision 1\n"
            "  > abort 1\n"
            "  > spawn 2\n"
            "5.000 spawned 2 | worker 2: spawned, pid 102\n"
            "10.000 tick\n"
            "  | worker 1: killed\n"
            "  > kill 1\n"
            "10.000 exited 1 (was ended by SIGKILL)\n"
            "  | worker 1: gone: worker 1 (slot 0, revision 1) was ended by SIGKILL\n"
            "  > sweep 1\n");
    transcript_close(&t);
}

static void watchdog_of_starting_worker_waits_for_ready(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.watchdog = span_from_ms(3000);
    transcript_begin(&t, &policy);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_span(&t, EVENT_WATCHDOG_SET, 2, 1000);
    transcript_worker(&t, EVENT_PING, 1);
    assert_int_equal(rollout_wake(t.rollout).nanoseconds, 3000000000u);
    transcript_pass(&t, 500);
    transcript_ready(&t, 2);
    assert_int_equal(rollout_wake(t.rollout).nanoseconds, 1500000000u);
    transcript_expect(&t, "0.000 accept 2 | revision 2: accepted\n"
                          "0.000 reload 2\n"
                          "  | revision 2: started\n"
                          "  | worker 2: started, slot 0, revision 2\n"
                          "  > spawn 2\n"
                          "0.000 spawned 2 | worker 2: spawned, pid 102\n"
                          "0.000 watchdog_set 2 1000 ms | worker 2: watchdog of 1000 ms\n"
                          "0.000 ping 1\n"
                          "0.500 ready 2\n"
                          "  | worker 2: ready\n"
                          "  | worker 2: admitted\n"
                          "  | worker 1: retired\n"
                          "  | revision 2: promoted\n"
                          "  > drain 1\n");
    transcript_close(&t);
}

static void watchdog_set_zero_ends_it(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.watchdog = span_from_ms(3000);
    transcript_begin(&t, &policy);
    transcript_span(&t, EVENT_WATCHDOG_SET, 1, 0);
    transcript_worker(&t, EVENT_PING, 1);
    assert_true(instant_is_never(rollout_wake(t.rollout)));
    transcript_expect(&t, "0.000 watchdog_set 1 0 ms | worker 1: watchdog of 0 ms\n"
                          "0.000 ping 1\n");
    transcript_close(&t);
}

static void watchdog_missed_at_end_of_min_ready_is_not_admitted(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    policy.watchdog = span_from_ms(2000);
    policy.min_ready = span_from_ms(2000);
    transcript_boot(&t, transcript_accept(&t, &policy));
    transcript_ready(&t, 1);
    transcript_wait(&t);
    transcript_expect(
        &t, "0.000 accept 1 | revision 1: accepted\n"
            "0.000 boot 1\n"
            "  | booted\n"
            "  | revision 1: started\n"
            "  | worker 1: started, slot 0, revision 1\n"
            "  > spawn 1\n"
            "0.000 spawned 1 | worker 1: spawned, pid 101\n"
            "0.000 ready 1 | worker 1: ready\n"
            "2.000 tick\n"
            "  | worker 1: killed: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) "
            "missed its watchdog\n"
            "  | revision 1: ended, failed: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "  | stopping: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "  > abort 1\n"
            "  > outcome 1 failed\n"
            "  > close_listeners\n");
    transcript_close(&t);
}

static void trigger_aborts_at_once(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_worker(&t, EVENT_TRIGGER, 1);
    transcript_expect(
        &t, "0.000 trigger 1\n"
            "  | worker 1: killed: worker 1 (slot 0, revision 1) missed its watchdog\n"
            "  | slot 0: waiting for 0 ms after 1 failure: worker 1 (slot 0, revision 1) "
            "missed its watchdog\n"
            "  | worker 2: started, slot 0, revision 1\n"
            "  > abort 1\n"
            "  > spawn 2\n"
            "0.000 spawned 2 | worker 2: spawned, pid 102\n");
    transcript_close(&t);
}

static void late_notices_of_gone_workers_are_dropped(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    transcript_exited(&t, 1, 1);
    text_truncate(&t.text, 0);
    transcript_ready(&t, 1);
    transcript_exited(&t, 1, 1);
    transcript_exec_failed(&t, 1, ENOENT);
    transcript_worker(&t, EVENT_PING, 1);
    transcript_worker(&t, EVENT_TRIGGER, 1);
    transcript_span(&t, EVENT_EXTEND, 1, 1000);
    transcript_span(&t, EVENT_WATCHDOG_SET, 99, 1000);
    transcript_expect(&t,
                      "0.000 ready 1\n"
                      "0.000 exited 1 (exited with status 1)\n"
                      "0.000 spawn_failed 1 (could not be started: No such file or directory)\n"
                      "0.000 ping 1\n"
                      "0.000 trigger 1\n"
                      "0.000 extend 1 1000 ms\n"
                      "0.000 watchdog_set 99 1000 ms\n");
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crash_once_replaces_at_once),
        cmocka_unit_test(crash_loop_backs_off_doubling_up_to_max),
        cmocka_unit_test(crash_loop_back_off_is_spread_by_noise),
        cmocka_unit_test(crash_after_reset_time_is_the_first_again),
        cmocka_unit_test(crash_loop_of_old_is_cured_by_reload),
        cmocka_unit_test(crash_while_another_drains_does_not_wait_for_it),
        cmocka_unit_test(drain_deadline_kills_and_kills_again),
        cmocka_unit_test(extend_start_moves_readiness_deadline),
        cmocka_unit_test(extend_drain_moves_drain_deadline),
        cmocka_unit_test(watchdog_missed_aborts_then_kills),
        cmocka_unit_test(watchdog_of_starting_worker_waits_for_ready),
        cmocka_unit_test(watchdog_set_zero_ends_it),
        cmocka_unit_test(watchdog_missed_at_end_of_min_ready_is_not_admitted),
        cmocka_unit_test(trigger_aborts_at_once),
        cmocka_unit_test(late_notices_of_gone_workers_are_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
