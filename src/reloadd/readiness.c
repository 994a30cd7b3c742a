#include "reloadd/readiness.h"

#include "base/log.h"
#include "os/accepting.h"
#include "os/proc.h"
#include "reloadd/app.h"
#include "reloadd/capturing.h"
#include "reloadd/clock.h"
#include "reloadd/lanes.h"
#include "reloadd/probe.h"
#include "reloadd/process.h"

#include <string.h>

#define LISTENED_PATIENCE span_from_ms(10000)

static const char not_listened[] =
    "reloadd: this worker has not listened on any TCP or unix address, nor sent READY=1; where "
    "that is as it should be, say \"listen\": [] or \"delivery\": {\"type\": \"inherit\"}";
static const char not_accepting[] =
    "reloadd: this worker has called listen(2), and was not seen to accept";

enum {
    PIDS_MAX = 128,        /* processes of one worker that are looked at */
    WHOLE_GROUP_EVERY = 8, /* looks, where finding a worker's other processes is dear */
};

/* A worker is looked at often while it is young, and each look is cheap; one that takes long to
 * start need not be caught in the very millisecond. */
static struct span pause_at_age(struct span age)
{
    if (span_to_ms(age) < 2000)
        return span_from_ms(5);
    return span_from_ms(span_to_ms(age) < 10000 ? 50 : 250);
}

static void schedule(struct app *app)
{
    struct instant now = loop_now(app->loop);
    struct instant next = INSTANT_NEVER;

    for (const struct process *each = app->processes; each; each = each->next) {
        const struct worker *worker = rollout_worker(app->rollout, each->worker);

        if (each->looked_at && worker)
            next = instant_earlier(
                next, instant_plus(now, pause_at_age(instant_since(now, worker->since))));
    }
    timer_set(app->readiness, next);
}

/* Where finding a worker's other processes is dear, they are looked at now and then. */
static size_t list_pids(const struct process *process, pid_t pids[static PIDS_MAX])
{
    if (process->cgroup || process->looks % WHOLE_GROUP_EVERY == WHOLE_GROUP_EVERY - 1)
        return process_pids(process, pids, PIDS_MAX);
    pids[0] = process->pid;
    return 1;
}

/* On purpose. */
static bool has_no_listeners(const struct spec *spec)
{
    return spec->listener_n == 0 && !spec->discovers;
}

/* A program that may not be looked into, or accepts in a way that can't be seen. That it called
 * listen(2) is not enough at once: a master may do it before its children have read a line of
 * the new release (docs/ARCHITECTURE.md, "Readiness, seen"). */
static bool has_listened_long(const struct app *app, const struct process *process)
{
    struct instant listened = capturing_listened(process);
    struct span half = span_from_ms(
        span_to_ms(app_spec(app, process->revision)->policy.readiness_timeout) / 2);
    struct span patience = LISTENED_PATIENCE;

    if (half.nanoseconds < patience.nanoseconds)
        patience = half;
    return !instant_is_never(listened) &&
           instant_reached(loop_now(app->loop), instant_plus(listened, patience));
}

static bool is_accepting(const struct app *app, struct process *process)
{
    const struct spec *spec = app_spec(app, process->revision);
    const struct listener *listeners[PROCESS_LISTENERS_MAX];
    uint64_t inodes[PROCESS_LISTENERS_MAX];
    size_t inode_n = process_listeners(process, listeners);
    pid_t pids[PIDS_MAX];
    size_t pid_n = list_pids(process, pids);
    bool accepting = false;

    for (size_t i = 0; i < inode_n; i++)
        inodes[i] = lanes_inode(process, listeners[i]);
    /* Nothing to be seen at: the program runs, or its loader still does. */
    if (has_no_listeners(spec))
        return !proc_runs(process->pid, app->loader);
    if (accepting_look(pids, pid_n, inodes, inode_n, &accepting) < 0) {
        /* Whether it accepts is then for its probe to find out. */
        accepting = readiness_probes(spec->policy.readiness);
        if (!accepting && process->looks == 0)
            app_say(process->app, LEVEL_WARNING,
                    "worker %llu (pid %d) may not be looked into: it is ready when it sends "
                    "READY=1",
                    (unsigned long long)process->worker, process->pid);
    }
    process->looks++;
    return accepting;
}

static bool is_looked_at(const struct policy *policy)
{
    return policy->readiness == READINESS_AUTO || readiness_probes(policy->readiness);
}

/* By captured calls alone can it have anything to accept from. */
bool readiness_waits_for_bind(const struct process *process)
{
    const struct spec *spec = app_spec(process->app, process->revision);

    return is_looked_at(&spec->policy) &&
           (spec->discovers || (spec->delivery == DELIVERY_CAPTURE && spec->listener_n > 0)) &&
           !capturing_was_used(process);
}

void readiness_of_started(struct process *process)
{
    struct app *app = process->app;
    const struct spec *spec = app_spec(app, process->revision);

    if (!is_looked_at(&spec->policy))
        return;
    if (has_no_listeners(spec) && spec->policy.readiness == READINESS_AUTO) {
        app_post(app, &(struct event){.kind = EVENT_READY, .worker = process->worker});
        return;
    }
    if (readiness_waits_for_bind(process))
        return; /* readiness_of_captured() goes on */
    process->looked_at = true;
    schedule(app);
}

void readiness_of_captured(struct process *process)
{
    if (!is_looked_at(&app_spec(process->app, process->revision)->policy))
        return;
    process->looked_at = true;
    schedule(process->app);
}

void readiness_explain(struct process *process)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    struct output_line line = {
        .at = clock_wall(),
        .worker = process->worker,
        .revision = process->revision,
        .slot = process->slot,
    };
    const char *text =
        instant_is_never(capturing_listened(process)) ? not_listened : not_accepting;

    if (process->explained || spec->policy.readiness != READINESS_AUTO || !spec->discovers)
        return;
    process->explained = true;
    output_add(process->app->output, &line, text, strlen(text));
}

/* Whether its exec went well was told to the primary that has died. */
void readiness_of_adopted(struct process *process, enum worker_state state)
{
    if (state == WORKER_WARMING || state == WORKER_ADMITTED)
        probe_begin_adopted(process);
    if (state != WORKER_STARTING ||
        !is_looked_at(&app_spec(process->app, process->revision)->policy))
        return;
    process->looked_at = true;
    schedule(process->app);
}

void readiness_of_said(struct process *process)
{
    const struct policy *policy = &app_spec(process->app, process->revision)->policy;

    if (readiness_probes(policy->readiness)) {
        process->looked_at = false;
        probe_begin(process);
    } else if (policy->readiness != READINESS_DELAY) {
        app_post(process->app, &(struct event){.kind = EVENT_READY, .worker = process->worker});
    }
}

/* It was seen to accept. */
static void take_seen(struct process *process)
{
    const struct policy *policy = &app_spec(process->app, process->revision)->policy;

    process->looked_at = false;
    if (readiness_probes(policy->readiness))
        probe_begin(process);
    else
        app_post(process->app, &(struct event){.kind = EVENT_READY, .worker = process->worker});
}

void readiness_look(void *user)
{
    struct app *app = user;

    for (struct process *each = app->processes; each; each = each->next) {
        const struct worker *worker = rollout_worker(app->rollout, each->worker);

        if (!each->looked_at)
            continue;
        if (!worker || worker->state != WORKER_STARTING) {
            each->looked_at = false;
        } else if (is_accepting(app, each) || has_listened_long(app, each)) {
            take_seen(each);
        }
    }
    app_pump(app);
    schedule(app);
}
