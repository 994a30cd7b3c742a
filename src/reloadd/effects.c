/* What the core has decided, done. One function an effect; none of them calls the core. */
#include "base/log.h"
#include "reloadd/app.h"
#include "reloadd/clock.h"
#include "reloadd/drain.h"
#include "reloadd/lanes.h"
#include "reloadd/process.h"
#include "reloadd/server.h"

#include <signal.h>

static void effect_spawn(struct app *app, const struct effect *effect)
{
    courtesy_watch(app);
    process_start(app, effect);
}

static void effect_drain(struct app *app, const struct effect *effect)
{
    struct process *process = process_find(app, effect->worker);

    if (!process)
        return;
    process->asked_to_go = true;
    lanes_look(app);
    drain_begin(process);
}

static void effect_abort(struct app *app, const struct effect *effect)
{
    struct process *process = process_find(app, effect->worker);

    if (process)
        process_signal(process, SIGABRT);
}

/* Also what is left of a worker that is gone: its descendants must not outlive it. */
static void effect_kill(struct app *app, const struct effect *effect)
{
    struct process *process = process_find(app, effect->worker);

    if (process)
        process_kill(process);
}

static void effect_outcome(struct app *app, const struct effect *effect)
{
    const struct revision_entry *entry = revisions_find(&app->revisions, effect->revision);

    if (effect->outcome == OUTCOME_COMPLETE || effect->outcome == OUTCOME_FAILED) {
        app->last.revision = effect->revision;
        app->last.outcome = effect->outcome;
        app->last.reason = effect->reason;
        app->last.at = clock_wall();
        app->last.cut = app->cut;
        app->last.seconds =
            entry ? wall_to_seconds(app->last.at) - wall_to_seconds(entry->history.accepted)
                  : 0;
    }
    server_outcome(app->server, effect);
}

static void effect_forget(struct app *app, const struct effect *effect)
{
    revisions_forget(&app->revisions, effect->revision);
}

static void effect_close_listeners(struct app *app, const struct effect *effect)
{
    (void)effect;
    drain_close_listeners(app);
}

static void effect_exit(struct app *app, const struct effect *effect)
{
    if (app->listeners_closing)
        listeners_release(&app->listeners);
    app->exit_code = effect->outcome == OUTCOME_COMPLETE ? EXIT_DONE : EXIT_FAILED;
    loop_stop(app->loop);
}

typedef void effect_function(struct app *, const struct effect *);

static effect_function *const effect_functions[EFFECT_N] = {
    [EFFECT_SPAWN] = effect_spawn,   [EFFECT_DRAIN] = effect_drain,
    [EFFECT_ABORT] = effect_abort,   [EFFECT_KILL] = effect_kill,
    [EFFECT_SWEEP] = effect_kill,    [EFFECT_OUTCOME] = effect_outcome,
    [EFFECT_FORGET] = effect_forget, [EFFECT_CLOSE_LISTENERS] = effect_close_listeners,
    [EFFECT_EXIT] = effect_exit,
};

void effect_run(struct app *app, const struct effect *effect)
{
    effect_functions[effect->kind](app, effect);
}
