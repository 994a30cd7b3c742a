#include "reloadd/manager.h"

#include "base/error.h"
#include "base/text.h"
#include "reloadd/app.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

enum {
    EXTEND_EVERY_MS = 5000,
    /* Three may be late: a slow disk can keep the loop for seconds. It is not longer, for
     * systemd puts off the watchdog with it (service_extend_timeout() in
     * systemd/src/core/service.c). */
    EXTEND_BY_MS = 20000,
    RETRY_FIRST_MS = 100, /* doubled each time */
    RETRY_MOST_MS = 10000,
    STATUS_SIZE = 512,
};

struct manager {
    struct app *app;
    struct timer *timer;
    struct span watchdog; /* WATCHDOG=1 is said this often; 0: nobody waits for it */
    struct instant ping;  /* the next WATCHDOG=1 */
    struct instant
        extend; /* the next EXTEND_TIMEOUT_USEC=; INSTANT_NEVER: nothing is under way */
    bool ready; /* READY=1 was said */
    bool reloading;
    bool stopping;
    bool missed;              /* something could not be said, and must be: it is tried again */
    unsigned retry;           /* milliseconds until then */
    char status[STATUS_SIZE]; /* what STATUS= said last */
};

/* Says it; false where it could not be said: there was no descriptor or memory for it. */
__attribute__((format(printf, 2, 3))) static bool say(struct manager *manager,
                                                      const char *format, ...)
{
    _cleanup_text_ struct text text = {0};
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = text_appendv(&text, format, arguments);
    va_end(arguments);
    if (r == 0)
        r = sd_notify(0, text_string(&text));
    manager->missed = manager->missed || r < 0;
    return r >= 0;
}

/* STATUS. */

struct sentence {
    char text[STATUS_SIZE];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct sentence *sentence,
                                                      const char *format, ...)
{
    size_t left = sizeof(sentence->text) - sentence->size;
    va_list arguments;
    int n;

    va_start(arguments, format);
    n = vsnprintf(sentence->text + sentence->size, left, format, arguments);
    va_end(arguments);
    if (n > 0)
        sentence->size += (size_t)n < left ? (size_t)n : left - 1;
}

static void add_revision(struct sentence *sentence, const struct app *app, uint64_t revision)
{
    const char *release = app_release(app, revision);

    add(sentence, "revision %llu", (unsigned long long)revision);
    if (release)
        add(sentence, " (release %s)", release);
}

static void add_reason(struct sentence *sentence, const struct reason *reason)
{
    char text[256];

    if (reason->cause != CAUSE_NONE)
        add(sentence, ": %s", reason_describe(reason, text, sizeof(text)));
}

/* In desired slots; revision 0: of any. */
static unsigned count_admitted(const struct rollout *rollout, uint64_t revision)
{
    unsigned admitted = 0;

    for (size_t i = 0; i < rollout->worker_n; i++) {
        const struct worker *worker = &rollout->workers[i];

        admitted += worker->state == WORKER_ADMITTED &&
                    worker->slot < rollout_desired(rollout) &&
                    (revision == 0 || worker->revision == revision);
    }
    return admitted;
}

static unsigned count_leaving(const struct rollout *rollout)
{
    unsigned leaving = 0;

    for (size_t i = 0; i < rollout->worker_n; i++)
        leaving += !worker_is_active(&rollout->workers[i]);
    return leaving;
}

static const char *workers(unsigned n)
{
    return n == 1 ? "worker" : "workers";
}

static void add_serving(struct sentence *sentence, const struct app *app)
{
    const struct rollout *rollout = app->rollout;
    unsigned desired = rollout_desired(rollout);
    unsigned admitted = count_admitted(rollout, 0);

    add(sentence, "%u of %u %s %s ", admitted, desired, workers(desired),
        admitted == 1 ? "serves" : "serve");
    add_revision(sentence, app, rollout->stable);
}

static void add_first_gap(struct sentence *sentence, const struct rollout *rollout)
{
    for (uint32_t i = 0; i < rollout->slot_n; i++)
        if (rollout->slots[i].state == SLOT_WAITING &&
            rollout->slots[i].last.cause != CAUSE_NONE) {
            add(sentence, "; slot %u will be tried again", i);
            add_reason(sentence, &rollout->slots[i].last);
            return;
        }
}

