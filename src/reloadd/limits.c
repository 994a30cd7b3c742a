#include "reloadd/limits.h"

#include "base/error.h"
#include "base/log.h"
#include "os/cgroup_limits.h"
#include "reloadd/app.h"
#include "reloadd/process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct cgroup_limits limits_of(const struct spec *spec)
{
    return (struct cgroup_limits){
        .memory_max = spec->limits.memory_max,
        .memory_high = spec->limits.memory_high,
        .cpu_weight = spec->limits.cpu_weight,
        .cpu_percent = spec->limits.cpu_percent,
        .tasks_max = spec->limits.tasks_max,
    };
}

/* The bytes that snprintf() took, as long as there was room. */
static size_t taken(int length, size_t room)
{
    return length > 0 && (size_t)length < room ? (size_t)length : room;
}

static size_t add(char *text, size_t size, size_t at, const char *before, const char *word)
{
    return at < size
               ? at + taken(snprintf(text + at, size - at, "%s%s", before, word), size - at)
               : at;
}

/* Names the limits whose controller is among `missing`, as the configuration has them. Returns
 * how many bytes of `text` it took. */
static size_t name_limits(const struct cgroup_limits *limits, uint32_t missing, char *text,
                          size_t size)
{
    const struct {
        bool wanted;
        uint32_t controller;
        const char *key;
    } keys[] = {
        {limits->memory_max != 0, CGROUP_MEMORY, "limits.memory_max"},
        {limits->memory_high != 0, CGROUP_MEMORY, "limits.memory_high"},
        {limits->cpu_weight != 0, CGROUP_CPU, "limits.cpu_weight"},
        {limits->cpu_percent != 0, CGROUP_CPU, "limits.cpu_percent"},
        {limits->tasks_max != 0, CGROUP_PIDS, "limits.tasks_max"},
    };
    const char *separator = "";
    size_t at = 0;

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!keys[i].wanted || !(keys[i].controller & missing))
            continue;
        at = add(text, size, at, separator, keys[i].key);
        separator = ", ";
    }
    return at;
}

static size_t name_controllers(uint32_t missing, char *text, size_t size)
{
    const char *separator = "";
    size_t at = 0;

    for (unsigned i = 0; i < CGROUP_CONTROLLER_N; i++) {
        if (!(missing & (1u << i)))
            continue;
        at = add(text, size, at, separator, cgroup_controller_name(1u << i));
        separator = ", ";
    }
    return at;
}

/* Whether limits of this spec are not in force; then which, and why. */
static bool describe_missing(const struct app *app, const struct spec *spec, char *text,
                             size_t size)
{
    const struct cgroup_limits limits = limits_of(spec);
    uint32_t missing = cgroup_limits_need(&limits) & ~app->limits.enabled;
    char controllers[64] = "";
    size_t at;

    if (missing == 0)
        return false;
    at = name_limits(&limits, missing, text, size);
    at = add(text, size, at, "", " not in force: ");
    if (at >= size)
        return true;
    (void)name_controllers(missing, controllers, sizeof(controllers));
    if (!app->cgroup)
        (void)snprintf(text + at, size - at, "there is no cgroup that can be written");
    else if (app->limits.trouble == -EBUSY)
        (void)snprintf(text + at, size - at,
                       "%s can't be enabled in %s: a process stands in that group itself",
                       controllers, app->cgroup);
    else if (app->limits.trouble < 0)
        (void)snprintf(text + at, size - at, "%s can't be enabled in %s: %s", controllers,
                       app->cgroup, strerror(-app->limits.trouble));
    else
        (void)snprintf(text + at, size - at, "%s has no controller %s", app->cgroup,
                       controllers);
    return true;
}

static void begin(struct app *app)
{
    app->limits.begun = true;
    if (oom_watch_begin(app->cgroup, &app->limits.oom) < 0)
        log_debug("no watch on OOM kills: out of memory");
}

static void enable(struct app *app, uint32_t need)
{
    uint32_t got = 0;
    int r;

    if (!app->cgroup || (need & ~app->limits.enabled) == 0)
        return;
    r = cgroup_enable_controllers(app->cgroup, need, &got);
    app->limits.enabled |= got;
    app->limits.trouble = r < 0 ? r : 0;
}

static void tell(struct app *app, const struct spec *spec, uint64_t revision)
{
    char text[LIMITS_TEXT_SIZE];

    if (revision <= app->limits.told_revision ||
        !describe_missing(app, spec, text, sizeof(text)))
        return;
    app->limits.told_revision = revision;
    app_say(app, LEVEL_WARNING, "revision %llu: %s", (unsigned long long)revision, text);
}

void limits_apply(struct process *process)
{
    struct app *app = process->app;
    const struct spec *spec = app_spec(app, process->revision);
    const struct cgroup_limits limits = limits_of(spec);
    int r = 0;

    if (!app->limits.begun)
        begin(app);
    if (cgroup_limits_need(&limits) == 0)
        return;
    enable(app, cgroup_limits_need(&limits));
    if (process->cgroup)
        r = cgroup_limit(process->cgroup, &limits);
    if (r < 0)
        app_say(app, LEVEL_WARNING, "the limits of worker %llu can't be written to %s: %s",
                (unsigned long long)process->worker, process->cgroup, strerror(-r));
    tell(app, spec, process->revision);
}

const char *limits_missing(struct app *app)
{
    const struct revision_entry *entry = revisions_find(&app->revisions, app->rollout->target);

    /* Before the first worker nothing has been tried. */
    if (!app->limits.begun || !entry || !entry->pinned ||
        !describe_missing(app, &entry->spec, app->limits.text, sizeof(app->limits.text)))
        return NULL;
    return app->limits.text;
}

static bool was_killed_by_us(const struct process *process)
{
    const struct worker *worker = rollout_worker(process->app->rollout, process->worker);

    return !worker || worker->state == WORKER_KILLING;
}

struct reason limits_judge_end(struct process *process, struct reason reason)
{
    struct app *app = process->app;

    if (reason.cause != CAUSE_SIGNALED || reason.code != SIGKILL || was_killed_by_us(process))
        return reason;
    switch (oom_has_struck(&app->limits.oom, process->cgroup, loop_now(app->loop))) {
    case OOM_YES:
        return (struct reason){.cause = CAUSE_OOM_KILLED};
    case OOM_PERHAPS:
        app_say(app, LEVEL_WARNING,
                "the kernel's OOM killer has struck on this machine: worker %llu (pid %d), "
                "ended by SIGKILL, may be its victim (dmesg tells)",
                (unsigned long long)process->worker, process->pid);
        break;
    case OOM_NO:
        break;
    }
    return reason;
}

void limits_look(struct app *app)
{
    oom_watch_look(&app->limits.oom, loop_now(app->loop));
}

void limits_release(struct app *app)
{
    oom_watch_release(&app->limits.oom);
}
