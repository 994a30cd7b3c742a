#include "reloadd/app.h"

#include "base/error.h"
#include "base/log.h"
#include "core/trace.h"
#include "os/entropy.h"
#include "reloadd/blocking.h"
#include "reloadd/capturing.h"
#include "reloadd/clock.h"
#include "reloadd/lanes.h"
#include "reloadd/manager.h"
#include "reloadd/process.h"
#include "reloadd/readiness.h"
#include "reloadd/server.h"
#include "wire/strings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL_RETRY span_from_ms(5000)

static void queue_push(struct event_queue *queue, const struct event *event)
{
    if (queue->n == queue->capacity) {
        size_t capacity = queue->capacity ? 2 * queue->capacity : 16;
        struct event *items = calloc(capacity, sizeof(*items));

        if (!items) {
            log_error("out of memory for an event: ending");
            abort();
        }
        for (size_t i = 0; i < queue->n; i++)
            items[i] = queue->items[(queue->first + i) % queue->capacity];
        free(queue->items);
        *queue = (struct event_queue){items, 0, queue->n, capacity};
    }
    queue->items[(queue->first + queue->n++) % queue->capacity] = *event;
}

static bool queue_pop(struct event_queue *queue, struct event *ret_event)
{
    if (queue->n == 0)
        return false;
    *ret_event = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->n--;
    return true;
}

void app_post(struct app *app, const struct event *event)
{
    queue_push(&app->events, event);
}

void app_answer(struct app *app, const struct event *event)
{
    queue_push(&app->answers, event);
}

const struct spec *app_spec(const struct app *app, uint64_t revision)
{
    const struct revision_entry *entry = revisions_find(&app->revisions, revision);

    assert(entry && entry->pinned);
    return &entry->spec;
}

const char *app_release(const struct app *app, uint64_t revision)
{
    const struct revision_entry *entry = revisions_find(&app->revisions, revision);

    return entry ? entry->history.release : NULL;
}

void app_say(struct app *app, int level, const char *format, ...)
{
    struct output_line line = {.at = clock_wall()};
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_write(level, "%s", text);
    output_add(app->output, &line, text, strlen(text));
}

/* What is heard of a worker's last words. */

static bool is_of_worker(const struct output_line *line, const void *user)
{
    return line->worker == *(const uint64_t *)user;
}

/* Its own, if it has one already, or the oldest. */
static struct obituary *obituary_place(struct app *app, uint64_t worker)
{
    for (size_t i = 0; i < OBITUARIES_MAX; i++)
        if (app->obituaries[i].worker == worker)
            return &app->obituaries[i];
    return &app->obituaries[app->obituary_next++ % OBITUARIES_MAX];
}

static void obituary_write(struct app *app, uint64_t worker)
{
    const struct output_line *lines[OBITUARY_LINES];
    const char *texts[OBITUARY_LINES];
    size_t n = output_tail(app->output, is_of_worker, &worker, lines, OBITUARY_LINES);
    struct obituary *obituary;

    if (n == 0)
        return;
    obituary = obituary_place(app, worker);
    for (size_t i = 0; i < n; i++)
        texts[i] = lines[i]->text;
    strings_free(obituary->lines);
    obituary->lines = NULL;
    obituary->worker = worker;
    (void)strings_copy(texts, n, &obituary->lines); /* no memory: no last words */
}

char **app_last_words(const struct app *app, uint64_t worker)
{
    for (size_t i = 0; i < OBITUARIES_MAX && worker != 0; i++)
        if (app->obituaries[i].worker == worker)
            return app->obituaries[i].lines;
    return NULL;
}

void app_forget_words(struct app *app)
{
    for (size_t i = 0; i < OBITUARIES_MAX; i++)
        strings_free(app->obituaries[i].lines);
}

/* The journal. */

int app_compact(struct app *app)
{
    const char *trouble = state_journal_trouble(app->journal);
    int r;

    manager_alive(app->manager);
    r = state_journal_compact(app->journal, app->rollout, &app->revisions, loop_now(app->loop),
                              app->update);
    if (r == 0 && trouble)
        app_say(app, LEVEL_NOTICE, "the state journal is written again");
    return r;
}

