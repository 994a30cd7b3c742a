#include "base/mono.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void plus_beyond_the_end_is_never(void **state)
{
    (void)state;
    struct instant late = {UINT64_MAX - 5};
    assert_int_equal(instant_plus(late, (struct span){4}).nanoseconds, UINT64_MAX - 1);
    assert_true(instant_is_never(instant_plus(late, (struct span){5})));
    assert_true(instant_is_never(instant_plus((struct instant){1}, SPAN_FOREVER)));
    assert_true(instant_is_never(instant_plus(INSTANT_NEVER, (struct span){0})));
}

static void since_earlier_is_zero(void **state)
{
    (void)state;
    struct instant one = {1000};
    struct instant two = {3500};
    assert_int_equal(instant_since(two, one).nanoseconds, 2500);
    assert_int_equal(instant_since(one, two).nanoseconds, 0);
}

static void reached_never_is_false(void **state)
{
    (void)state;
    assert_false(instant_reached(INSTANT_NEVER, INSTANT_NEVER));
    assert_false(instant_reached((struct instant){9}, (struct instant){10}));
    assert_true(instant_reached((struct instant){10}, (struct instant){10}));
}

static void spans_of_huge_counts_are_forever(void **state)
{
    (void)state;
    assert_int_equal(span_from_us(3).nanoseconds, 3000);
    assert_int_equal(span_from_us(UINT64_MAX).nanoseconds, SPAN_FOREVER.nanoseconds);
    assert_int_equal(span_to_ms(span_from_ms(1234)), 1234);
}

static void earlier_and_later_order_two_instants(void **state)
{
    (void)state;
    struct instant one = {1};
    assert_int_equal(instant_earlier(one, INSTANT_NEVER).nanoseconds, 1);
    assert_true(instant_is_never(instant_later(one, INSTANT_NEVER)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plus_beyond_the_end_is_never),
        cmocka_unit_test(since_earlier_is_zero),
        cmocka_unit_test(reached_never_is_false),
        cmocka_unit_test(spans_of_huge_counts_are_forever),
        cmocka_unit_test(earlier_and_later_order_two_instants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
