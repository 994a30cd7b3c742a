/* Twenty thousand short lives of an app, each by its seed. A failure prints its seed: give it
 * as the only argument to run that life alone. */
#include "core/invariant.c"
#include "core/play.c"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    RUNS = 20000,
    RUN_BYTES_MAX = 120,
};

/* xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators"). */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 2685821657736338717u;
}

static const char *run_seed(struct play *play, uint64_t seed)
{
    uint8_t bytes[RUN_BYTES_MAX];
    uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
    size_t size = 20 + draw(&state) % (RUN_BYTES_MAX - 20);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(draw(&state) >> 40);
    return play_run(play, bytes, size);
}

static void play_many_seeds_every_invariant_holds(void **state)
{
    struct play play;
    uint64_t failed = 0;

    (void)state;
    assert_int_equal(play_init(&play), 0);
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        const char *wrong = run_seed(&play, seed);

        if (wrong && failed++ < 10)
            print_error("seed %" PRIu64 ": %s\n", seed, wrong);
    }
    print_message("%" PRIu64 " steps\n", play.steps);
    play_release(&play);
    assert_int_equal(failed, 0);
}

static int play_one_seed(const char *argument)
{
    struct play play;
    const char *wrong;

    if (play_init(&play) != 0)
        return EXIT_FAILURE;
    play.trace = stdout;
    wrong = run_seed(&play, strtoull(argument, NULL, 10));
    printf("%s\n", wrong ? wrong : "every invariant holds");
    play_release(&play);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(play_many_seeds_every_invariant_holds),
    };

    if (argc == 2)
        return play_one_seed(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
