#include "tally.h"

#include "base/error.h"

#include <string.h>

struct loss_name {
    const char *key;
    const char *words;
};

static const struct loss_name names[] = {
    [LOSS_REFUSED] = {"refused", "refused"},
    [LOSS_CONNECT_TIMEOUT] = {"connect_timeout", "no connection until timeout"},
    [LOSS_RST_FRESH] = {"rst_fresh", "RST before answer, fresh"},
    [LOSS_RST_REUSED] = {"rst_reused", "RST before answer, reused"},
    [LOSS_EOF_FRESH] = {"eof_fresh", "EOF before answer, fresh"},
    [LOSS_EOF_REUSED] = {"eof_reused", "EOF before answer, reused"},
    [LOSS_EOF_IN_ANSWER] = {"eof_in_answer", "EOF in answer"},
    [LOSS_RST_IN_ANSWER] = {"rst_in_answer", "RST in answer"},
    [LOSS_NO_ANSWER] = {"no_answer", "no answer until timeout"},
    [LOSS_STATUS] = {"status", "wrong status"},
    [LOSS_BODY] = {"body", "wrong body"},
    [LOSS_HTTP] = {"http", "bad HTTP"},
};

static_assert(sizeof names / sizeof names[0] == LOSS_N, "a name for each class");

const char *loss_key(enum loss loss)
{
    return names[loss].key;
}

const char *loss_words(enum loss loss)
{
    return names[loss].words;
}

void tally_release(struct tally *tally)
{
    free(tally->revisions);
    free(tally->pids);
    if (tally->timeline != NULL)
        (void)fclose(tally->timeline);
    *tally = (struct tally){0};
}

static int count_revision(struct tally *tally, const char *name)
{
    /* From the end: in a rollout the newest one answers most. */
    for (size_t i = tally->revision_n; i-- > 0;) {
        if (strcmp(tally->revisions[i].name, name) == 0) {
            tally->revisions[i].answers++;
            tally->revisions[i].recent++;
            return 0;
        }
    }
    struct revision_count *grown =
        realloc(tally->revisions, (tally->revision_n + 1) * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    tally->revisions = grown;
    struct revision_count *added = &grown[tally->revision_n++];
    *added = (struct revision_count){.answers = 1, .recent = 1};
    (void)snprintf(added->name, sizeof added->name, "%s", name);
    return 0;
}

static int count_pid(struct tally *tally, int32_t pid)
{
    for (size_t i = tally->pid_n; i-- > 0;) {
        if (tally->pids[i].pid == pid) {
            tally->pids[i].answers++;
            return 0;
        }
    }
    struct pid_count *grown = realloc(tally->pids, (tally->pid_n + 1) * sizeof *grown);
    if (grown == NULL)
        return -ENOMEM;
    tally->pids = grown;
    grown[tally->pid_n++] = (struct pid_count){.pid = pid, .answers = 1};
    return 0;
}

static void note_stall(struct tally *tally, struct instant now)
{
    struct span stall = instant_since(now, tally->last_answer);
    if (stall.nanoseconds > tally->longest_stall.nanoseconds)
        tally->longest_stall = stall;
}

int tally_ok(struct tally *tally, struct instant now, struct instant begun,
             const char *revision, int32_t pid)
{
    tally->ok++;
    histogram_add(&tally->latency, instant_since(now, begun));
    note_stall(tally, now);
    tally->last_answer = now;
    int r = count_revision(tally, revision);
    return r < 0 ? r : count_pid(tally, pid);
}

void tally_lost(struct tally *tally, struct instant now, struct instant begun, uint64_t id,
                enum loss loss, int error)
{
    tally->lost[loss]++;
    tally->recent_lost++;
    if (tally->sample_n == SAMPLE_MAX)
        return;
    tally->samples[tally->sample_n++] = (struct sample){
        .loss = loss,
        .at_seconds = span_to_seconds(instant_since(now, tally->start)),
        .after_ms = span_to_seconds(instant_since(now, begun)) * 1e3,
        .id = id,
        .error = error,
    };
}

void tally_timeline(struct tally *tally, struct instant now)
{
    if (tally->timeline == NULL)
        return;
    /* The revision's name holds no quote or backslash: answer.c lets no such body pass. */
    (void)fprintf(tally->timeline, "{\"at\": %.3f, \"lost\": %llu, \"ok\": {",
                  span_to_seconds(instant_since(now, tally->start)),
                  (unsigned long long)tally->recent_lost);
    const char *comma = "";
    for (size_t i = 0; i < tally->revision_n; i++) {
        struct revision_count *revision = &tally->revisions[i];
        if (revision->recent == 0)
            continue;
        (void)fprintf(tally->timeline, "%s\"%s\": %llu", comma, revision->name,
                      (unsigned long long)revision->recent);
        revision->recent = 0;
        comma = ", ";
    }
    (void)fputs("}}\n", tally->timeline);
    (void)fflush(tally->timeline);
    tally->recent_lost = 0;
}

uint64_t tally_lost_sum(const struct tally *tally)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LOSS_N; i++)
        sum += tally->lost[i];
    return sum;
}

void tally_finish(struct tally *tally, struct instant now)
{
    tally->end = now;
    note_stall(tally, now);
    tally_timeline(tally, now);
    uint64_t by_revision = 0;
    for (size_t i = 0; i < tally->revision_n; i++)
        by_revision += tally->revisions[i].answers;
    assert(tally->requests == tally->ok + tally_lost_sum(tally));
    assert(tally->ok == by_revision && tally->ok == tally->latency.total);
}
