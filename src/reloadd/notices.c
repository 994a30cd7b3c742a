#include "reloadd/notices.h"

#include "reloadd/app.h"
#include "reloadd/drain.h"
#include "reloadd/lanes.h"
#include "reloadd/manager.h"
#include "reloadd/process.h"
#include "reloadd/readiness.h"
#include "reloadd/reload.h"
#include "reloadd/weigh.h"

#include <signal.h>

/* A notice that came before the deadline may wait in the kernel while the primary was not
 * scheduled, and the loop tells of both in any order. So the tick waits for one more turn: a
 * worker that was ready in time is not called late for our own lateness. */
static void on_tick(void *user)
{
    struct app *app = user;

    if (!app->tick_seen) {
        app->tick_seen = true;
        timer_set(app->tick, loop_now(app->loop));
        return;
    }
    app->tick_seen = false;
    app_post(app, &(struct event){.kind = EVENT_TICK});
    app_pump(app);
}

static void on_journal_retry(void *user)
{
    struct app *app = user;

    if (state_journal_trouble(app->journal) && app_compact(app) < 0)
        timer_set(app->journal_retry, instant_plus(loop_now(app->loop), span_from_ms(5000)));
}

static void stop_or_hurry(struct app *app)
{
    bool again = app->rollout->state >= ROLLOUT_STOPPING;

    app_post(app, &(struct event){.kind = again ? EVENT_HURRY : EVENT_STOP});
    app_pump(app);
}

static void forward_signal(struct app *app, int number)
{
    for (struct process *each = app->processes; each; each = each->next)
        if (!each->ended)
            process_signal(each, number);
}

static void on_signal(void *user, int number)
{
    struct app *app = user;

    if (number == SIGHUP)
        reload_wish(app, &(struct reload_wish){.conflict = CONFLICT_SUPERSEDE});
    else if (number == SIGUSR1 || number == SIGUSR2)
        forward_signal(app, number);
    else
        stop_or_hurry(app);
}

static bool child_is_ours(void *user, pid_t pid)
{
    const struct app *app = user;

    return process_is_ours(app, pid) || reload_is_ours(app, pid);
}

int notices_watch(struct app *app)
{
    static const int numbers[] = {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, 0};
    struct signals_handlers handlers = {
        .received = on_signal,
        .is_ours = getpid() == 1 ? child_is_ours : NULL,
    };
    int r = timer_new(app->loop, on_tick, app, &app->tick);

    if (r == 0)
        r = manager_new(app, &app->manager);
    if (r == 0)
        r = timer_new(app->loop, readiness_look, app, &app->readiness);
    if (r == 0)
        r = timer_new(app->loop, drain_look, app, &app->drain);
    if (r == 0)
        r = timer_new(app->loop, lanes_look, app, &app->lanes);
    if (r == 0)
        r = timer_new(app->loop, on_journal_retry, app, &app->journal_retry);
    if (r == 0)
        r = weigh_start(app);
    if (r == 0)
        r = signals_new(app->loop, numbers, &handlers, app, &app->signals);
    return r;
}

void notices_forget(struct app *app)
{
    signals_free(app->signals);
    manager_free(app->manager);
    app->manager = NULL;
    timer_free(app->tick);
    timer_free(app->readiness);
    timer_free(app->drain);
    timer_free(app->lanes);
    timer_free(app->journal_retry);
    weigh_stop(app);
}
