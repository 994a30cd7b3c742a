#include "reloadd/status.h"

#include "base/error.h"
#include "os/memory.h"
#include "os/system_journal.h"
#include "reloadd/app.h"
#include "reloadd/capturing.h"
#include "reloadd/clock.h"
#include "reloadd/lanes.h"
#include "reloadd/limits.h"
#include "reloadd/probe.h"
#include "reloadd/process.h"
#include "reloadd/readiness.h"
#include "wire/names.h"
#include "wire/present.h"
#include "wire/strings.h"

#include <stdio.h>
#include <string.h>

enum {
    WORDS_SIZE = 160,
    WARNINGS_MAX = 6,
    WARNING_SIZE = 700,
    CRASH_LOOP = 3, /* failures in a row that are a crash loop */
};

struct worker_parts {
    char waits_for[WORDS_SIZE];
    char probe[PROBE_WORDS_SIZE];
    char log_identifier[SYSTEM_JOURNAL_IDENTIFIER_SIZE];
    struct connections_view connections;
};

/* Everything a status view borrows, in one piece. */
struct store {
    struct app_view view;
    struct listener_view *listeners;
    struct worker_view *workers;
    struct slot_view *slots;
    struct worker_parts *worker_parts;
    char (*slot_texts)[FAILURE_TEXT_SIZE];
    struct failure_view *slot_failures;
    int64_t queued[QUEUE_MAX];
    char rollout_words[WORDS_SIZE];
    char rollout_text[FAILURE_TEXT_SIZE];
    struct failure_view rollout_failure;
    struct outcome_view last;
    char last_text[FAILURE_TEXT_SIZE];
    struct failure_view last_failure;
    struct recovered_view recovered;
    const char *warnings[WARNINGS_MAX];
    char warning_texts[WARNINGS_MAX][WARNING_SIZE];
};

static void store_free(struct store *store)
{
    free(store->listeners);
    free(store->workers);
    free(store->slots);
    free(store->worker_parts);
    free(store->slot_texts);
    free(store->slot_failures);
    free(store);
}

static void cleanup_store(struct store **store)
{
    if (*store)
        store_free(*store);
}

static struct store *store_new(const struct app *app)
{
    struct store *store = calloc(1, sizeof(*store));
    size_t workers = app->rollout->worker_n + 1;
    size_t slots = app->rollout->slot_n + 1;

    if (!store)
        return NULL;
    store->listeners = calloc(app->listeners.n + 1, sizeof(*store->listeners));
    store->workers = calloc(workers, sizeof(*store->workers));
    store->worker_parts = calloc(workers, sizeof(*store->worker_parts));
    store->slots = calloc(slots, sizeof(*store->slots));
    store->slot_texts = calloc(slots, sizeof(*store->slot_texts));
    store->slot_failures = calloc(slots, sizeof(*store->slot_failures));
    if (store->listeners && store->workers && store->worker_parts && store->slots &&
        store->slot_texts && store->slot_failures)
        return store;
    store_free(store);
    return NULL;
}

/* What was asked, and what answer was wanted, as far as the revision is still known. */
static void add_probe(const struct app *app, const struct reason *reason,
                      char text[static FAILURE_TEXT_SIZE])
{
    const struct revision_entry *entry = revisions_find(&app->revisions, reason->revision);
    size_t n = strlen(text);
    char target[PROBE_WORDS_SIZE];

    if (!entry || !entry->pinned || *probe_target(app, &entry->spec, target) == '\0')
        return;
    if (reason->cause == CAUSE_UNHEALTHY)
        (void)snprintf(text + n, FAILURE_TEXT_SIZE - n, ", expected %s (%s)",
                       spec_probe_expect(&entry->spec), target);
    else if (reason->cause == CAUSE_UNANSWERED)
        (void)snprintf(text + n, FAILURE_TEXT_SIZE - n, " (%s)", target);
}

bool failure_fill(struct app *app, const struct reason *reason,
                  char text[static FAILURE_TEXT_SIZE], struct failure_view *ret_failure)
{
    char **lines = app_last_words(app, reason->worker);

    (void)reason_describe(reason, text, FAILURE_TEXT_SIZE);
    add_probe(app, reason, text);
    return failure_view_fill(reason, text, (const char *const *)lines,
                             strings_count((const char *const *)lines), ret_failure);
}

static double seconds_of(struct instant at)
{
    return wall_to_seconds(clock_wall_of(at));
}

static double seconds_left(const struct app *app, struct instant deadline)
{
    return span_to_seconds(instant_since(deadline, loop_now(app->loop)));
}

