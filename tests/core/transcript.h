/* A rollout in virtual time, told as a text that tests compare letter by letter.
 *
 *     1.500 ready 5              an event, at seconds since the beginning
 *           | worker 5: ready    a record that the step wrote
 *           > drain 3            an effect that it asked for
 *
 * A step that wrote one record and asked for nothing takes one line. EFFECT_SPAWN is answered
 * by SPAWNED at once, unless told otherwise. After every step the invariants (invariant.h) are
 * checked; a violation fails the test with the text so far.
 *
 * Every verb below hands one event (and the answers that follow) to the core.
 */
#pragma once

#include "base/text.h"
#include "invariant.h"

struct transcript {
    struct rollout *rollout;
    struct update *update;
    struct invariant invariant;
    struct text text;
    struct instant now;
    uint32_t noise;        /* of the next events; in the beginning one that spreads nothing */
    bool held;             /* EFFECT_SPAWN is not answered until transcript_answer() */
    int32_t spawn_error;   /* errno of the answers to EFFECT_SPAWN; 0: they come to be */
    uint64_t spawning[64]; /* not answered yet */
    size_t spawning_n;
    bool cut;        /* the primary is killed within the next step ... */
    size_t cut_kept; /* ... when so many of its records are on disk, and before any effect */
};

/* Begins with an empty state. Fails the test where there is no memory. */
void transcript_open(struct transcript *transcript);
void transcript_close(struct transcript *transcript);

/* A policy of `workers` workers with the defaults of a configuration: ready within 30 s,
 * drained within 30 s, one beyond, none fewer, no failure borne, rolled back. */
struct policy policy_of(uint32_t workers);

/* Answers every EFFECT_SPAWN that was not answered yet, and those that follow. */
void transcript_answer(struct transcript *transcript);

/* ACCEPT as the next revision. Returns its number. */
uint64_t transcript_accept(struct transcript *transcript, const struct policy *policy);

/* ACCEPT, then RELOAD. Returns the revision. */
uint64_t transcript_reload(struct transcript *transcript, const struct policy *policy,
                           enum conflict conflict);
void transcript_boot(struct transcript *transcript, uint64_t revision);
void transcript_scale(struct transcript *transcript, uint32_t workers);

/* An event that has nothing but its kind: STOP, HURRY, JOURNAL_LOST, TICK, ADOPT. */
void transcript_event(struct transcript *transcript, enum event_kind kind);

/* An event that has nothing but its kind and its worker: READY, PING, TRIGGER, ASKED,
 * OVERWEIGHT, HEALTHY. */
void transcript_worker(struct transcript *transcript, enum event_kind kind, uint64_t worker);

/* The same with a span: EXTEND, WATCHDOG_SET. */
void transcript_span(struct transcript *transcript, enum event_kind kind, uint64_t worker,
                     uint64_t milliseconds);
void transcript_ready(struct transcript *transcript, uint64_t worker);
void transcript_exited(struct transcript *transcript, uint64_t worker, int32_t status);
void transcript_signaled(struct transcript *transcript, uint64_t worker, int32_t signal);

/* UNHEALTHY. status: of an HTTP answer; 0: none came. */
void transcript_unhealthy(struct transcript *transcript, uint64_t worker, int32_t status);
void transcript_exec_failed(struct transcript *transcript, uint64_t worker, int32_t error);

/* Kills the primary: what is not journaled is forgotten, and what was not answered yet never
 * will be. The next one begins with the events that follow. */
void transcript_crash(struct transcript *transcript);

/* The same in the middle of the next step, with the first `kept` of its records on disk. */
void transcript_crash_in_next(struct transcript *transcript, size_t kept);

/* VANISHED, with nobody to say how; FOUND in `slot`, with the policy of a revision that is
 * lacking (NULL: none is at hand). */
void transcript_vanished(struct transcript *transcript, uint64_t worker);
void transcript_found(struct transcript *transcript, uint64_t worker, uint32_t slot,
                      uint64_t revision, const struct policy *policy);

/* Lets time pass until the next deadline, and ticks. Fails the test where there is none. */
void transcript_wait(struct transcript *transcript);

/* Lets time pass, and nothing happen. */
void transcript_pass(struct transcript *transcript, uint64_t milliseconds);

/* A primary's first boot with `policy` as revision 1, all workers ready; not told. */
void transcript_begin(struct transcript *transcript, const struct policy *policy);

/* Every worker that starts is ready, every worker that must go exits, until nobody is left to
 * answer for; warming ones are waited for. */
void transcript_settle(struct transcript *transcript);

/* Compares what was told since the last comparison. */
void transcript_expect(struct transcript *transcript, const char *expected);
