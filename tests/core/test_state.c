/* Records that can't follow, and journals written by an enemy. */
#include "hostile.c"
#include "invariant.c"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

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

/* Every record about a worker, of one that nobody knows: it can't follow from any state. */
static void replay_record_of_unknown_worker_is_refused(void **state)
{
    static const enum record_kind kinds[] = {
        RECORD_WORKER_SPAWNED,  RECORD_WORKER_READY,   RECORD_WORKER_ADMITTED,
        RECORD_WORKER_EXTENDED, RECORD_WORKER_RETIRED, RECORD_WORKER_KILLED,
        RECORD_WORKER_WATCHDOG, RECORD_WORKER_EXPIRED, RECORD_WORKER_ASKED,
        RECORD_WORKER_GONE,
    };
    struct rollout *rollout = calloc(1, sizeof(*rollout));

    (void)state;
    assert_non_null(rollout);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct record record = {.kind = kinds[i], .worker = 7};

        assert_int_equal(rollout_replay(rollout, &record), 1);
    }
    free(rollout);
}

/* The number decides, not the order in which they come to be known; twice is once too often. */
static void replay_revisions_in_any_order_are_kept_in_theirs(void **state)
{
    static const uint64_t numbers[] = {5, 2, 9, 4};
    static const uint64_t sorted[] = {2, 4, 5, 9};
    struct rollout *rollout = calloc(1, sizeof(*rollout));

    (void)state;
    assert_non_null(rollout);
    for (size_t i = 0; i < 4; i++) {
        struct record record = {
            .kind = RECORD_REVISION_ACCEPTED, .revision = numbers[i], .policy = {.workers = 1}};

        assert_int_equal(rollout_replay(rollout, &record), 0);
        assert_int_equal(rollout_replay(rollout, &record), 1);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rollout->revisions[i].number, sorted[i]);
    assert_int_equal(rollout->last_revision, 9);
    free(rollout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_hostile_journals_takes_or_refuses),
        cmocka_unit_test(replay_record_of_unknown_worker_is_refused),
        cmocka_unit_test(replay_revisions_in_any_order_are_kept_in_theirs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