/* What ends the worker's state, in words; NULL where nothing is waited for. */
static const char *worker_words(const struct app *app, const struct worker *worker, char *words)
{
    const struct process *process = process_find(app, worker->id);
    double left = seconds_left(app, worker->deadline);
    char what[WORDS_SIZE / 2];
    const struct policy *policy = &rollout_revision(app->rollout, worker->revision)->policy;
    static const char *const sign[READINESS_N] = {
        [READINESS_AUTO] = "READY=1, or to be seen accepting",
        [READINESS_NOTIFY] = "READY=1",
        [READINESS_DELAY] = "readiness.delay_seconds to pass",
        [READINESS_HTTP] = "a good answer to its probe",
        [READINESS_TCP] = "it to accept its probe",
    };

    switch (worker->state) {
    case WORKER_SPAWNING:
        return "its process";
    case WORKER_STARTING:
        (void)snprintf(words, WORDS_SIZE, "%s (%.1f s left)",
                       process && readiness_waits_for_bind(process)
                           ? "its listen(2), or READY=1"
                           : sign[policy->readiness],
                       left);
        return words;
    case WORKER_WARMING:
        (void)snprintf(words, WORDS_SIZE, "min_ready_seconds to pass (%.1f s left)", left);
        return words;
    case WORKER_ADMITTED:
        return NULL;
    case WORKER_DRAINING:
        (void)snprintf(words, WORDS_SIZE, "%s (killed in %.1f s)",
                       process ? drain_words(process, what, sizeof(what)) : "its process",
                       left);
        return words;
    case WORKER_KILLING:
        return "the kernel to end it";
    case WORKER_STATE_N:
        break;
    }
    return NULL;
}

/* Why it is to be replaced. Its health and its weight are not journaled, its age can be
 * computed. */
static const char *expiry_words(const struct app *app, const struct worker *worker)
{
    const struct policy *policy = &rollout_revision(app->rollout, worker->revision)->policy;
    bool by_memory = worker->overweight || policy->recycle_age.nanoseconds == 0;

    if (instant_is_never(worker->expired))
        return NULL;
    if (worker->unhealthy.cause != CAUSE_NONE)
        return cause_name(worker->unhealthy.cause);
    if (by_memory && !worker->overweight && policy->recycle_memory == 0)
        return cause_name(CAUSE_UNHEALTHY);
    return cause_name(by_memory ? CAUSE_MEMORY : CAUSE_AGE);
}

/* Only where workers outlive the primary do they write to the system journal by themselves. */
static const char *log_identifier(const struct app *app, const struct worker *worker,
                                  char text[static SYSTEM_JOURNAL_IDENTIFIER_SIZE])
{
    if (!app->survives)
        return NULL;
    system_journal_identifier(app->name, worker->revision, worker->id, worker->slot, text);
    return text;
}

static void fill_memory(const struct process *process, struct worker_view *view)
{
    uint64_t bytes = process->memory_bytes;

    if (!process->ended && (bytes > 0 || memory_resident(process->pid, &bytes) == 0))
        view->memory_bytes = optional_int((int64_t)bytes);
}

static void courtesy_fill(const struct process *process, struct connections_view *view)
{
    const struct polite_counts *counts = &process->courtesy.counts;

    if (!courtesy_is_in_force(process))
        return;
    view->told = optional_int(counts->told);
    view->left = optional_int(counts->ended);
    view->unsure = optional_int(counts->unsure);
    view->untold = optional_int(courtesy_untold(process));
}

bool connections_fill(const struct process *process, struct connections_view *ret_connections)
{
    const struct connections *connections = &process->connections;

    if (!census_knows(process))
        return false;
    *ret_connections = (struct connections_view){
        .open = connections->open,
        .active = connections->active,
        .idle = connections->idle,
        .unread_bytes = (int64_t)connections->unread_bytes,
        .unsent_bytes = (int64_t)connections->unsent_bytes,
    };
    if (connections->active + connections->idle > 0)
        ret_connections->oldest_seconds = optional_float(span_to_seconds(connections->oldest));
    courtesy_fill(process, ret_connections);
    if (!process->ended && lanes_has_own(process))
        ret_connections->queued = optional_int(lanes_waiting(process));
    return true;
}

static void fill_worker(const struct app *app, const struct worker *worker,
                        struct worker_parts *parts, struct worker_view *ret_view)
{
    const struct process *process = process_find(app, worker->id);