/* The newest revision of all, where it is not the one that serves. */
static void add_last_failure(struct sentence *sentence, const struct app *app)
{
    const struct revision_entry *last =
        revisions_find(&app->revisions, app->rollout->last_revision);

    if (app->last_refusal) {
        add(sentence, "; the last reload was refused: %s", app->last_refusal);
    } else if (last && last->history.outcome == OUTCOME_FAILED &&
               last->history.revision != app->rollout->stable) {
        add(sentence, "; ");
        add_revision(sentence, app, last->history.revision);
        add(sentence, " failed");
        add_reason(sentence, &last->history.reason);
    }
}

static void add_steady(struct sentence *sentence, const struct app *app)
{
    const char *trouble = state_journal_trouble(app->journal);

    add_serving(sentence, app);
    add_first_gap(sentence, app->rollout);
    add_last_failure(sentence, app);
    if (trouble)
        add(sentence, "; reloads are refused, the state journal can't be written: %s", trouble);
}

static void add_forward(struct sentence *sentence, const struct app *app)
{
    const struct rollout *rollout = app->rollout;

    add_revision(sentence, app, rollout->target);
    add(sentence, ": %u of %u %s %s", count_admitted(rollout, rollout->target),
        rollout_desired(rollout), workers(rollout_desired(rollout)),
        rollout->stable ? "replaced" : "ready");
}

static void add_reverting(struct sentence *sentence, const struct app *app)
{
    add_revision(sentence, app, app->rollout->trial);
    add(sentence, " failed");
    add_reason(sentence, &app->rollout->reason);
    add(sentence, "; going back to ");
    add_revision(sentence, app, app->rollout->stable);
}

static void add_settling(struct sentence *sentence, const struct app *app)
{
    unsigned leaving = count_leaving(app->rollout);

    add_serving(sentence, app);
    add(sentence, "; %u old %s to drain", leaving, leaving == 1 ? "one has" : "ones have");
}

static void add_stopping(struct sentence *sentence, const struct app *app)
{
    unsigned n = (unsigned)app->rollout->worker_n;

    add(sentence, "stopping: %u %s %s", n, workers(n), n == 1 ? "drains" : "drain");
    add_reason(sentence, &app->rollout->reason);
}

static void add_stopped(struct sentence *sentence, const struct app *app)
{
    add(sentence, "stopped");
    add_reason(sentence, &app->rollout->reason);
}

static void (*const sentences[ROLLOUT_STATE_N])(struct sentence *, const struct app *) = {
    [ROLLOUT_STEADY] = add_steady,     [ROLLOUT_FORWARD] = add_forward,
    [ROLLOUT_SETTLING] = add_settling, [ROLLOUT_REVERTING] = add_reverting,
    [ROLLOUT_STOPPING] = add_stopping, [ROLLOUT_STOPPED] = add_stopped,
};

/* Labels and messages of a configuration come from outside: a line end would begin another
 * assignment. */
static void make_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

static void say_status(struct manager *manager)
{
    struct sentence sentence = {.size = 0};

    if (manager->app->reloads && manager->app->rollout->state == ROLLOUT_STEADY &&
        manager->ready)
        add(&sentence, "checking the configuration; ");
    sentences[manager->app->rollout->state](&sentence, manager->app);
    make_one_line(sentence.text);
    if (strcmp(sentence.text, manager->status) == 0)
        return;
    if (say(manager, "STATUS=%s", sentence.text))
        memcpy(manager->status, sentence.text, sizeof(manager->status));
}

/* READY, RELOADING, STOPPING. */

static bool is_rolling(const struct rollout *rollout)
{
    return rollout->state == ROLLOUT_FORWARD || rollout->state == ROLLOUT_REVERTING;
}

/* The app serves as it was asked to: every slot has its worker. Workers that were adopted serve
 * already, and a rollout that goes on is told as one. */
static bool serves(const struct app *app)
{
    const struct rollout *rollout = app->rollout;
    unsigned admitted = count_admitted(rollout, 0);

    if (rollout->stable == 0)
        return false;
    if (app->recovered.adopted > 0 && admitted > 0)
        return true;
    return !is_rolling(rollout) && admitted >= rollout_desired(rollout);
}

