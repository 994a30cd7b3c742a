/* How long a primary takes to come to where a journal ends: state_journal_open(), the real one,
 * on a journal that the real core and codec have written, reload after reload, in virtual time.
 *
 * usage: journal_bench RECORDS WORKERS TIMES [whole]
 *
 * Prints one JSON object: how many records were written, how many of them the journal still
 * has, and the milliseconds of each replay. The journal is compacted as the primary does it;
 * `whole`: never, so that all records are replayed.
 */
#include "wire/journal.h"
#include "base/error.h"
#include "reloadd/clock.h"
#include "reloadd/state_journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { EVENTS_MAX = 4096 };

/* An app whose workers do at once what they are asked for. */
struct bench {
    char path[64];
    struct rollout *rollout;
    struct update *update;
    struct revisions revisions;
    struct state_journal *journal;
    struct instant now;
    uint64_t records; /* written */
    uint32_t workers;
    bool whole;
    struct event events[EVENTS_MAX]; /* a ring */
    size_t first;
    size_t n;
};

static void post(struct bench *bench, struct event event)
{
    assert(bench->n < EVENTS_MAX);
    bench->events[(bench->first + bench->n++) % EVENTS_MAX] = event;
}

static void answer_spawn(struct bench *bench, uint64_t worker)
{
    struct event spawned = {.kind = EVENT_SPAWNED,
                            .worker = worker,
                            .pid = (int32_t)(1000 + worker % 30000),
                            .start_time = 100000 + worker};

    /* Before all other events, as the core's contract wants it. */
    bench->first = (bench->first + EVENTS_MAX - 1) % EVENTS_MAX;
    bench->events[bench->first] = spawned;
    bench->n++;
    post(bench, (struct event){.kind = EVENT_READY, .worker = worker});
}

static void perform(struct bench *bench, const struct effect *effect)
{
    const struct reason done = {.cause = CAUSE_EXITED};

    if (effect->kind == EFFECT_SPAWN)
        answer_spawn(bench, effect->worker);
    if (effect->kind == EFFECT_DRAIN) {
        post(bench, (struct event){.kind = EVENT_ASKED, .worker = effect->worker});
        post(bench,
             (struct event){.kind = EVENT_EXITED, .worker = effect->worker, .exit = done});
    }
    if (effect->kind == EFFECT_FORGET)
        revisions_forget(&bench->revisions, effect->revision);
}

static int step(struct bench *bench, struct event event)
{
    _cleanup_text_ struct text lines = {0};
    int r;

    bench->now = instant_plus(bench->now, span_from_ms(7));
    event.at = bench->now;
    rollout_step(bench->rollout, &event, bench->update);
    r = state_journal_encode(bench->journal, bench->update, &bench->revisions, clock_wall(),
                             &lines);
    if (r == 0)
        r = state_journal_append(bench->journal, &lines, false);
    bench->records += bench->update->record_n;
    for (size_t i = 0; r == 0 && i < bench->update->effect_n; i++)
        perform(bench, &bench->update->effects[i]);
    if (r == 0 && !bench->whole && state_journal_is_long(bench->journal))
        r = state_journal_compact(bench->journal, bench->rollout, &bench->revisions, bench->now,
                                  bench->update);
    return r;
}

static int pump(struct bench *bench)
{
    int r = 0;

    while (r == 0 && bench->n > 0) {
        struct event event = bench->events[bench->first];

        bench->first = (bench->first + 1) % EVENTS_MAX;
        bench->n--;
        r = step(bench, event);
    }
    return r;
}

/* As a configuration of a web server would be pinned, with an environment like a service's. */
static int make_spec(const struct bench *bench, struct spec *ret_spec, char **ret_text)
{
    static const char text[] =
        "{\"listeners\": [{\"name\": \"http\", \"address\": \"127.0.0.1:8080\", \"type\": "
        "\"tcp\","
        " \"host\": \"127.0.0.1\", \"port\": 8080, \"mode\": 432, \"backlog\": 4096}],"
        " \"exec\": [\"node\", \"app.js\"], \"working_directory\": \"/srv/web\","
        " \"environment\": [\"NODE_ENV=production\"], \"workers_type\": \"count\","
        " \"workers\": 4, \"dialects\": [\"listen_fds\", \"server_starter\", \"einhorn\"],"
        " \"drain_signal\": 15, \"drain_detach\": true, \"release\": \"2026-11-21T10:00\","
        " \"pinned_executable\": \"/usr/bin/node\", \"pinned_directory\": \"/srv/releases/17\","
        " \"pinned_environment\": [\"PATH=/usr/local/bin:/usr/bin:/bin\", \"LANG=C.UTF-8\","
        " \"HOME=/root\", \"LOGNAME=root\", \"USER=root\", \"SHELL=/bin/sh\","
        " \"INVOCATION_ID=0123456789abcdef0123456789abcdef\", \"NODE_ENV=production\"],"
        " \"policy\": {\"workers\": 1, \"readiness\": \"auto\","
        " \"readiness_timeout_ns\": 60000000000, \"readiness_delay_ns\": 0, \"watchdog_ns\": 0,"
        " \"min_ready_ns\": 0, \"drain_timeout_ns\": 30000000000,"
        " \"progress_deadline_ns\": 600000000000, \"restart_initial_ns\": 100000000,"
        " \"restart_max_ns\": 60000000000, \"restart_reset_ns\": 60000000000,"
        " \"max_surge\": 1, \"max_unavailable\": 0, \"max_failures\": 0,"
        " \"auto_rollback\": true}}";
    int r = spec_decode(text, strlen(text), ret_spec);

    if (r != 0)
        return r < 0 ? r : -EINVAL;
    ret_spec->policy.workers = bench->workers;
    return spec_encode(ret_spec, ret_text);
}