static void journal_lost(struct app *app, int error)
{
    app_say(app, LEVEL_ERROR,
            "the state journal in %s can't be written: %s; serving goes on, rollouts stop",
            app->directories.state, strerror(-error));
    app_post(app, &(struct event){.kind = EVENT_JOURNAL_LOST,
                                  .exit = {.cause = CAUSE_JOURNAL, .code = -error}});
    timer_set(app->journal_retry, instant_plus(loop_now(app->loop), JOURNAL_RETRY));
}

/* Publishing: what is durable may be seen. */

static int record_level(const struct record *record)
{
    switch (record->kind) {
    case RECORD_ROLLOUT_REVERTING:
    case RECORD_SLOT_WAITING:
    case RECORD_WORKER_FOUND:
    case RECORD_STABLE_LOST:
        return LEVEL_WARNING;
    case RECORD_ROLLOUT_ENDED:
        return record->outcome == OUTCOME_FAILED ? LEVEL_ERROR : LEVEL_NOTICE;
    case RECORD_ADOPTED:
    case RECORD_ROLLOUT_STARTED:
    case RECORD_ROLLOUT_PROMOTED:
    case RECORD_QUEUED:
    case RECORD_SCALED:
    case RECORD_STOPPING:
    case RECORD_STOPPED:
        return LEVEL_NOTICE;
    case RECORD_WORKER_SPAWNED:
    case RECORD_WORKER_ADMITTED:
    case RECORD_WORKER_EXTENDED:
    case RECORD_WORKER_EXPIRED:
    case RECORD_WORKER_RETIRED:
    case RECORD_WORKER_KILLED:
    case RECORD_WORKER_GONE:
        return LEVEL_INFO;
    case RECORD_BOOTED:
    case RECORD_REVISION_ACCEPTED:
    case RECORD_REVISION_FORGOTTEN:
    case RECORD_WORKER_STARTED:
    case RECORD_WORKER_READY:
    case RECORD_WORKER_WATCHDOG:
    case RECORD_WORKER_ASKED:
    case RECORD_SNAPSHOT:
    case RECORD_SNAPSHOT_SLOT:
    case RECORD_SNAPSHOT_WORKER:
    case RECORD_N:
        break;
    }
    return LEVEL_DEBUG;
}

static void note_kill(const struct app *app, const struct record *record)
{
    struct process *process = process_find(app, record->worker);

    if (process)
        drain_cut(process);
}

static void explain(const struct app *app, const struct reason *reason)
{
    struct process *process =
        reason->cause == CAUSE_NOT_READY ? process_find(app, reason->worker) : NULL;

    if (process)
        readiness_explain(process);
}

static void note(struct app *app, const struct record *record, struct wall at)
{
    if (record_fields(record->kind) & FIELD_REASON)
        explain(app, &record->reason);
    if ((record_fields(record->kind) & FIELD_REASON) && record->reason.worker != 0)
        obituary_write(app, record->reason.worker);
    if (record->kind == RECORD_WORKER_GONE || record->kind == RECORD_WORKER_ADMITTED ||
        record->kind == RECORD_ROLLOUT_ENDED || record->kind == RECORD_REVISION_FORGOTTEN)
        app->listeners_changed = true;
    if (record->kind == RECORD_WORKER_READY)
        blocking_remember(app);
    if (record->kind == RECORD_ROLLOUT_STARTED)
        app->cut = 0;
    if (record->kind == RECORD_WORKER_KILLED)
        note_kill(app, record);
    if (record->kind == RECORD_WORKER_GONE)
        courtesy_end(app, record->worker);
    if (record->kind == RECORD_REVISION_ACCEPTED)
        revisions_date(&app->revisions, record->revision, at);
    if (record->kind == RECORD_ROLLOUT_ENDED)
        revisions_end(&app->revisions, record->revision, at, record->outcome, &record->reason);
}

/* On stderr alone: `reloadctl logs` has them among the worker's own. */
static void say_last_words(const struct app *app, const struct record *record)
{
    char **lines = app_last_words(app, record->reason.worker);

    for (size_t i = 0; lines && lines[i]; i++)
        log_write(LEVEL_ERROR, "worker %llu wrote: %s",
                  (unsigned long long)record->reason.worker, lines[i]);
}

