#include "reloadd/weigh.h"

#include "base/error.h"
#include "os/memory.h"
#include "os/proc.h"
#include "reloadd/app.h"
#include "reloadd/limits.h"
#include "reloadd/process.h"

#define EVERY  span_from_ms(5000)
#define SECOND span_from_ms(1000) /* look, at those that were too heavy at the first */
#define BREATH span_from_ms(10)   /* between two batches */

enum {
    BATCH = 32,     /* workers at once: less than 1 ms */
    PIDS_MAX = 256, /* of one worker; more are not weighed */
    LOOKS_MIN = 2,
};

static uint64_t weigh_exactly(const pid_t *pids, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t bytes = 0;

        /* Another user's is closed to whoever is not root: its resident memory then. */
        if (memory_proportional(pids[i], &bytes) < 0)
            (void)memory_resident(pids[i], &bytes);
        sum += bytes;
    }
    return sum;
}

static uint64_t weigh_roughly(const pid_t *pids, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t bytes = 0;

        (void)memory_resident(pids[i], &bytes);
        sum += bytes;
    }
    return sum;
}

/* Posts where it was too heavy often enough. */
static void judge(struct process *process, uint64_t limit)
{
    const struct worker *worker = rollout_worker(process->app->rollout, process->worker);

    if (limit == 0 || process->memory_bytes <= limit || !worker ||
        worker->state != WORKER_ADMITTED) {
        process->heavy_looks = 0;
        return;
    }
    if (++process->heavy_looks == LOOKS_MIN)
        app_post(process->app,
                 &(struct event){.kind = EVENT_OVERWEIGHT, .worker = process->worker});
}

static void weigh(struct process *process)
{
    uint64_t limit = app_spec(process->app, process->revision)->policy.recycle_memory;
    pid_t pids[PIDS_MAX];
    size_t n;

    if (process->cgroup) {
        n = process_pids(process, pids, PIDS_MAX);
        process->memory_bytes = weigh_roughly(pids, n);
    }
    if (process->heavy_looks >= LOOKS_MIN) /* the core knows, and its turn will come */
        return;
    if (limit > 0 && process->memory_bytes > limit) {
        n = process_pids(process, pids, PIDS_MAX);
        process->memory_bytes = weigh_exactly(pids, n);
    }
    judge(process, limit);
}

/* Without cgroups, one walk through /proc is for all of them. */
static void walk(struct app *app)
{
    _cleanup_dir_ DIR *dir = NULL;
    pid_t pid;

    if (app->cgroup || !app->processes || proc_open("/proc", &dir) != 0)
        return;
    for (struct process *each = app->processes; each; each = each->next)
        each->memory_bytes = 0;
    while (proc_next(dir, &pid) == 0) {
        struct process *process = app->processes;
        struct proc_stat stat;
        uint64_t bytes;

        if (proc_stat_read(pid, &stat) != 0)
            continue;
        while (process && (process->pid != stat.group || process->ended))
            process = process->next;
        if (process && memory_resident(pid, &bytes) == 0)
            process->memory_bytes += bytes;
    }
}

/* The live process with the least id beyond `worker`; NULL: none. */
static struct process *next_after(const struct app *app, uint64_t worker)
{
    struct process *next = NULL;

    for (struct process *each = app->processes; each; each = each->next)
        if (!each->ended && each->worker > worker && (!next || each->worker < next->worker))
            next = each;
    return next;
}

static bool has_suspect(const struct app *app)
{
    for (const struct process *each = app->processes; each; each = each->next)
        if (each->heavy_looks > 0 && each->heavy_looks < LOOKS_MIN)
            return true;
    return false;
}

static void on_time(void *user)
{
    struct app *app = user;
    struct process *process = next_after(app, app->weighed);
    struct span pause = BREATH;

    if (app->weighed == 0) {
        limits_look(app);
        walk(app);
    }
    for (unsigned i = 0; process && i < BATCH; i++) {
        weigh(process);
        app->weighed = process->worker;
        process = next_after(app, process->worker);
    }
    if (!process) {
        app->weighed = 0;
        pause = has_suspect(app) ? SECOND : EVERY;
    }
    timer_set(app->weighing, instant_plus(loop_now(app->loop), pause));
    app_pump(app);
}

int weigh_start(struct app *app)
{
    int r = timer_new(app->loop, on_time, app, &app->weighing);

    if (r == 0)
        timer_set(app->weighing, instant_plus(loop_now(app->loop), SECOND));
    return r;
}

void weigh_stop(struct app *app)
{
    timer_free(app->weighing);
    app->weighing = NULL;
}
