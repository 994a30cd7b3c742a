/* The composition root: one app, everything it has, and the one way anything happens in it.
 *
 *     notice ─▶ app_post(event) ─▶ rollout_step ─▶ records to disk ─▶ published ─▶ effects
 *
 * Every callback of the loop turns its notice into an event, posts it and calls app_pump().
 * Events are taken one at a time; an effect may post more, but never calls the core.
 * EFFECT_SPAWN's answers go before all other events, as the core's contract wants it.
 */
#pragma once

#include "core/rollout.h"
#include "loop/control.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "loop/timer.h"
#include "os/directories.h"
#include "reloadd/census.h"
#include "reloadd/courtesy.h"
#include "reloadd/limits.h"
#include "reloadd/listeners.h"
#include "reloadd/options.h"
#include "reloadd/output.h"
#include "reloadd/revisions.h"
#include "reloadd/state_journal.h"

struct einhorn;
struct manager;
struct process;
struct reload;
struct server;
struct socket_files;

/* Events in the order they came; grows as needed. */
struct event_queue {
    struct event *items;
    size_t first;
    size_t n;
    size_t capacity;
};

/* The last words of a worker that failed, kept for those who ask later. */
struct obituary {
    uint64_t worker;
    char **lines;
};

enum {
    OBITUARIES_MAX = 32,
    OBITUARY_LINES = 10,
};

struct app {
    const struct options *options;
    char *name;
    struct directories directories;
    int lock_fd;
    char *cgroup; /* writable folder for workers' cgroups; NULL: there is none */
    char *self;   /* path of this program, as it was when it began */
    char *loader; /* path of reloadd-exec */
    int guard_fd; /* os/guard.h; -1: there is no guard */
    pid_t guard;
    struct wall started;

    struct loop *loop;
    struct timer *tick;
    bool tick_seen; /* its deadline has passed; notices of the same turn go first */
    struct timer *readiness;
    struct timer *drain;
    struct timer *lanes;
    struct census census;
    struct courtesy courtesy;
    uint64_t cut; /* connections of workers that were killed, since the rollout began */
    struct timer *journal_retry;
    struct timer *weighing;
    uint64_t weighed; /* the last worker weighed in this round; 0: a round begins */
    struct limits_state limits;
    struct signals *signals;

    struct rollout *rollout;
    struct update *update;
    struct event_queue answers;
    struct event_queue events;
    bool pumping;
    bool listeners_changed; /* a revision or a worker left: some listener may be unwanted */
    bool listeners_closing; /* to be closed once nobody's drain needs them (drain.h) */

    struct state_journal *journal;
    struct recovery recovery;
    struct revisions revisions;
    struct fd_store store;
    struct listeners listeners;
    struct socket_files *socket_files; /* NULL: no file is watched over */
    int capture_error;                 /* the last that was said of; 0: none */
    struct process *processes;
    struct output *output;
    struct obituary obituaries[OBITUARIES_MAX];
    size_t obituary_next;
    struct reload *reloads; /* under way before their acceptance, oldest first */
    struct server *server;
    struct einhorn *einhorn;
    char *last_refusal; /* why the newest reload was not accepted; NULL: it was */
    struct {
        uint64_t revision; /* 0: no rollout has ended yet */
        enum outcome outcome;
        struct reason reason;
        struct wall at;
        double seconds;
        uint64_t cut;
    } last;
    bool survives; /* its workers outlive it, and the next primary adopts them */
    const char
        *survives_not; /* why they do not; static. NULL: they do, or it is not known yet */
    struct {
        struct wall
            at; /* when this primary began with an earlier one's workers; 0: it did not */
        unsigned adopted, vanished, found; /* workers */
        bool guessed;                      /* of some it is not known what they were to run */
    } recovered;
    struct manager *manager;
    int exit_code;
};

/* Queues a copy of the event; `at` and `noise` are filled in when it is taken. Memory that does
 * not suffice for an event ends the program: an app that forgets notices is worse than one that
 * ends. */
void app_post(struct app *app, const struct event *event);

/* The same, for answers to EFFECT_SPAWN. */
void app_answer(struct app *app, const struct event *event);

/* Takes events until none is left. Does nothing where it is at work already. */
void app_pump(struct app *app);

/* Writes a snapshot. Returns 0 or -errno; what changes for the journal's warning is logged. */
MUST_CHECK int app_compact(struct app *app);

/* The pinned spec of a revision that the core has. */
const struct spec *app_spec(const struct app *app, uint64_t revision);

/* The user's label of a revision, or NULL. */
const char *app_release(const struct app *app, uint64_t revision);

/* The last lines of a worker that failed: a NULL-ended vector, borrowed until the next pump;
 * NULL where it wrote nothing, or too long ago. */
char **app_last_words(const struct app *app, uint64_t worker);

/* Frees what was kept of last words. */
void app_forget_words(struct app *app);

/* Says a line on stderr, and keeps it among the lines of `reloadctl logs`. */
void app_say(struct app *app, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs one effect (effects.c). */
void effect_run(struct app *app, const struct effect *effect);
