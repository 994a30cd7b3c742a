#include "report.h"

#include "base/error.h"

#include <jansson.h>
#include <string.h>

static double seconds_of(const struct tally *tally)
{
    return span_to_seconds(instant_since(tally->end, tally->start));
}

static double per_second(const struct tally *tally)
{
    double seconds = seconds_of(tally);
    return seconds > 0 ? (double)tally->ok / seconds : 0;
}

static void write_text(const struct options *options, const struct tally *tally)
{
    (void)printf("%s, %u connections, %.1f s: %llu requests, %llu ok, %llu lost (%.0f/s)\n",
                 shape_name(options->shape), options->connections, seconds_of(tally),
                 (unsigned long long)tally->requests, (unsigned long long)tally->ok,
                 (unsigned long long)tally_lost_sum(tally), per_second(tally));
    for (enum loss loss = 0; loss < LOSS_N; loss++) {
        if (tally->lost[loss] > 0)
            (void)printf("  lost: %-28s %llu\n", loss_words(loss),
                         (unsigned long long)tally->lost[loss]);
    }
    (void)printf("  latency ms: p50 %.2f, p90 %.2f, p99 %.2f, p99.9 %.2f, longest %.2f\n",
                 histogram_percentile_ms(&tally->latency, 50),
                 histogram_percentile_ms(&tally->latency, 90),
                 histogram_percentile_ms(&tally->latency, 99),
                 histogram_percentile_ms(&tally->latency, 99.9),
                 histogram_longest_ms(&tally->latency));
    (void)printf("  longest stall: %.1f ms; answered by revision:",
                 span_to_seconds(tally->longest_stall) * 1e3);
    for (size_t i = 0; i < tally->revision_n; i++)
        (void)printf(" %s: %llu", tally->revisions[i].name,
                     (unsigned long long)tally->revisions[i].answers);
    (void)printf("; by %zu processes\n", tally->pid_n);
}

static json_t *integer(uint64_t number)
{
    return json_integer((json_int_t)number);
}

static json_t *latency_json(const struct tally *tally)
{
    const struct histogram *latency = &tally->latency;
    return json_pack(
        "{s:f, s:f, s:f, s:f, s:f}", "p50", histogram_percentile_ms(latency, 50), "p90",
        histogram_percentile_ms(latency, 90), "p99", histogram_percentile_ms(latency, 99),
        "p99.9", histogram_percentile_ms(latency, 99.9), "max", histogram_longest_ms(latency));
}

/* json_object_set_new() and json_array_append_new() take their value also when they fail, and
 * refuse a NULL one: one result says whether memory lasted. */
static int add_losses(json_t *root, const struct tally *tally)
{
    json_t *lost = json_object();
    json_t *samples = json_array();
    int r = json_object_set_new(root, "lost_by_class", lost) |
            json_object_set_new(root, "samples", samples);
    for (enum loss loss = 0; loss < LOSS_N && r == 0; loss++)
        r = json_object_set_new(lost, loss_key(loss), integer(tally->lost[loss]));
    for (size_t i = 0; i < tally->sample_n && r == 0; i++) {
        const struct sample *sample = &tally->samples[i];
        r = json_array_append_new(
            samples, json_pack("{s:s, s:f, s:f, s:I, s:i}", "class", loss_key(sample->loss),
                               "at_seconds", sample->at_seconds, "after_ms", sample->after_ms,
                               "id", (json_int_t)sample->id, "error", sample->error));
    }
    return r;
}

static int add_answers(json_t *root, const struct tally *tally)
{
    json_t *revisions = json_object();
    json_t *pids = json_object();
    int r = json_object_set_new(root, "revisions", revisions) |
            json_object_set_new(root, "pids", pids);
    for (size_t i = 0; i < tally->revision_n && r == 0; i++)
        r = json_object_set_new(revisions, tally->revisions[i].name,
                                integer(tally->revisions[i].answers));
    for (size_t i = 0; i < tally->pid_n && r == 0; i++) {
        char pid[16];
        (void)snprintf(pid, sizeof pid, "%d", tally->pids[i].pid);
        r = json_object_set_new(pids, pid, integer(tally->pids[i].answers));
    }
    return r;
}

static void free_json(json_t **json)
{
    json_decref(*json);
}

static int write_json(const struct options *options, const struct tally *tally)
{
    _cleanup_(free_json) json_t *root = json_pack(
        "{s:s, s:I, s:f, s:I, s:I, s:I, s:f, s:o?, s:f, s:I, s:I, s:I, s:I}", "shape",
        shape_name(options->shape), "connections", (json_int_t)options->connections, "seconds",
        seconds_of(tally), "requests", (json_int_t)tally->requests, "ok", (json_int_t)tally->ok,
        "lost", (json_int_t)tally_lost_sum(tally), "requests_per_second", per_second(tally),
        "latency_ms", latency_json(tally), "longest_stall_ms",
        span_to_seconds(tally->longest_stall) * 1e3, "opened", (json_int_t)tally->connections,
        "polite_closes", (json_int_t)tally->polite_closes, "idle_resets",
        (json_int_t)tally->idle_resets, "ports_short", (json_int_t)tally->ports_short);
    if (root == NULL || add_losses(root, tally) != 0 || add_answers(root, tally) != 0)
        return -ENOMEM;
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9);
    if (strcmp(options->json, "-") == 0)
        return json_dumpf(root, stdout, flags) < 0 || puts("") < 0 ? -EIO : 0;
    return json_dump_file(root, options->json, flags) < 0 ? -EIO : 0;
}

int report_write(const struct options *options, const struct tally *tally)
{
    if (options->json != NULL)
        return write_json(options, tally);
    write_text(options, tally);
    return 0;
}
