#include "reloadd/recover.h"

#include "base/log.h"
#include "os/cgroup.h"
#include "os/pidfd.h"
#include "os/proc.h"
#include "reloadd/app.h"
#include "reloadd/blocking.h"
#include "reloadd/capturing.h"
#include "reloadd/clock.h"
#include "reloadd/lanes.h"
#include "reloadd/place.h"
#include "reloadd/process.h"
#include "reloadd/reload.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Who is there. */

static bool lives(const struct worker *worker)
{
    _cleanup_fd_ int fd = -1;

    return worker->pid > 0 && pidfd_open_process(worker->pid, worker->start_time, &fd) == 0;
}

/* That the store has something does not suffice where the app was stopping: what stopped it may
 * have ended its workers, and another beginning is wanted now. */
static bool has_workers(const struct app *app)
{
    const struct rollout *rollout = app->rollout;

    if (rollout->state < ROLLOUT_STOPPING && fd_store_has_workers(&app->store))
        return true;
    /* Pids are believed just where they were written down since this machine was started. */
    for (size_t i = 0; app->recovery.same_boot && i < rollout->worker_n; i++)
        if (lives(&rollout->workers[i]))
            return true;
    return false;
}

bool recover_is_due(const struct app *app)
{
    return app->survives && has_workers(app);
}

bool recover_is_hindered(const struct app *app)
{
    return app->options->adopt && !app->survives && has_workers(app);
}

static bool is_queued(const struct rollout *rollout, uint64_t revision)
{
    for (size_t i = 0; i < rollout->queue_n; i++)
        if (rollout->queue[i] == revision)
            return true;
    return false;
}

/* The revision that was accepted, which its client may have been told, and that the primary did
 * not live to begin; 0: there is none. */
static uint64_t find_unbegun(const struct app *app)
{
    const struct rollout *rollout = app->rollout;
    uint64_t revision = rollout->last_revision;
    const struct revision_entry *entry = revisions_find(&app->revisions, revision);

    if (entry && entry->pinned && entry->history.outcome == OUTCOME_NONE &&
        revision != rollout->trial && revision != rollout->stable &&
        !is_queued(rollout, revision))
        return revision;
    return 0;
}

/* Where they can't be had, the revision's workers go on with theirs, and it gets no new ones.
 */
static void open_for(struct app *app, uint64_t revision)
{
    char error[LISTENERS_ERROR_SIZE];
    int r = listeners_open(&app->listeners, app_spec(app, revision), error);

    if (r != 0)
        app_say(app, LEVEL_ERROR, "revision %llu: %s", (unsigned long long)revision,
                r == 1 ? error : strerror(-r));
}

int recover_discovered(struct app *app)
{
    const struct rollout *rollout = app->rollout;
    const uint64_t wishes[] = {rollout->stable, rollout->trial, rollout->target};
    uint64_t revisions[LISTENER_REVISIONS] = {0};
    size_t n = 0;

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
        if (wishes[i] != 0)
            revisions[n++] = wishes[i];
    return listeners_rediscover(&app->listeners, revisions);
}

int recover_listeners(struct app *app)
{
    char error[LISTENERS_ERROR_SIZE];
    uint64_t unbegun = find_unbegun(app);
    int r = listeners_inherit(&app->listeners, &app->store, error);

    if (r != 0)
        app_say(app, LEVEL_ERROR, "%s", r == 1 ? error : strerror(-r));
    for (size_t i = 0; i < app->revisions.n; i++) {
        const struct revision_entry *entry = &app->revisions.items[i];
        uint64_t revision = entry->history.revision;

        if (entry->pinned && (rollout_uses(app->rollout, revision) || revision == unbegun))
            open_for(app, revision);
    }
    r = recover_discovered(app);
    if (r < 0)
        app_say(app, LEVEL_ERROR, "what workers have bound: %s", strerror(-r));
    return lanes_recover(app);
}

/* Those that the journal knows. */

/* Nothing is kept of a worker that is no more: neither its place in the store nor its socket.
 */
static void post_vanished(struct app *app, const struct worker *worker, struct reason how)
{
    _cleanup_free_ char *path = NULL;
    struct stored_worker stored;
    struct stored_fd *item = fd_store_find_worker(&app->store, worker->id, &stored);

    app->recovered.vanished++;
    app_post(app, &(struct event){.kind = EVENT_VANISHED, .worker = worker->id, .exit = how});
    if (item) {
        fd_store_drop(&app->store, item->name);
        item->fd = close_fd(item->fd);
    }
    if (asprintf(&path, "%s/notify/%llu", app->directories.runtime,
                 (unsigned long long)worker->id) < 0)
        path = NULL;
    if (path)
        (void)unlink(path);
}

