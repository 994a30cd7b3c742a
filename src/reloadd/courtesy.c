#include "reloadd/courtesy.h"

#include "base/log.h"
#include "reloadd/app.h"
#include "reloadd/clock.h"
#include "reloadd/drain.h"
#include "reloadd/process.h"

#include <stdio.h>
#include <string.h>

#define LOOK_PAUSE      span_from_ms(10)
#define IDLE_LOOK_PAUSE span_from_ms(250)

enum {
    PIDS_MAX = 128,
    PORTS_MAX = 64,
    CONNECTIONS_MAX = 65536,
    COST_FACTOR = 20, /* a twentieth of a processor (census.h) */
};

/* What outlives this program. */

static const char *const names[COURTESY_FDS] = {"polite-sockets", "polite-states",
                                                "polite-shut", "polite-filter"};

static void list_fds(struct polite *polite, int *fds[static COURTESY_FDS])
{
    fds[0] = &polite->sockets;
    fds[1] = &polite->states;
    fds[2] = &polite->shut;
    fds[3] = &polite->filter;
}

/* All of them, or none: a part is of no use. */
static void take_back(struct app *app)
{
    struct courtesy *courtesy = &app->courtesy;
    int *fds[COURTESY_FDS];
    bool whole = true;

    list_fds(&courtesy->polite, fds);
    for (size_t i = 0; i < COURTESY_FDS; i++) {
        *fds[i] = fd_store_take(&app->store, names[i]);
        whole = whole && *fds[i] >= 0;
    }
    courtesy->is_open = whole;
    if (!whole)
        polite_release(&courtesy->polite);
}

int courtesy_visit(const struct app *app, int (*visit)(void *context, const char *name, int fd),
                   void *context)
{
    struct polite polite = app->courtesy.polite;
    int *fds[COURTESY_FDS];
    int r = 0;

    list_fds(&polite, fds);
    for (size_t i = 0; app->courtesy.is_open && i < COURTESY_FDS && r == 0; i++)
        r = visit(context, names[i], *fds[i]);
    return r;
}

static int keep_one(void *context, const char *name, int fd)
{
    fd_store_keep(context, name, fd);
    return 0;
}

static void drop_all(struct app *app)
{
    for (size_t i = 0; i < COURTESY_FDS; i++)
        fd_store_drop(&app->store, names[i]);
}

void courtesy_begin(struct app *app)
{
    struct courtesy *courtesy = &app->courtesy;

    courtesy->polite = POLITE_NONE;
    if (polite_check(&courtesy->why) == 0) {
        courtesy->why = NULL;
        take_back(app);
    }
}

/* Returns whether it is there now. */
static bool open_it(struct app *app)
{
    struct courtesy *courtesy = &app->courtesy;
    int r;

    if (courtesy->is_open || courtesy->why)
        return courtesy->is_open;
    r = polite_open(CONNECTIONS_MAX, &courtesy->polite);
    if (r < 0) {
        courtesy->why = polite_reason(r);
        app_say(app, LEVEL_WARNING, "drains are not polite: %s (%s)", courtesy->why,
                strerror(-r));
        return false;
    }
    courtesy->is_open = true;
    (void)courtesy_visit(app, keep_one, &app->store);
    return true;
}

static void close_it(struct app *app)
{
    drop_all(app);
    polite_release(&app->courtesy.polite);
    app->courtesy.is_open = false;
}

void courtesy_release(struct app *app)
{
    if (app->courtesy.is_open)
        polite_release(&app->courtesy.polite);
    app->courtesy.is_open = false;
}

/* Whom it concerns. */

struct target {
    struct polite_worker worker;
    pid_t pids[PIDS_MAX];
    uint16_t ports[PORTS_MAX];
};

static bool is_off(const struct spec *spec, const struct listener *listener)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (strcmp(spec->listeners[i].address, listener->address) == 0)
            return spec->listeners[i].polite_off;
    return false;
}

/* False: there is nothing to be done for this worker. */
static bool target_fill(const struct process *process, struct target *target)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    const struct listener *listeners[PROCESS_LISTENERS_MAX];
    size_t n = spec->drain_polite_off ? 0 : process_listeners(process, listeners);
    size_t port_n = 0;

    for (size_t i = 0; i < n && port_n < PORTS_MAX; i++)
        if (listeners[i]->port != 0 && !is_off(spec, listeners[i]))
            target->ports[port_n++] = listeners[i]->port;
    if (port_n == 0 || process->ended || process->pid <= 0)
        return false;
    target->worker = (struct polite_worker){
        .pids = target->pids,
        .pid_n = process_pids(process, target->pids, PIDS_MAX),
        .ports = target->ports,
        .port_n = port_n,
        .owner = (uint32_t)process->worker,
    };
    return true;
}

static bool has_served(const struct process *process)
{
    const struct worker *worker = rollout_worker(process->app->rollout, process->worker);

    return worker && !instant_is_never(worker->ready);
}

static void complain(const struct process *process, const char *what, int r)
{
    if (r < 0)
        log_debug("worker %llu: its connections can't be %s: %s",
                  (unsigned long long)process->worker, what, strerror(-r));
}

/* Watching. */