    *ret_view = (struct worker_view){
        .id = (int64_t)worker->id,
        .slot = worker->slot,
        .revision = (int64_t)worker->revision,
        .release = app_release(app, worker->revision),
        .state = worker_state_name(worker->state),
        .pid = worker->pid,
        .since = seconds_of(worker->since),
        .started = seconds_of(worker->started),
        .waits_for = worker_words(app, worker, parts->waits_for),
        .status = process ? process->status : NULL,
        .adopted = process && process->adopted,
        .expired = expiry_words(app, worker),
        .probe = process ? probe_words(process, parts->probe) : NULL,
        .log_identifier = log_identifier(app, worker, parts->log_identifier),
        .delivery = process ? capturing_delivery(process) : NULL,
    };
    if (!instant_is_never(worker->asked))
        ret_view->asked = optional_float(seconds_of(worker->asked));
    if (process) {
        ret_view->lane = optional_int(process->lane);
        fill_memory(process, ret_view);
    }
    if (process && !process->ended && connections_fill(process, &parts->connections))
        ret_view->connections = &parts->connections;
}

static bool slot_has_worker(const struct rollout *rollout, uint32_t slot)
{
    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].slot == slot && worker_is_active(&rollout->workers[i]))
            return true;
    return false;
}

/* Failures that a worker has since lived down are history. */
static bool is_crash_loop(const struct app *app, uint32_t i)
{
    const struct rollout *rollout = app->rollout;
    const struct slot *slot = &rollout->slots[i];
    const struct revision *revision = rollout_revision(rollout, slot->revision);

    if (slot->failures < CRASH_LOOP || slot->last.revision != slot->revision || !revision)
        return false;
    for (size_t j = 0; j < rollout->worker_n; j++) {
        const struct worker *worker = &rollout->workers[j];

        if (worker->slot == i && !instant_is_never(worker->ready) &&
            instant_reached(loop_now(app->loop),
                            instant_plus(worker->ready, revision->policy.restart_reset)))
            return false;
    }
    return true;
}

static void fill_slot(struct app *app, struct store *store, uint32_t i)
{
    const struct slot *slot = &app->rollout->slots[i];
    bool waiting = slot->state == SLOT_WAITING && !slot_has_worker(app->rollout, i);
    struct slot_view *view = &store->slots[i];

    *view = (struct slot_view){
        .slot = i,
        .state = waiting ? slot_state_name(SLOT_WAITING)
                         : slot_state_name(slot_has_worker(app->rollout, i) ? SLOT_FILLED
                                                                            : SLOT_VACANT),
        .failures = slot->failures,
        .crash_loop = is_crash_loop(app, i),
    };
    if (waiting)
        view->retry = optional_float(seconds_of(slot->retry));
    if (failure_fill(app, &slot->last, store->slot_texts[i], &store->slot_failures[i]))
        view->last = &store->slot_failures[i];
}

static unsigned count_state(const struct rollout *rollout, enum worker_state from,
                            enum worker_state to)
{
    unsigned n = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        n += rollout->workers[i].state >= from && rollout->workers[i].state <= to;
    return n;
}

/* The slot whose next try is the nearest, or slot_n. */
static uint32_t next_retry(const struct rollout *rollout)
{
    uint32_t best = rollout->slot_n;

    for (uint32_t i = 0; i < rollout->slot_n; i++)
        if (rollout->slots[i].state == SLOT_WAITING && !slot_has_worker(rollout, i) &&
            (best == rollout->slot_n ||
             rollout->slots[i].retry.nanoseconds < rollout->slots[best].retry.nanoseconds))
            best = i;
    return best;
}

static const char *rollout_words(const struct app *app, char *words)
{
    const struct rollout *rollout = app->rollout;
    unsigned coming = count_state(rollout, WORKER_SPAWNING, WORKER_WARMING);
    unsigned going = count_state(rollout, WORKER_DRAINING, WORKER_KILLING);
    uint32_t retry = next_retry(rollout);

    if (coming > 0 && rollout->state < ROLLOUT_STOPPING)
        (void)snprintf(words, WORDS_SIZE, "%u %s to become ready", coming,
                       coming == 1 ? "worker" : "workers");
    else if (retry < rollout->slot_n && rollout->state < ROLLOUT_STOPPING)
        (void)snprintf(words, WORDS_SIZE, "the next try in slot %u (in %.1f s)", retry,
                       seconds_left(app, rollout->slots[retry].retry));
    else if (going > 0)
        (void)snprintf(words, WORDS_SIZE, "%u old %s to drain", going,
                       going == 1 ? "worker" : "workers");
    else
        return NULL;
    return words;
}

