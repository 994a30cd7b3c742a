#include "loop/timer.h"

#include "base/error.h"
#include "loop/descriptor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A loop and a timer, and what became of its deadlines. */
struct fixture {
    struct loop *loop;
    struct timer *timer;
    struct instant deadline;
    int fired;
    int early;
    int rounds; /* deadlines still to come */
};

static void on_expired(void *user)
{
    struct fixture *fixture = user;
    fixture->fired++;
    if (!instant_reached(loop_now(fixture->loop), fixture->deadline))
        fixture->early++;
    if (--fixture->rounds <= 0) {
        loop_stop(fixture->loop);
        return;
    }
    /* Odd nanoseconds, so that every rounding to milliseconds would show. */
    fixture->deadline = instant_plus(loop_now(fixture->loop), (struct span){1234567});
    timer_set(fixture->timer, fixture->deadline);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    assert_int_equal(loop_new(&fixture.loop), 0);
    assert_int_equal(timer_new(fixture.loop, on_expired, &fixture, &fixture.timer), 0);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    timer_free(fixture->timer);
    loop_free(fixture->loop);
    return 0;
}

static void set_many_deadlines_fires_each_once_and_never_early(void **state)
{
    struct fixture *fixture = *state;
    fixture->rounds = 50;
    fixture->deadline = instant_plus(loop_now(fixture->loop), (struct span){999999});
    timer_set(fixture->timer, fixture->deadline);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->fired, 50);
    assert_int_equal(fixture->early, 0);
}

static void set_past_deadline_fires_from_the_loop(void **state)
{
    struct fixture *fixture = *state;
    fixture->deadline = (struct instant){1};
    timer_set(fixture->timer, fixture->deadline);
    assert_int_equal(fixture->fired, 0);
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->fired, 1);
    assert_int_equal(loop_run(fixture->loop), 1); /* it waits for nothing any more */
}

static void set_never_disarms(void **state)
{
    struct fixture *fixture = *state;
    timer_set(fixture->timer, (struct instant){1});
    timer_set(fixture->timer, INSTANT_NEVER);
    assert_int_equal(loop_run(fixture->loop), 1);
    assert_int_equal(fixture->fired, 0);
}

static void set_again_replaces_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    timer_set(fixture->timer, instant_plus(loop_now(fixture->loop), span_from_ms(3600 * 1000)));
    timer_set(fixture->timer, (struct instant){1});
    fixture->deadline = (struct instant){1};
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_int_equal(fixture->fired, 1);
}

/* A pipe that is readable all the time, and a timer that is due all the time: each needs its
 * turn.
 */
static void on_due_again(void *user)
{
    struct fixture *fixture = user;
    if (++fixture->fired < 1000)
        timer_set(fixture->timer, (struct instant){1});
    else
        loop_stop(fixture->loop);
}

static void on_readable(void *user, int fd)
{
    struct fixture *fixture = user;
    (void)fd;
    loop_stop(fixture->loop);
}

static void set_past_deadline_again_and_again_starves_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct descriptor *descriptor = NULL;
    int ends[2];
    timer_free(fixture->timer);
    assert_int_equal(timer_new(fixture->loop, on_due_again, fixture, &fixture->timer), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(
        descriptor_watch_take(fixture->loop, ends[0], on_readable, fixture, &descriptor), 0);
    timer_set(fixture->timer, (struct instant){1});
    assert_int_equal(loop_run(fixture->loop), 0);
    assert_in_range(fixture->fired, 0, 5);
    descriptor_unwatch(descriptor);
    (void)close_fd(ends[1]);
}

static void on_expired_free(void *user)
{
    struct fixture *fixture = user;
    fixture->fired++;
    timer_free(fixture->timer);
    fixture->timer = NULL;
}

static void free_in_its_own_callback_ends_it(void **state)
{
    struct fixture *fixture = *state;
    timer_free(fixture->timer);
    assert_int_equal(timer_new(fixture->loop, on_expired_free, fixture, &fixture->timer), 0);
    timer_set(fixture->timer, (struct instant){1});
    assert_int_equal(loop_run(fixture->loop), 1);
    assert_int_equal(fixture->fired, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(set_many_deadlines_fires_each_once_and_never_early,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(set_past_deadline_fires_from_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(set_never_disarms, setup, teardown),
        cmocka_unit_test_setup_teardown(set_again_replaces_the_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(set_past_deadline_again_and_again_starves_nobody, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(free_in_its_own_callback_ends_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