static bool will_go(const struct process *process)
{
    return process->revision != process->app->rollout->target && has_served(process) &&
           process->drain.phase == DRAIN_NOT;
}

void courtesy_watch(struct app *app)
{
    for (struct process *each = app->processes; each; each = each->next) {
        struct polite_covered watched;
        struct target target;

        if (!will_go(each) || !target_fill(each, &target) || !open_it(app))
            continue;
        complain(each, "watched",
                 polite_watch(&app->courtesy.polite, &target.worker, &watched));
    }
}

/* Draining. */

static void count(struct process *process, const struct polite_counts *counts)
{
    struct polite_counts *sum = &process->courtesy.counts;
    unsigned ended = sum->ended + counts->ended;
    unsigned ended_told = sum->ended_told + counts->ended_told;

    *sum = *counts;
    sum->ended = ended;
    sum->ended_told = ended_told;
}

static void look_at(struct process *process, const struct target *target)
{
    const struct polite *polite = &process->app->courtesy.polite;
    struct courtesy_of_process *courtesy = &process->courtesy;
    struct polite_covered covered;
    struct polite_counts counts;
    int r = polite_cover(polite, &target->worker, &covered);

    complain(process, "covered", r);
    courtesy->in_force = r == 0;
    if (r == 0)
        courtesy->refused = covered.refused;
    if (polite_look(polite, target->worker.owner, &counts) == 0)
        count(process, &counts);
}

void courtesy_cover(struct process *process)
{
    struct target target;

    if (has_served(process) && target_fill(process, &target) && open_it(process->app))
        look_at(process, &target);
}

static void end_idle(struct process *process, const struct target *target, struct instant now)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    struct courtesy_of_process *courtesy = &process->courtesy;
    unsigned count = 0;

    if (courtesy->counts.open == 0 || now.nanoseconds < courtesy->idle_next.nanoseconds)
        return;
    courtesy->idle_next = instant_plus(now, IDLE_LOOK_PAUSE);
    complain(process, "ended",
             polite_end_idle(&process->app->courtesy.polite, &target->worker, spec->drain_idle,
                             &count));
    courtesy->ended_idle += count;
}

void courtesy_look(struct app *app)
{
    struct courtesy *courtesy = &app->courtesy;
    struct instant now = loop_now(app->loop);
    struct span begun = clock_processor();
    uint64_t cost;

    if (!courtesy->is_open || now.nanoseconds < courtesy->next.nanoseconds)
        return;
    for (struct process *each = app->processes; each; each = each->next) {
        struct target target;

        if (!each->courtesy.in_force || !drain_is_under_way(each) ||
            !target_fill(each, &target))
            continue;
        look_at(each, &target);
        if (each->drain.phase < DRAIN_SIGNALLED)
            end_idle(each, &target, now);
    }
    cost = COST_FACTOR * (clock_processor().nanoseconds - begun.nanoseconds);
    courtesy->next =
        instant_later(instant_plus(now, LOOK_PAUSE), instant_plus(now, (struct span){cost}));
}

const char *courtesy_why_not(const struct app *app)
{
    const struct revision_entry *running =
        revisions_find(&app->revisions, app->rollout->target);

    if (running && running->pinned && running->spec.drain_polite_off)
        return "drain.polite of the configuration is \"off\"";
    return app->courtesy.why;
}

bool courtesy_is_in_force(const struct process *process)
{
    return process->courtesy.in_force;
}

unsigned courtesy_untold(const struct process *process)
{
    const struct courtesy_of_process *courtesy = &process->courtesy;

    return courtesy->counts.upgraded + courtesy->counts.tls + courtesy->counts.other +
           courtesy->refused;
}

/* Forgetting. */

void courtesy_end(struct app *app, uint64_t worker)
{
    if (app->courtesy.is_open)
        (void)polite_forget(&app->courtesy.polite, (uint32_t)worker);
}

static bool is_needed(const struct app *app)
{
    if (app->rollout->trial != 0)
        return true;
    for (const struct process *each = app->processes; each; each = each->next)
        if (drain_is_under_way(each))
            return true;
    return false;
}

/* After a rollout that was reverted, those that were to go stay. */
void courtesy_rest(struct app *app)
{
    if (!app->courtesy.is_open || is_needed(app))
        return;
    for (struct process *each = app->processes; each; each = each->next) {
        struct target target;

        if (has_served(each) && target_fill(each, &target))
            complain(each, "unwatched", polite_unwatch(&app->courtesy.polite, &target.worker));
    }
    close_it(app);
}

/* Words. */

const char *courtesy_words(const struct process *process, char *text, size_t size)
{
    const struct polite_counts *counts = &process->courtesy.counts;
    const struct {
        unsigned n;
        const char *what;
    } parts[] = {
        {counts->upgraded, "upgraded"},  {counts->tls, "encrypted"},
        {counts->other, "not HTTP"},     {counts->unsure, "in the middle of an answer"},
        {counts->told, "told to close"},
    };
    size_t used = 0;

    *text = '\0';
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && used < size; i++) {
        int n = parts[i].n == 0 ? 0
                                : snprintf(text + used, size - used, "%s%u %s",
                                           used > 0 ? ", " : "", parts[i].n, parts[i].what);

        used += n > 0 ? (size_t)n : 0;
    }
    return text;
}