static void say_reloading(struct manager *manager, bool rolling)
{
    uint64_t now_us = loop_now(manager->app->loop).nanoseconds / 1000;

    if (rolling == manager->reloading)
        return;
    /* MONOTONIC_USEC is what systemd ≥ 253 matches the later READY=1 by (sd_notify(3)). */
    if (rolling ? say(manager, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us)
                : say(manager, "READY=1"))
        manager->reloading = rolling;
}

static void say_state(struct manager *manager)
{
    const struct app *app = manager->app;

    if (app->rollout->state >= ROLLOUT_STOPPING) {
        /* One that only finishes its predecessor's stop has started well: a service that ends
         * before READY=1 has failed, whatever its exit status (systemd.service(5), Type=). */
        if (!manager->ready && app->recovered.adopted > 0)
            manager->ready = say(manager, "READY=1");
        if (!manager->stopping)
            manager->stopping = say(manager, "STOPPING=1");
        return;
    }
    if (!manager->ready) {
        manager->ready = serves(app) && say(manager, "READY=1");
        if (!manager->ready)
            return;
    }
    say_reloading(manager, is_rolling(app->rollout));
}

/* WATCHDOG, EXTEND_TIMEOUT_USEC. */

/* Something of what systemd has a timeout for: each of them ends by a deadline of the app's own
 * (readiness, progress, drain; check.c for the command that checks). */
static bool is_under_way(const struct manager *manager)
{
    return !manager->ready || manager->app->reloads ||
           manager->app->rollout->state != ROLLOUT_STEADY;
}

static void say_periodic(struct manager *manager)
{
    struct instant now = loop_now(manager->app->loop);
    struct instant next;

    if (instant_reached(now, manager->ping) && say(manager, "WATCHDOG=1"))
        manager->ping = instant_plus(now, manager->watchdog);
    if (!is_under_way(manager)) {
        manager->extend = INSTANT_NEVER;
    } else if (instant_is_never(manager->extend) || instant_reached(now, manager->extend)) {
        if (say(manager, "EXTEND_TIMEOUT_USEC=%u", EXTEND_BY_MS * 1000u))
            manager->extend = instant_plus(now, span_from_ms(EXTEND_EVERY_MS));
    }
    next = instant_earlier(manager->ping, manager->extend);
    if (manager->missed)
        next = instant_plus(now, span_from_ms(manager->retry));
    else
        manager->retry = RETRY_FIRST_MS;
    timer_set(manager->timer, next);
}

static void on_timer(void *user)
{
    struct manager *manager = user;

    if (manager->missed)
        manager->retry =
            2 * manager->retry < RETRY_MOST_MS ? 2 * manager->retry : RETRY_MOST_MS;
    manager->missed = false;
    manager_update(manager);
}

void manager_alive(struct manager *manager)
{
    struct span half;
    struct instant now;

    if (!manager || instant_is_never(manager->ping))
        return;
    now = loop_now(manager->app->loop);
    half.nanoseconds = manager->watchdog.nanoseconds / 2;
    if (instant_since(manager->ping, now).nanoseconds > half.nanoseconds)
        return; /* said a moment ago */
    manager->ping = now;
    say_periodic(manager);
}

void manager_update(struct manager *manager)
{
    if (!manager)
        return;
    say_status(manager);
    say_state(manager);
    say_periodic(manager);
}

int manager_new(struct app *app, struct manager **ret_manager)
{
    _cleanup_free_ struct manager *manager = calloc(1, sizeof(*manager));
    uint64_t watchdog_us = 0;
    int r;

    if (!manager)
        return -ENOMEM;
    manager->app = app;
    manager->ping = INSTANT_NEVER;
    manager->extend = INSTANT_NEVER;
    manager->retry = RETRY_FIRST_MS;
    r = timer_new(app->loop, on_timer, manager, &manager->timer);
    if (r < 0)
        return r;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
        manager->watchdog = span_from_us(watchdog_us / 2);
        manager->ping = loop_now(app->loop);
    }
    *ret_manager = take_ptr(manager);
    return 0;
}

void manager_free(struct manager *manager)
{
    if (!manager)
        return;
    timer_free(manager->timer);
    free(manager);
}