/* A stored pidfd says more than the number: it also tells how the worker ended meanwhile.
 * Returns 0; 1 where it has ended, *ret_how says how; -errno. */
static int open_pidfd(struct app *app, const struct worker *worker, int *ret_fd,
                      uint32_t *ret_lane, struct reason *ret_how)
{
    struct stored_worker stored = {0};
    struct stored_fd *item = fd_store_find_worker(&app->store, worker->id, &stored);
    _cleanup_fd_ int fd = item ? take_fd(item->fd) : -1;

    *ret_how = (struct reason){.cause = CAUSE_VANISHED};
    *ret_lane = stored.lane;
    if (fd < 0 && worker->pid > 0 && app->recovery.same_boot) {
        int r = pidfd_open_process(worker->pid, worker->start_time, &fd);

        if (r != 0)
            return r;
    }
    if (fd < 0)
        return 1;
    if (pidfd_has_ended(fd)) {
        *ret_how = process_exit_reason(fd);
        return 1;
    }
    *ret_fd = take_fd(fd);
    return 0;
}

static int take_notify_socket(struct app *app, uint64_t worker)
{
    char name[FD_NAME_SIZE];

    fd_store_name_notify(worker, name);
    return fd_store_take(&app->store, name);
}

static int adopt_known(struct app *app, const struct worker *worker)
{
    struct reason how = {.cause = CAUSE_PRIMARY};
    uint32_t lane = 0;
    int pidfd = -1;
    int r;

    /* Was about to be spawned, or just had been. Nobody has seen it serve: swept, and begun
     * anew. */
    if (worker->state == WORKER_SPAWNING) {
        post_vanished(app, worker, how);
        return 0;
    }
    r = open_pidfd(app, worker, &pidfd, &lane, &how);
    if (r == 1)
        post_vanished(app, worker, how);
    if (r != 0)
        return r < 0 ? r : 0;
    r = process_adopt_consume(app, worker, lane, pidfd, take_notify_socket(app, worker->id));
    if (r == 0)
        app->recovered.adopted++;
    return r;
}

/* Those that it lacks. */

/* Whose pidfd it is (pidfd's "Pid:" in /proc/self/fdinfo would say it, too; the worker's cgroup
 * has its main process first). Returns 0, or 1 where it has ended. */
static int identify(const struct app *app, struct worker *worker)
{
    _cleanup_free_ char *folder = app->cgroup ? place_of_worker(app, worker->id) : NULL;
    pid_t pids[64];
    size_t n = 0;
    struct proc_stat stat;

    if (!folder || cgroup_list(folder, pids, 64, &n) < 0)
        return 1;
    for (size_t i = 0; i < n; i++)
        if (proc_stat_read(pids[i], &stat) == 0 && stat.group == pids[i]) {
            worker->pid = pids[i];
            worker->start_time = stat.start_time;
            return 0;
        }
    return 1;
}

/* What a worker of a lost revision runs is not known any more; how it is to be drained is taken
 * from the stable revision, or from the configuration. */
static int pin_lacking(struct app *app, uint64_t revision)
{
    const struct revision_entry *stable = revisions_find(&app->revisions, app->rollout->stable);
    _cleanup_(config_errors_release) struct config_errors errors = {0};
    _cleanup_(spec_release) struct spec spec = {0};
    _cleanup_free_ char *text = NULL;
    int r;

    if (stable && stable->pinned)
        r = spec_decode(stable->spec_text, strlen(stable->spec_text), &spec);
    else
        r = reload_read(app, NULL, &spec, &errors);
    if (r == 0)
        r = spec_encode(&spec, &text);
    if (r == 0)
        r = revisions_pin_take(&app->revisions, revision, clock_wall(), &spec, &text);
    if (r != 0)
        return r > 0 ? -EINVAL : r;
    open_for(app, revision);
    /* It serves: so much is known of what became of it. */
    revisions_end(&app->revisions, revision, clock_wall(), OUTCOME_COMPLETE,
                  &(struct reason){0});
    app->recovered.guessed = true;
    return 0;
}

