#include "loop/loop.h"

#include "base/error.h"
#include "loop/timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void run_without_adapters_returns_1(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(loop_run(loop), 1);
    loop_free(loop);
    loop_free(NULL);
}

static void run_after_stop_returns_at_once(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct timer *timer = NULL;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(timer_new(loop, NULL, NULL, &timer), 0);
    timer_set(timer, instant_plus(loop_now(loop), span_from_ms(3600 * 1000)));
    loop_stop(loop);
    assert_int_equal(loop_run(loop), 0);
    timer_free(timer);
    loop_free(loop);
}

static void free_after_stop_closes_what_was_freed(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    struct timer *timer = NULL;
    assert_int_equal(loop_new(&loop), 0);
    assert_int_equal(timer_new(loop, NULL, NULL, &timer), 0);
    timer_free(timer);
    loop_stop(loop);
    loop_free(loop); /* the leak checker would tell of a timer that was not closed */
}

static void now_never_goes_back(void **state)
{
    (void)state;
    struct loop *loop = NULL;
    assert_int_equal(loop_new(&loop), 0);
    struct instant before = loop_now(loop);
    assert_true(before.nanoseconds > 0);
    for (int i = 0; i < 1000; i++) {
        struct instant now = loop_now(loop);
        assert_true(now.nanoseconds >= before.nanoseconds);
        before = now;
    }
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_without_adapters_returns_1),
        cmocka_unit_test(run_after_stop_returns_at_once),
        cmocka_unit_test(free_after_stop_closes_what_was_freed),
        cmocka_unit_test(now_never_goes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
