/* sim: the core under every misfortune, by seed or exhaustively (docs/SIMULATOR.md). */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 256 };

struct options {
    uint64_t first;
    uint64_t seeds;
    uint64_t seed;  /* 0: many */
    unsigned depth; /* 0: by seed */
    unsigned jobs;
    bool trace;
    const char *expect; /* the invariant that must be violated; NULL: none may be */
};

/* What a job tells the one who started it, also when it ends by an assertion of the core. */
struct report {
    uint64_t seed; /* that is being lived */
    uint64_t lives;
    uint64_t steps;
    uint64_t deaths;
    uint64_t failed;
    bool seen; /* the violation that is expected */
};

static const char usage[] =
    "usage: sim [--from N] [--seeds N] [--jobs N] [--expect INVARIANT]\n"
    "       sim --seed N [--trace]\n"
    "       sim --exhaustive DEPTH [--trace]\n";

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool is_expected(const struct options *options, const char *wrong)
{
    size_t size = options->expect ? strlen(options->expect) : 0;

    return size > 0 && strncmp(wrong, options->expect, size) == 0 && wrong[size] == ':';
}

static void say_seed(uint64_t seed, const char *wrong)
{
    printf("seed %" PRIu64 ": %s\n    replay it: sim --seed %" PRIu64 " --trace\n", seed, wrong,
           seed);
    (void)fflush(stdout);
}

static void live_seeds(const struct options *options, unsigned job, struct sim *sim,
                       struct report *report)
{
    for (uint64_t i = job; i < options->seeds && !report->seen; i += options->jobs) {
        const char *wrong;

        report->seed = options->first + i;
        wrong = life_run(sim, report->seed);
        report->lives++;
        report->steps = sim->steps;
        report->deaths = sim->deaths;
        if (!wrong)
            continue;
        if (is_expected(options, wrong))
            report->seen = true;
        if (!options->expect && ++report->failed > 10)
            return;
        if (!options->expect || report->seen)
            say_seed(report->seed, wrong);
    }
}

static pid_t start_job(const struct options *options, unsigned job, struct sim *sim,
                       struct report *report)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    live_seeds(options, job, sim, report);
    _exit(EXIT_SUCCESS);
}

static int judge(const struct options *options, const struct report *reports, double begun)
{
    struct report sum = {0};
    double took = seconds() - begun;

    for (unsigned i = 0; i < options->jobs; i++) {
        sum.lives += reports[i].lives;
        sum.steps += reports[i].steps;
        sum.deaths += reports[i].deaths;
        sum.failed += reports[i].failed;
        sum.seen |= reports[i].seen;
    }
    printf("%" PRIu64 " lives, %" PRIu64 " steps, %" PRIu64 " deaths of the primary in %.1f s, "
           "%.0f lives/s; %" PRIu64 " failed\n",
           sum.lives, sum.steps, sum.deaths, took, (double)sum.lives / took, sum.failed);
    if (options->expect && !sum.seen)
        printf("no seed has violated \"%s\"\n", options->expect);
    return sum.failed > 0 || (options->expect && !sum.seen) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_many(const struct options *options, struct sim *sim)
{
    struct report *reports = mmap(NULL, JOBS_MAX * sizeof(*reports), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double begun = seconds();
    pid_t pids[JOBS_MAX];

    if (reports == MAP_FAILED)
        return EXIT_FAILURE;
    for (unsigned i = 0; i < options->jobs; i++)
        pids[i] = start_job(options, i, sim, &reports[i]);
    for (unsigned i = 0; i < options->jobs; i++) {
        int status = -1;

        if (pids[i] > 0 && waitpid(pids[i], &status, 0) == pids[i] && status == 0)
            continue;
        reports[i].failed++;
        say_seed(reports[i].seed, "the core itself has broken off");
    }
    return judge(options, reports, begun);
}

static int run_one(const struct options *options, struct sim *sim)
{
    const char *wrong;

    sim->trace = options->trace ? stdout : NULL;
    wrong = life_run(sim, options->seed);
    if (wrong)
        say_seed(options->seed, wrong);
    else
        printf("seed %" PRIu64 ": every invariant holds\n", options->seed);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_exhaustive(const struct options *options, struct sim *sim)
{
    struct explored explored = {0};
    double begun = seconds();
    const char *wrong;

    sim->trace = options->trace ? stdout : NULL;
    wrong = explore_run(sim, options->depth, &explored);
    printf("depth %u: %" PRIu64 " lives, %" PRIu64 " states, %" PRIu64
           " paths met again, %" PRIu64 " steps in %.1f s\n",
           options->depth, explored.lives, explored.states, explored.pruned, sim->steps,
           seconds() - begun);
    if (wrong)
        printf("%s\n    replay it: sim --exhaustive %u --trace\n", wrong, options->depth);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool read_number(const char *text, uint64_t max, uint64_t *ret)
{
    char *end = NULL;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && *ret <= max;
}

static bool read_options(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {
        {"from", required_argument, NULL, 'f'},   {"seeds", required_argument, NULL, 'n'},
        {"seed", required_argument, NULL, 's'},   {"exhaustive", required_argument, NULL, 'x'},
        {"jobs", required_argument, NULL, 'j'},   {"trace", no_argument, NULL, 't'},
        {"expect", required_argument, NULL, 'e'}, {0}};
    uint64_t number = 0;
    int letter;

    while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        uint64_t max = letter == 'x' ? 16 : letter == 'j' ? JOBS_MAX : UINT64_MAX / 2;

        if (letter == '?' || (strchr("fnsxj", letter) && !read_number(optarg, max, &number)))
            return false;
        if (letter == 'f')
            options->first = number;
        if (letter == 'n')
            options->seeds = number;
        if (letter == 's')
            options->seed = number;
        if (letter == 'x')
            options->depth = (unsigned)number;
        if (letter == 'j')
            options->jobs = (unsigned)number;
        options->trace |= letter == 't';
        if (letter == 'e')
            options->expect = optarg;
    }
    return optind == argc && options->jobs > 0;
}

int main(int argc, char **argv)
{
    struct options options = {.first = 1, .seeds = 1000, .jobs = 1};
    struct sim *sim = calloc(1, sizeof(*sim));
    int code;

    if (!read_options(argc, argv, &options)) {
        (void)fputs(usage, stderr);
        free(sim);
        return 2;
    }
    if (!sim || sim_init(sim) != 0) {
        free(sim);
        return EXIT_FAILURE;
    }
    if (options.depth > 0)
        code = run_exhaustive(&options, sim);
    else
        code = options.seed > 0 ? run_one(&options, sim) : run_many(&options, sim);
    sim_release(sim);
    free(sim);
    return code;
}