static int reload(struct bench *bench)
{
    uint64_t revision = bench->rollout->last_revision + 1;
    struct spec spec = {0};
    char *text = NULL;
    int r = make_spec(bench, &spec, &text);

    if (r == 0)
        r = revisions_pin_take(&bench->revisions, revision, clock_wall(), &spec, &text);
    if (r < 0)
        return r;
    post(bench,
         (struct event){.kind = EVENT_ACCEPT,
                        .revision = revision,
                        .policy = &revisions_find(&bench->revisions, revision)->spec.policy});
    post(bench, (struct event){.kind = revision == 1 ? EVENT_BOOT : EVENT_RELOAD,
                               .revision = revision});
    return pump(bench);
}

static int open_journal(struct bench *bench, struct recovery *ret_recovery)
{
    memset(bench->rollout, 0, sizeof(*bench->rollout));
    revisions_release(&bench->revisions);
    bench->revisions = (struct revisions){0};
    return state_journal_open(bench->path, "bench", bench->rollout, &bench->revisions,
                              &bench->journal, ret_recovery);
}

static void close_journal(struct bench *bench)
{
    state_journal_free(bench->journal);
    bench->journal = NULL;
}

static int write_journal(struct bench *bench, uint64_t records)
{
    struct recovery recovery;
    int r = open_journal(bench, &recovery);

    while (r == 0 && bench->records < records)
        r = reload(bench);
    close_journal(bench);
    return r;
}

static double milliseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int measure(struct bench *bench, unsigned long times)
{
    struct recovery recovery = {0};
    struct stat status;
    int r = stat(bench->path, &status) < 0 ? error_from_errno() : 0;

    (void)printf("{\"written\": %llu, \"workers\": %u, \"bytes\": %lld, \"ms\": [",
                 (unsigned long long)bench->records, bench->workers, (long long)status.st_size);
    for (unsigned long i = 0; i < times && r == 0; i++) {
        double begun = milliseconds();

        r = open_journal(bench, &recovery);
        (void)printf("%s%.2f", i > 0 ? ", " : "", milliseconds() - begun);
        if (r == 0 && (recovery.damage[0] != '\0' ||
                       (bench->whole && recovery.records != bench->records)))
            r = -EUCLEAN;
        close_journal(bench);
    }
    (void)printf("], \"records\": %zu}\n", recovery.records);
    return r;
}

static int run(struct bench *bench, uint64_t records, unsigned long times)
{
    char folder[] = "/tmp/reloadd-bench-XXXXXX";
    int r;

    if (!mkdtemp(folder))
        return error_from_errno();
    (void)snprintf(bench->path, sizeof(bench->path), "%s/journal.jsonl", folder);
    bench->rollout = calloc(1, sizeof(*bench->rollout));
    bench->update = calloc(1, sizeof(*bench->update));
    r = bench->rollout && bench->update ? write_journal(bench, records) : -ENOMEM;
    if (r == 0)
        r = measure(bench, times);
    revisions_release(&bench->revisions);
    free(bench->rollout);
    free(bench->update);
    (void)unlink(bench->path);
    (void)rmdir(folder);
    return r;
}

int main(int argc, char **argv)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    int r = -ENOMEM;

    if (argc < 4 || argc > 5 || (argc == 5 && strcmp(argv[4], "whole") != 0)) {
        (void)fprintf(stderr, "usage: %s RECORDS WORKERS TIMES [whole]\n", argv[0]);
        free(bench);
        return 2;
    }
    if (bench) {
        bench->whole = argc == 5;
        bench->workers = (uint32_t)strtoul(argv[2], NULL, 10);
        r = run(bench, strtoull(argv[1], NULL, 10), strtoul(argv[3], NULL, 10));
    }
    if (r != 0)
        (void)fprintf(stderr, "journal_bench: %s\n", strerror(-r));
    free(bench);
    return r == 0 ? 0 : 1;
}