static void publish(struct app *app, const struct record *record, struct wall at,
                    const char *line, size_t size)
{
    int level = record_level(record);
    char text[512];

    note(app, record, at);
    if (level <= LEVEL_INFO || log_wants(LEVEL_DEBUG))
        app_say(app, level, "%s", record_describe(record, text, sizeof(text)));
    if (record->kind == RECORD_ROLLOUT_ENDED && record->outcome == OUTCOME_FAILED)
        say_last_words(app, record);
    server_publish(app->server, record, line, size);
}

static bool all_are_admitted(const struct app *app)
{
    const struct rollout *rollout = app->rollout;

    for (size_t i = 0; i < rollout->worker_n; i++)
        if (rollout->workers[i].state != WORKER_ADMITTED)
            return false;
    return rollout->state == ROLLOUT_STEADY && rollout->worker_n == rollout_desired(rollout);
}

/* Whether workers have bound it that are there, or may be again. Once all are there and none
 * has it, it was one worker's own, as a name with its pid in it. */
static bool listener_is_bound(const struct app *app, const struct listener *listener)
{
    for (const struct process *each = app->processes; each; each = each->next)
        if (!each->ended && capturing_has_bound(each, listener))
            return true;
    if (all_are_admitted(app))
        return false;
    for (size_t i = 0; i < LISTENER_REVISIONS && listener->revisions[i] != 0; i++)
        if (rollout_uses(app->rollout, listener->revisions[i]))
            return true;
    return false;
}

static bool listener_is_wanted(void *user, const struct listener *listener)
{
    const struct app *app = user;

    if (app->rollout->state >= ROLLOUT_STOPPING)
        return true; /* EFFECT_CLOSE_LISTENERS has seen to it */
    for (size_t i = 0; i < app->revisions.n; i++) {
        const struct revision_entry *entry = &app->revisions.items[i];

        if (!entry->pinned || !rollout_uses(app->rollout, entry->history.revision))
            continue;
        for (size_t j = 0; j < entry->spec.listener_n; j++)
            if (strcmp(entry->spec.listeners[j].address, listener->address) == 0)
                return true;
    }
    return listener_is_bound(app, listener);
}

/* Write-ahead: what is to be done is on disk before it is begun. An update without effects may
 * reach the disk with a later one. */
static void persist(struct app *app, struct wall at, struct text *lines)
{
    bool behind = state_journal_trouble(app->journal);
    int r = state_journal_encode(app->journal, app->update, &app->revisions, at, lines);

    if (r == 0)
        r = state_journal_append(app->journal, lines, app->update->effect_n > 0);
    if (r < 0 && !behind)
        journal_lost(app, r);
}

static void publish_all(struct app *app, struct wall at, const struct text *lines)
{
    const char *line = text_string(lines);

    for (size_t i = 0; i < app->update->record_n; i++) {
        const char *end = strchr(line, '\n');

        publish(app, &app->update->records[i], at, line, end ? (size_t)(end - line) : 0);
        line = end ? end + 1 : line;
    }
}

static void app_step(struct app *app, struct event *event)
{
    _cleanup_text_ struct text lines = {0};
    struct wall at = clock_wall();

    event->at = loop_now(app->loop);
    /* Without it, slots that fail together come back together: no reason to stop. */
    (void)entropy_fill(&event->noise, sizeof(event->noise));
    rollout_step(app->rollout, event, app->update);
    persist(app, at, &lines);
    publish_all(app, at, &lines);
    lanes_steer(app);
    for (size_t i = 0; i < app->update->effect_n; i++)
        effect_run(app, &app->update->effects[i]);
}

void app_pump(struct app *app)
{
    struct event event;

    if (app->pumping)
        return;
    app->pumping = true;
    while (queue_pop(&app->answers, &event) || queue_pop(&app->events, &event))
        app_step(app, &event);
    if (app->listeners_changed) {
        app->listeners_changed = false;
        listeners_close_unwanted(&app->listeners, listener_is_wanted, app);
    }
    if (state_journal_is_long(app->journal)) {
        int r = app_compact(app);

        if (r < 0)
            journal_lost(app, r);
    }
    courtesy_rest(app);
    timer_set(app->tick, rollout_wake(app->rollout));
    manager_update(app->manager);
    app->pumping = false;
}