static int adopt_found(struct app *app, struct worker *worker, uint32_t lane, int pidfd)
{
    const struct revision_entry *entry = revisions_find(&app->revisions, worker->revision);
    int r;

    if (!entry || !entry->pinned) {
        r = pin_lacking(app, worker->revision);
        if (r < 0) {
            (void)close_fd(pidfd);
            return r;
        }
    }
    app_post(app, &(struct event){.kind = EVENT_FOUND,
                                  .worker = worker->id,
                                  .slot = worker->slot,
                                  .revision = worker->revision,
                                  .pid = worker->pid,
                                  .start_time = worker->start_time,
                                  .policy = &app_spec(app, worker->revision)->policy});
    r = process_adopt_consume(app, worker, lane, pidfd, take_notify_socket(app, worker->id));
    if (r == 0)
        app->recovered.found++;
    return r;
}

/* The untaken pidfd of the lowest revision: the core takes lacking revisions in their order. */
static struct stored_fd *next_found(struct fd_store *store, struct stored_worker *ret_found)
{
    struct stored_fd *next = NULL;

    for (size_t i = 0; i < store->n; i++) {
        struct stored_worker found;

        if (store->items[i].fd >= 0 && fd_store_read_worker(store->items[i].name, &found) &&
            found.slot < SLOT_MAX && (!next || found.revision < ret_found->revision)) {
            next = &store->items[i];
            *ret_found = found;
        }
    }
    return next;
}

static int adopt_lacking(struct app *app)
{
    struct stored_worker found = {0};
    struct stored_fd *item;

    while ((item = next_found(&app->store, &found))) {
        struct worker worker = {.id = found.worker,
                                .slot = found.slot,
                                .revision = found.revision,
                                .state = WORKER_ADMITTED};
        _cleanup_fd_ int pidfd = take_fd(item->fd);
        int r;

        fd_store_drop(&app->store, item->name);
        if (pidfd_has_ended(pidfd) || identify(app, &worker) != 0 ||
            process_find(app, worker.id))
            continue;
        r = adopt_found(app, &worker, found.lane, take_fd(pidfd));
        if (r < 0)
            return r;
    }
    return 0;
}

/* What ended while nobody was there to tell, for status. */
static void remember_last_outcome(struct app *app)
{
    for (size_t i = app->revisions.n; i > 0; i--) {
        const struct history_entry *entry = &app->revisions.items[i - 1].history;

        if (entry->outcome != OUTCOME_COMPLETE && entry->outcome != OUTCOME_FAILED)
            continue;
        app->last.revision = entry->revision;
        app->last.outcome = entry->outcome;
        app->last.reason = entry->reason;
        app->last.at = entry->ended;
        app->last.seconds = wall_to_seconds(entry->ended) - wall_to_seconds(entry->accepted);
        return;
    }
}

static void tell(struct app *app, unsigned swept)
{
    app_say(
        app, LEVEL_NOTICE,
        "an earlier primary has ended and left its workers: %u adopted, %u ended meanwhile, "
        "%u that the journal lacked",
        app->recovered.adopted, app->recovered.vanished, app->recovered.found);
    if (swept > 0)
        app_say(app, LEVEL_WARNING,
                "%u workers that it had begun and not written down were ended", swept);
}

/* Found, and more than the core can take. */
static void end_refused(struct app *app)
{
    for (struct process *each = app->processes; each; each = each->next)
        if (!rollout_worker(app->rollout, each->worker))
            process_signal(each, SIGTERM);
}

int recover_begin(struct app *app)
{
    uint64_t unbegun = find_unbegun(app);
    int r = 0;

    app->recovered.at = clock_wall();
    for (size_t i = 0; i < app->rollout->worker_n && r == 0; i++)
        r = adopt_known(app, &app->rollout->workers[i]);
    if (r == 0)
        r = adopt_lacking(app);
    if (r < 0)
        return r;
    blocking_begin(app);
    tell(app, place_sweep(app));
    remember_last_outcome(app);
    if (state_journal_trouble(app->journal))
        (void)app_compact(
            app); /* tried again by journal_retry; what serves is not ended for it */
    app_post(app, &(struct event){.kind = EVENT_ADOPT, .revision = unbegun});
    app_pump(app);
    end_refused(app);
    capturing_resume(app);
    fd_store_release(&app->store);
    /* Nobody knows for sure what was meant to run: what the configuration says, then. */
    if (app->recovery.aside[0] != '\0' || app->recovered.guessed)
        reload_wish(app, &(struct reload_wish){.conflict = CONFLICT_SUPERSEDE});
    return 0;
}
