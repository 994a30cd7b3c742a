#include "core/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* From Kubernetes: TestResolveFenceposts in pkg/controller/deployment/util, and the examples of
 * "Max Unavailable" and "Max Surge" in the documentation of Deployments (25 % of 3 and of 4
 * replicas; 30 % of 10; 3 and 2 of 10). */
static void round_shares_as_kubernetes_does(void **state)
{
    static const struct {
        struct share surge;
        struct share unavailable;
        uint32_t desired;
        uint32_t expected_surge;
        uint32_t expected_unavailable;
    } rows[] = {
        {{0, true}, {0, true}, 0, 0, 1},
        {{39, true}, {39, true}, 10, 4, 3},
        {{0, false}, {39, true}, 10, 0, 3},
        {{39, true}, {0, false}, 10, 4, 0},
        {{0, false}, {0, false}, 10, 0, 1},
        {{25, true}, {25, true}, 3, 1, 0},
        {{25, true}, {25, true}, 4, 1, 1},
        {{30, true}, {30, true}, 10, 3, 3},
        {{3, false}, {2, false}, 10, 3, 2},
        {{1, false}, {0, false}, 1, 1, 0},
        {{100, true}, {0, false}, 7, 7, 0},
        {{0, false}, {100, true}, 7, 0, 7},
        {{0, false}, {200, true}, 7, 0, 7},
        {{0, false}, {1, true}, 7, 0, 1},
        {{1, true}, {99, true}, 1, 1, 0},
        {{1, true}, {0, false}, SLOT_MAX, 11, 0},
        {{200, true}, {0, false}, 3, 6, 0},
        {{0, false}, {9, false}, 4, 0, 4},
        {{UINT32_MAX, false}, {0, false}, 4, WORKER_MAX, 0},
        {{UINT32_MAX, true}, {0, false}, SLOT_MAX, WORKER_MAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy policy = {.max_surge = rows[i].surge,
                                .max_unavailable = rows[i].unavailable};

        assert_int_equal(policy_surge(&policy, rows[i].desired), rows[i].expected_surge);
        assert_int_equal(policy_unavailable(&policy, rows[i].desired),
                         rows[i].expected_unavailable);
    }
}

static const struct policy back_off = {
    .restart_initial = {100000000},
    .restart_max = {15000000000},
};

static void delay_restart_first_failure_not_at_all(void **state)
{
    (void)state;
    assert_int_equal(policy_restart_delay(&back_off, 0, UINT32_MAX).nanoseconds, 0);
    assert_int_equal(policy_restart_delay(&back_off, 1, UINT32_MAX).nanoseconds, 0);
}

static void delay_restart_doubles_up_to_max(void **state)
{
    /* Three quarters of 100, 200, 400 … 12,800 ms, and of 15 s. */
    static const uint64_t milliseconds[] = {75, 150, 300, 600, 1200, 2400, 4800, 9600, 11250};

    (void)state;
    for (uint32_t i = 0; i < sizeof(milliseconds) / sizeof(milliseconds[0]); i++)
        assert_int_equal(span_to_ms(policy_restart_delay(&back_off, i + 2, 0)),
                         milliseconds[i]);
    assert_int_equal(span_to_ms(policy_restart_delay(&back_off, UINT32_MAX, 0)), 11250);
}

static void delay_restart_is_spread_by_a_quarter(void **state)
{
    (void)state;
    for (uint64_t noise = 0; noise <= UINT32_MAX; noise += 65521) {
        uint64_t delay = policy_restart_delay(&back_off, 2, (uint32_t)noise).nanoseconds;

        assert_in_range(delay, 75000000, 125000000);
    }
    assert_in_range(policy_restart_delay(&back_off, 2, UINT32_MAX).nanoseconds, 124900000,
                    125000000);
}

static void delay_restart_initial_beyond_max_is_max(void **state)
{
    const struct policy policy = {.restart_initial = {2000}, .restart_max = {1000}};

    (void)state;
    assert_int_equal(policy_restart_delay(&policy, 2, 0).nanoseconds, 750);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_shares_as_kubernetes_does),
        cmocka_unit_test(delay_restart_first_failure_not_at_all),
        cmocka_unit_test(delay_restart_doubles_up_to_max),
        cmocka_unit_test(delay_restart_is_spread_by_a_quarter),
        cmocka_unit_test(delay_restart_initial_beyond_max_is_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
