#include "reloadd/census.h"

#include "base/log.h"
#include "os/proc.h"
#include "reloadd/app.h"
#include "reloadd/clock.h"
#include "reloadd/process.h"

#include <string.h>

#define FRESH span_from_ms(200)

enum {
    PIDS_MAX = 128, /* processes of one worker that are looked at */
};

/* A walk under way: whom it counts. `pids` has PIDS_MAX places for each. */
struct walk {
    struct process **processes;
    struct connections_holder *holders;
    pid_t (*pids)[PIDS_MAX];
    size_t n;
};

static void walk_release(struct walk *walk)
{
    free(walk->processes);
    free(walk->holders);
    free(walk->pids);
}

static bool is_anybody(const struct process *process)
{
    (void)process;
    return true;
}

typedef bool process_predicate(const struct process *);

static void add_pid(struct walk *walk, size_t i, pid_t pid)
{
    if (walk->holders[i].pid_n < PIDS_MAX)
        walk->pids[i][walk->holders[i].pid_n++] = pid;
}

/* Where there are no cgroups, a worker's processes are found by their process group: one walk
 * through /proc for all of them. */
static void find_process_groups(struct walk *walk)
{
    _cleanup_dir_ DIR *dir = NULL;
    struct proc_stat stat;
    int pid;

    if (proc_open("/proc", &dir) != 0)
        return;
    while (proc_next(dir, &pid) == 0) {
        if (proc_stat_read(pid, &stat) != 0 || stat.group == pid)
            continue;
        for (size_t i = 0; i < walk->n; i++)
            if (!walk->processes[i]->cgroup && walk->processes[i]->pid == stat.group)
                add_pid(walk, i, pid);
    }
}

static void find_pids(struct walk *walk)
{
    bool all_have_cgroups = true;

    for (size_t i = 0; i < walk->n; i++) {
        const struct process *process = walk->processes[i];

        walk->holders[i].pids = walk->pids[i];
        if (process->cgroup)
            walk->holders[i].pid_n = process_pids(process, walk->pids[i], PIDS_MAX);
        else
            add_pid(walk, i, process->pid);
        all_have_cgroups = all_have_cgroups && process->cgroup;
    }
    if (!all_have_cgroups)
        find_process_groups(walk);
}

static int walk_begin(const struct app *app, process_predicate *wanted, struct walk *walk)
{
    size_t n = 1;

    for (const struct process *each = app->processes; each; each = each->next)
        n++;
    walk->processes = calloc(n, sizeof(struct process *));
    walk->holders = calloc(n, sizeof(*walk->holders));
    walk->pids = calloc(n, sizeof(*walk->pids));
    if (!walk->processes || !walk->holders || !walk->pids)
        return -ENOMEM;
    for (struct process *each = app->processes; each; each = each->next)
        if (!each->ended && each->pid > 0 && wanted(each))
            walk->processes[walk->n++] = each;
    find_pids(walk);
    return 0;
}

static int walk_do(const struct app *app, struct walk *walk)
{
    _cleanup_free_ int *listeners = calloc(app->listeners.n + 1, sizeof(*listeners));

    if (!listeners)
        return -ENOMEM;
    if (app->listeners.n == 0)
        return -ENOTCONN; /* closed for good: nothing tells their connections from others */
    for (size_t i = 0; i < app->listeners.n; i++)
        listeners[i] = app->listeners.items[i].fd;
    return connections_look(listeners, app->listeners.n, walk->holders, walk->n);
}

static void take(struct app *app, process_predicate *wanted)
{
    static const struct connections unknown = {.still = SPAN_FOREVER, .hidden = true};
    _cleanup_(walk_release) struct walk walk = {0};
    struct span begun = clock_processor();
    struct instant now = loop_now(app->loop);
    int r = walk_begin(app, wanted, &walk);

    if (r == 0)
        r = walk_do(app, &walk);
    if (r < 0)
        log_debug("connections can't be counted: %s", strerror(-r));
    for (size_t i = 0; i < walk.n; i++) {
        walk.processes[i]->connections = r == 0 ? walk.holders[i].found : unknown;
        walk.processes[i]->counted = now;
    }
    app->census.cost = (struct span){clock_processor().nanoseconds - begun.nanoseconds};
    app->census.last = loop_now(app->loop);
}

struct instant census_next(const struct app *app, enum census_hurry hurry)
{
    static const unsigned pauses[] = {[CENSUS_AT_LEISURE] = 19, [CENSUS_IN_HURRY] = 1};

    return instant_plus(app->census.last,
                        (struct span){pauses[hurry] * app->census.cost.nanoseconds});
}

void census_of_draining(struct app *app)
{
    take(app, drain_is_under_way);
}

void census_of_all(struct app *app)
{
    struct instant now = loop_now(app->loop);
    struct instant next = instant_later(instant_plus(app->census.all_at, FRESH),
                                        census_next(app, CENSUS_AT_LEISURE));

    if (app->census.all_at.nanoseconds != 0 && !instant_reached(now, next))
        return;
    take(app, is_anybody);
    app->census.all_at = now;
}

bool census_knows(const struct process *process)
{
    return process->counted.nanoseconds != 0 && !process->connections.hidden;
}

double census_fairness(const struct app *app)
{
    unsigned most = 0;
    unsigned least = UINT32_MAX;
    unsigned n = 0;

    for (size_t i = 0; i < app->rollout->worker_n; i++) {
        const struct worker *worker = &app->rollout->workers[i];
        const struct process *process = process_find(app, worker->id);

        if (worker->state != WORKER_ADMITTED || !process || !census_knows(process))
            continue;
        n++;
        most = process->connections.open > most ? process->connections.open : most;
        least = process->connections.open < least ? process->connections.open : least;
    }
    return n >= 2 && least > 0 ? (double)most / least : 0;
}