static void fill_rollout(struct app *app, struct store *store)
{
    const struct rollout *rollout = app->rollout;
    struct rollout_view *view = &store->view.rollout;

    *view = (struct rollout_view){
        .state = rollout_state_name(rollout->state),
        .since = seconds_of(rollout->since),
        .stable = (int64_t)rollout->stable,
        .target = (int64_t)rollout->target,
        .waits_for = rollout_words(app, store->rollout_words),
        .queued = store->queued,
        .queued_n = rollout->queue_n,
    };
    if (rollout->trial != 0)
        view->trial = optional_int((int64_t)rollout->trial);
    for (size_t i = 0; i < rollout->queue_n; i++)
        store->queued[i] = (int64_t)rollout->queue[i];
    if (failure_fill(app, &rollout->reason, store->rollout_text, &store->rollout_failure))
        view->failure = &store->rollout_failure;
}

static void fill_last(struct app *app, struct store *store)
{
    if (app->last.revision == 0)
        return;
    store->last = (struct outcome_view){
        .revision = (int64_t)app->last.revision,
        .release = app_release(app, app->last.revision),
        .outcome = outcome_name(app->last.outcome),
        .at = wall_to_seconds(app->last.at),
        .seconds = app->last.seconds,
    };
    if (failure_fill(app, &app->last.reason, store->last_text, &store->last_failure))
        store->last.failure = &store->last_failure;
    if (app->last.cut > 0)
        store->last.cut = optional_int((int64_t)app->last.cut);
    store->view.last = &store->last;
}

static void fill_survival(struct app *app, struct store *store)
{
    store->view.limits_missing = limits_missing(app);
    store->view.survives = app->survives;
    store->view.survives_not = app->survives ? NULL : app->survives_not;
    if (app->recovered.at.microseconds == 0)
        return;
    store->recovered = (struct recovered_view){
        .at = wall_to_seconds(app->recovered.at),
        .adopted = app->recovered.adopted,
        .vanished = app->recovered.vanished,
        .found = app->recovered.found,
    };
    store->view.recovered = &store->recovered;
}

__attribute__((format(printf, 2, 3))) static void warn(struct store *store, const char *format,
                                                       ...)
{
    size_t n = store->view.warning_n++;
    va_list arguments;

    assert(n < WARNINGS_MAX);
    va_start(arguments, format);
    (void)vsnprintf(store->warning_texts[n], WARNING_SIZE, format, arguments);
    va_end(arguments);
    store->warnings[n] = store->warning_texts[n];
}

/* Its workers have it still, and no new one can be given it. */
static void warn_of_lost_listener(const struct app *app, const struct spec *spec,
                                  struct store *store)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (!listeners_find(&app->listeners, spec->listeners[i].address)) {
            warn(store,
                 "the primary has not got the socket of %s: no worker can be started until the "
                 "app is stopped and started",
                 spec->listeners[i].address);
            return;
        }
}

static void fill_warnings(const struct app *app, struct store *store)
{
    const char *trouble = state_journal_trouble(app->journal);
    const struct revision_entry *running =
        revisions_find(&app->revisions, app->rollout->target);
    char left_out[LISTENERS_ERROR_SIZE];

    store->view.warnings = store->warnings;
    if (trouble)
        warn(store, "the state journal in %s can't be written (%s): reloads are refused",
             app->directories.state, trouble);
    if (app->recovery.aside[0] != '\0')
        warn(store, "the state journal was damaged (%s) and set aside as %s",
             app->recovery.damage, app->recovery.aside);
    if (!app->cgroup)
        warn(store,
             "no writable cgroup: a worker's descendants are ended by its process group, "
             "which they may leave");
    if (app->last_refusal)
        warn(store, "the last reload was refused: %s", app->last_refusal);
    if (running && running->pinned && listeners_warn(&running->spec, left_out))
        warn(store, "%s", left_out);
    if (running && running->pinned)
        warn_of_lost_listener(app, &running->spec, store);
}

static const char *source_of(const struct listener *listener)
{
    if (listener->discovered)
        return "captured";
    return listener->inherited ? "inherited" : "opened";
}

static void fill_listener(const struct listener *listener, struct listener_view *ret_view)
{
    *ret_view = (struct listener_view){
        .name = listener->name,
        .address = listener->bound,
        .source = source_of(listener),
        .differs = listener->differs,
        .dispatch = listener->lanes.n > 0 ? "steered" : "shared",
        .shared_because = listener->lanes.refusal,
    };
}

