/* Records that can't follow, and journals written by an enemy. */
#include "hostile.c"
#include "invariant.c"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
    RUNS = 20000,
    RUN_BYTES = 600,
};

/* xorshift64*, as in test_random.c. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static void replay_hostile_journals_takes_or_refuses(void **state)
{
    struct hostile hostile;
    uint64_t failed = 0;

    (void)state;
    assert_int_equal(hostile_init(&hostile), 0);
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        uint8_t bytes[RUN_BYTES];
        uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
        const char *wrong;

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)(draw(&random) >> 40);
        wrong = hostile_run(&hostile, bytes, sizeof(bytes));
        if (wrong && failed++ < 10)
            print_error("seed %" PRIu64 ": %s\n", seed, wrong);
    }
    hostile_release(&hostile);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_hostile_journals_takes_or_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
