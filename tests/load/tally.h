/* What became of each request, and the proof that none was forgotten.
 *
 * Every request that was begun ends exactly once: ok, or lost in one class. tally_check()
 * asserts that the sums agree, so that a figure of 0 lost means it. The server's own word (the
 * revision and the pid in the body) says who answered.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"
#include "histogram.h"

#include <stdio.h>

/* "Fresh": the first request of its connection. "Reused": the connection had answered before.
 */
enum loss {
    LOSS_REFUSED,
    LOSS_CONNECT_TIMEOUT,
    LOSS_RST_FRESH,
    LOSS_RST_REUSED,
    LOSS_EOF_FRESH,
    LOSS_EOF_REUSED,
    LOSS_EOF_IN_ANSWER,
    LOSS_RST_IN_ANSWER,
    LOSS_NO_ANSWER, /* not whole in time, though connected */
    LOSS_STATUS,
    LOSS_BODY,
    LOSS_HTTP,
    LOSS_N,
};

enum {
    REVISION_NAME_SIZE = 64,
    SAMPLE_MAX = 32,
};

struct revision_count {
    char name[REVISION_NAME_SIZE];
    uint64_t answers;
    uint64_t recent; /* since the last line of the timeline */
};

struct pid_count {
    int32_t pid;
    uint64_t answers;
};

/* One of the first losses, for whoever looks for the cause. */
struct sample {
    enum loss loss;
    double at_seconds; /* since the start */
    double after_ms;   /* since the request was begun */
    uint64_t id;
    int error; /* errno, or the status of a wrong answer; 0: neither */
};

struct tally {
    struct instant start;
    struct instant end;
    struct instant last_answer;
    struct span longest_stall;
    uint64_t requests;
    uint64_t ok;
    uint64_t lost[LOSS_N];
    uint64_t connections;   /* that were opened */
    uint64_t polite_closes; /* by the server, while no request was on the connection */
    uint64_t idle_resets;   /* the same, by RST */
    uint64_t ports_short;   /* connections put off as this machine had no local port left */
    struct histogram latency;
    struct revision_count *revisions; /* owned */
    size_t revision_n;
    struct pid_count *pids; /* owned */
    size_t pid_n;
    struct sample samples[SAMPLE_MAX];
    size_t sample_n;
    uint64_t recent_lost;
    FILE *timeline; /* owned; NULL: none */
};

void tally_release(struct tally *tally);

static inline void tally_begin(struct tally *tally)
{
    tally->requests++;
}

/* A whole and right answer from `revision`, by the process `pid`. Returns 0 or -ENOMEM. */
MUST_CHECK int tally_ok(struct tally *tally, struct instant now, struct instant begun,
                        const char *revision, int32_t pid);

/* error: errno or a status, for the sample; 0 where neither says anything. */
void tally_lost(struct tally *tally, struct instant now, struct instant begun, uint64_t id,
                enum loss loss, int error);

/* Appends the line for the time since the last one to the timeline, where there is one. */
void tally_timeline(struct tally *tally, struct instant now);

uint64_t tally_lost_sum(const struct tally *tally);

/* Ends the measured time, and asserts requests == ok + lost. Before it: no request under way.
 */
void tally_finish(struct tally *tally, struct instant now);

/* In words ("RST before answer, reused"), and as a key of the JSON report ("rst_reused"). */
const char *loss_words(enum loss loss);
const char *loss_key(enum loss loss);