/* Of the whole app. */
static const char *dispatch_words(const struct app *app)
{
    size_t steered = 0;

    for (size_t i = 0; i < app->listeners.n; i++)
        steered += app->listeners.items[i].lanes.n > 0;
    if (steered == 0)
        return "shared";
    return steered == app->listeners.n ? "steered" : "mixed";
}

/* As the configuration of what runs has it. */
static enum delivery delivery_of(const struct app *app)
{
    const struct revision_entry *running =
        revisions_find(&app->revisions, app->rollout->target);

    return running && running->pinned ? running->spec.delivery : DELIVERY_INHERIT;
}

static void fill_app(struct app *app, struct store *store)
{
    const struct rollout *rollout = app->rollout;
    double fairness = census_fairness(app);

    store->view = (struct app_view){
        .name = app->name,
        .pid = getpid(),
        .version = RELOADD_VERSION,
        .config = app->options->config,
        .started = wall_to_seconds(app->started),
        .desired = rollout_desired(rollout),
        .admitted = count_state(rollout, WORKER_ADMITTED, WORKER_ADMITTED),
        .delivery = delivery_name(delivery_of(app)),
        .dispatch = dispatch_words(app),
        .revision = (int64_t)rollout->stable,
        .release = app_release(app, rollout->stable),
        .listeners = store->listeners,
        .listener_n = app->listeners.n,
        .slots = store->slots,
        .slot_n = rollout->slot_n,
        .workers = store->workers,
        .worker_n = rollout->worker_n,
    };
    store->view.polite_not = courtesy_why_not(app);
    store->view.polite = store->view.polite_not == NULL;
    if (fairness > 0)
        store->view.fairness = optional_float(fairness);
    if (rollout->last_revision > 0)
        store->view.newest = optional_int((int64_t)rollout->last_revision);
    if (rollout->scale > 0 && rollout_desired(rollout) == rollout->scale)
        store->view.scale = optional_int(rollout->scale);
    for (size_t i = 0; i < app->listeners.n; i++)
        fill_listener(&app->listeners.items[i], &store->listeners[i]);
    for (size_t i = 0; i < rollout->worker_n; i++)
        fill_worker(app, &rollout->workers[i], &store->worker_parts[i], &store->workers[i]);
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        fill_slot(app, store, i);
    fill_rollout(app, store);
    fill_last(app, store);
    fill_survival(app, store);
    fill_warnings(app, store);
}

int status_message(struct app *app, char **ret_message)
{
    _cleanup_(cleanup_store) struct store *store = store_new(app);

    if (!store)
        return -ENOMEM;
    census_of_all(app);
    fill_app(app, store);
    return present_status(&store->view, ret_message);
}

/* "running" and "queued" are outcomes that are still open. A revision that was accepted by a
 * primary which was killed before it began has neither, and never will. */
static const char *entry_outcome(const struct rollout *rollout,
                                 const struct history_entry *history)
{
    if (history->outcome != OUTCOME_NONE)
        return outcome_name(history->outcome);
    for (size_t i = 0; i < rollout->queue_n; i++)
        if (rollout->queue[i] == history->revision)
            return "queued";
    return rollout->trial == history->revision ? "running" : outcome_name(OUTCOME_REFUSED);
}

static void fill_entry(struct app *app, const struct history_entry *history, char *text,
                       struct failure_view *failure, struct entry_view *ret_view)
{
    *ret_view = (struct entry_view){
        .revision = (int64_t)history->revision,
        .release = history->release,
        .outcome = entry_outcome(app->rollout, history),
        .accepted = wall_to_seconds(history->accepted),
        .exec = (const char *const *)history->exec,
        .exec_n = strings_count((const char *const *)history->exec),
        .working_directory = history->working_directory,
        .executable = history->executable,
        .stable = history->revision == app->rollout->stable,
    };
    if (history->ended.microseconds != 0)
        ret_view->ended = optional_float(wall_to_seconds(history->ended));
    if (failure_fill(app, &history->reason, text, failure))
        ret_view->failure = failure;
}

int history_message(struct app *app, char **ret_message)
{
    size_t n = app->revisions.n;
    _cleanup_free_ struct entry_view *entries = calloc(n + 1, sizeof(*entries));
    _cleanup_free_ struct failure_view *failures = calloc(n + 1, sizeof(*failures));
    _cleanup_free_ char(*texts)[FAILURE_TEXT_SIZE] = calloc(n + 1, sizeof(*texts));
    struct history_view view = {.revisions = entries, .revision_n = n};

    if (!entries || !failures || !texts)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        fill_entry(app, &app->revisions.items[i].history, texts[i], &failures[i], &entries[i]);
    return present_history(&view, ret_message);
}
