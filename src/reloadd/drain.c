#include "reloadd/drain.h"

#include "base/log.h"
#include "os/detach.h"
#include "os/signal_fate.h"
#include "reloadd/app.h"
#include "reloadd/lanes.h"
#include "reloadd/process.h"
#include "reloadd/server.h"

#include <stdio.h>
#include <string.h>

#define LOOK_PAUSE span_from_ms(10)

/* Once all are signalled, they are looked at for those who watch. */
#define WATCH_PAUSE span_from_ms(1000)

enum {
    PIDS_MAX = 128,
    ALL_READ_LOOKS = 2, /* in a row: a connection may be between two reads at one of them */
};

/* Leaving. */

/* Whether the workers that come have it, too. What the configuration has no more is left to the
 * old ones, for nobody else would ever take what waits in its queue. */
static bool has_successors(const struct app *app, const struct listener *listener)
{
    const struct revision_entry *entry = revisions_find(&app->revisions, app->rollout->target);

    if (!entry || !entry->pinned)
        return false;
    for (size_t i = 0; i < entry->spec.listener_n; i++)
        if (strcmp(entry->spec.listeners[i].address, listener->address) == 0)
            return true;
    return listeners_was_bound_by(listener, app->rollout->target);
}

/* Whether others are to have what waits in the queue that the worker accepts from: it is theirs
 * too; or the app stops, and what still comes to this lane is for its next start. */
static bool is_left_to_others(const struct process *process, const struct listener *listener)
{
    bool stops = process->app->rollout->state >= ROLLOUT_STOPPING &&
                 lane_group_names(&listener->lanes, process->lane);

    return (stops || !lanes_is_own(process, listener)) &&
           has_successors(process->app, listener);
}

/* Whether it was taken off at least one listener that is left to others. One that an
 * earlier primary has retired may have been before, and nothing of it is left to be seen. */
static bool detach(const struct process *process)
{
    const struct listener *listeners[PROCESS_LISTENERS_MAX];
    struct detach_listener shared[PROCESS_LISTENERS_MAX];
    size_t listener_n = process_listeners(process, listeners);
    pid_t pids[PIDS_MAX];
    size_t pid_n = process_pids(process, pids, PIDS_MAX);
    size_t n = 0;
    size_t count = 0;
    int r;

    for (size_t i = 0; i < listener_n; i++)
        if (is_left_to_others(process, listeners[i]))
            shared[n++] = (struct detach_listener){lanes_fd(process, listeners[i]),
                                                   lanes_inode(process, listeners[i])};
    if (n == 0)
        return false;
    r = detach_from_listeners(pids, pid_n, shared, n, &count);
    if (r < 0)
        log_debug("worker %llu can't be detached: %s", (unsigned long long)process->worker,
                  strerror(-r));
    return r == 0 && (count > 0 || process->drain.is_resumed);
}

/* Whether something can be waited for: it has served, and gets nothing new from now on. */
static bool can_leave(const struct process *process)
{
    const struct worker *worker = rollout_worker(process->app->rollout, process->worker);
    bool has_served = worker && !instant_is_never(worker->ready);
    bool is_detached = has_served && app_spec(process->app, process->revision)->drain_detach &&
                       detach(process);

    return is_detached || (has_served && lanes_has_own(process));
}

static bool has_left(struct process *process)
{
    return lanes_have_emptied(process);
}

/* Reading. */

/* It may be about to accept what it was woken for before it left: the first look says nothing,
 * unless there is no connection at all. */
static bool has_read(struct process *process)
{
    const struct connections *connections = &process->connections;
    struct drain *drain = &process->drain;

    if (connections->unread > 0)
        drain->looks_with_all_read = 0;
    else if (drain->looks > 1 || connections->open == 0)
        drain->looks_with_all_read++;
    return drain->looks_with_all_read >= ALL_READ_LOOKS;
}

/* Quieting. */

/* What the signal will do to the program; where that can't be seen, it is caught. */
static enum signal_fate fate_of(const struct process *process)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    enum signal_fate fate = SIGNAL_IS_CAUGHT;

    (void)signal_fate_look(process->pid, spec->drain_signal, &fate);
    return fate;
}

/* How long requests in flight are waited for before a program that sees to them itself gets its
 * signal: with time left to stop in good order. Not at all, unless the configuration wants it,
 * or its clients are told to leave it (courtesy.h); those that can't be told or don't go are
 * then left to the program. */
static struct span patience_with_catcher(const struct process *process)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    uint64_t quarter = spec->policy.drain_timeout.nanoseconds / 4;

    if (spec->drain_wait == DRAIN_WAIT_QUIET)
        return (struct span){quarter * 3};
    return courtesy_is_in_force(process) ? (struct span){quarter * 2} : (struct span){0};
}

/* How long the worker's requests in flight are waited for before it gets its signal. */
static struct span drain_waits_for_quiet(const struct process *process)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    struct span patience = patience_with_catcher(process);

    if (spec->drain_wait == DRAIN_WAIT_QUEUE)
        return (struct span){0};
    switch (fate_of(process)) {
    case SIGNAL_ENDS: /* no use to it: the deadline cuts off no more than the signal */
        return SPAN_FOREVER;
    case SIGNAL_IS_MUTE:
        return patience.nanoseconds > 0 ? patience : spec->drain_idle;
    case SIGNAL_IS_CAUGHT:
    case SIGNAL_IS_IGNORED: /* cuts nothing off; the deadline will end it */
        break;
    }
    return patience;
}

/* Whether nobody is left but those that can't be told, and the program sees to them by itself.
 */
static bool all_are_told(const struct process *process)
{
    const struct connections *connections = &process->connections;

    if (!courtesy_is_in_force(process) || connections->open > courtesy_untold(process))
        return false;
    return connections->open == 0 || fate_of(process) == SIGNAL_IS_CAUGHT;
}

static bool is_quiet(struct process *process)
{
    const struct connections *connections = &process->connections;
    const struct spec *spec = app_spec(process->app, process->revision);

    return connections->hidden || all_are_told(process) ||
           (connections->idle == connections->open &&
            connections->still.nanoseconds >= spec->drain_idle.nanoseconds);
}

/* The phases. */

static struct span no_limit(const struct process *process)
{
    (void)process;
    return SPAN_FOREVER;
}

static struct span reading_limit(const struct process *process)
{
    (void)process;
    return span_from_ms(DRAIN_READING_MAX_MS);
}

struct phase {
    bool (*is_over)(struct process *process);
    struct span (*limit)(const struct process *process);
    bool counts; /* is judged by a fresh count of its connections, made in this hurry */
    enum census_hurry hurry;
};

static const struct phase phases[DRAIN_PHASE_N] = {
    [DRAIN_LEAVING] = {has_left, no_limit, false, CENSUS_AT_LEISURE},
    [DRAIN_READING] = {has_read, reading_limit, true, CENSUS_IN_HURRY},
    [DRAIN_QUIETING] = {is_quiet, drain_waits_for_quiet, true, CENSUS_AT_LEISURE},
};

bool drain_is_under_way(const struct process *process)
{
    return !process->ended && process->drain.phase > DRAIN_NOT &&
           process->drain.phase < DRAIN_CUT;
}

static bool is_waiting(const struct process *process)
{
    return !process->ended && phases[process->drain.phase].is_over;
}

/* Whom the signal meets though it was waited for them: what can't be told, or did not go. A
 * program that may have no use for the signal cuts them off. */
static void say_who_is_left(const struct process *process)
{
    const struct connections *connections = &process->connections;
    char words[256];

    if (connections->open > 0 && process->drain.was_impatient &&
        fate_of(process) == SIGNAL_IS_MUTE)
        process->app->cut += connections->open;
    if (!courtesy_is_in_force(process) || connections->open == 0)
        return;
    (void)courtesy_words(process, words, sizeof(words));
    app_say(process->app, LEVEL_INFO,
            "worker %llu gets its signal with %u connection%s open%s%s",
            (unsigned long long)process->worker, connections->open,
            connections->open == 1 ? "" : "s", *words != '\0' ? ": " : "", words);
}

static void send_signal(struct process *process)
{
    say_who_is_left(process);
    process_signal(process, app_spec(process->app, process->revision)->drain_signal);
    /* Written down after it was done: a primary that is killed between the two makes the next
     * one send the signal a second time, which is better than never. */
    app_post(process->app, &(struct event){.kind = EVENT_ASKED, .worker = process->worker});
}

/* The only one that changes a phase. */
static void enter(struct process *process, enum drain_phase phase, struct instant now)
{
    struct drain *drain = &process->drain;

    drain->phase = phase;
    drain->looks = 0;
    drain->looks_with_all_read = 0;
    drain->limit =
        phases[phase].limit ? instant_plus(now, phases[phase].limit(process)) : INSTANT_NEVER;
    if (phase == DRAIN_SIGNALLED)
        send_signal(process);
}

/* Whether the phase ends now; `counted`: its connections have just been counted. */
static bool is_over(struct process *process, struct instant now, bool counted)
{
    const struct phase *phase = &phases[process->drain.phase];

    if (instant_reached(now, process->drain.limit)) {
        process->drain.was_impatient = process->drain.phase == DRAIN_QUIETING;
        return true;
    }
    if (phase->counts && !counted)
        return false;
    process->drain.looks++;
    return phase->is_over(process);
}

static void advance(struct process *process, struct instant now, bool counted)
{
    while (is_waiting(process) && is_over(process, now, counted))
        enter(process, process->drain.phase + 1, now);
}

static void advance_all(struct app *app, struct instant now, bool counted)
{
    for (struct process *each = app->processes; each; each = each->next)
        advance(each, now, counted);
}

void drain_begin(struct process *process)
{
    struct app *app = process->app;
    struct instant now = loop_now(app->loop);

    courtesy_cover(process);
    enter(process, can_leave(process) ? DRAIN_LEAVING : DRAIN_SIGNALLED, now);
    timer_set(app->drain, now);
}

void drain_resume(struct process *process, bool was_asked)
{
    process->drain.is_resumed = true;
    if (!was_asked)
        return; /* the core asks again: drain_begin() */
    process->drain.phase = DRAIN_SIGNALLED;
    timer_set(process->app->drain, loop_now(process->app->loop));
}

/* The effects that begin the workers' drains come after this one. */
void drain_close_listeners(struct app *app)
{
    app->listeners_closing = true;
    timer_set(app->drain, loop_now(app->loop));
}

void drain_cut(struct process *process)
{
    struct app *app = process->app;
    const struct connections *connections = &process->connections;
    char words[256];

    if (!drain_is_under_way(process))
        return;
    if (instant_reached(loop_now(app->loop), census_next(app, CENSUS_AT_LEISURE)))
        census_of_draining(app);
    enter(process, DRAIN_CUT, loop_now(app->loop));
    if (!census_knows(process) || connections->open == 0)
        return;
    app->cut += connections->open;
    (void)courtesy_words(process, words, sizeof(words));
    app_say(app, LEVEL_WARNING,
            "worker %llu (pid %d) is killed with %u connection%s open, %u of them active "
            "(oldest %.0f s)%s%s",
            (unsigned long long)process->worker, process->pid, connections->open,
            connections->open == 1 ? "" : "s", connections->active,
            span_to_seconds(connections->oldest), *words != '\0' ? ": " : "", words);
}

/* Looking. */

static bool any_is_waiting(const struct app *app)
{
    for (const struct process *each = app->processes; each; each = each->next)
        if (is_waiting(each))
            return true;
    return false;
}

/* When the next count is to be made, for those who wait for it or for those who watch. */
static struct instant next_count(const struct app *app)
{
    struct instant next =
        server_is_watched(app->server) ? census_next(app, CENSUS_AT_LEISURE) : INSTANT_NEVER;

    for (const struct process *each = app->processes; each; each = each->next)
        if (is_waiting(each) && phases[each->drain.phase].counts)
            next = instant_earlier(next, census_next(app, phases[each->drain.phase].hurry));
    return next;
}

/* When to look again: at what is waited for within the bound that the count has, at what is
 * only watched once in a while. */
static struct instant next_look(const struct app *app, struct instant now)
{
    struct instant next = INSTANT_NEVER;

    for (const struct process *each = app->processes; each; each = each->next) {
        struct instant wanted = instant_plus(now, is_waiting(each) ? LOOK_PAUSE : WATCH_PAUSE);

        if (!drain_is_under_way(each))
            continue;
        if (is_waiting(each) && phases[each->drain.phase].counts)
            wanted = instant_earlier(instant_later(wanted, next_count(app)), each->drain.limit);
        next = instant_earlier(next, wanted);
    }
    return next;
}

void drain_look(void *user)
{
    struct app *app = user;
    struct instant now = loop_now(app->loop);

    courtesy_look(app);
    advance_all(app, now, false);
    if (instant_reached(loop_now(app->loop), next_count(app))) {
        census_of_draining(app);
        advance_all(app, now, true);
        for (struct process *each = app->processes; each; each = each->next)
            if (drain_is_under_way(each))
                server_drains(app->server, each);
    }
    if (app->listeners_closing && !any_is_waiting(app)) {
        app->listeners_closing = false;
        listeners_release(&app->listeners);
    }
    timer_set(app->drain, next_look(app, loop_now(app->loop)));
    app_pump(app);
}

/* Words. */

const char *drain_words(const struct process *process, char *text, size_t size)
{
    const struct connections *connections = &process->connections;

    if (process->drain.phase == DRAIN_LEAVING)
        (void)snprintf(text, size, "its accept queue (%u waiting)", lanes_waiting(process));
    else if (process->drain.phase == DRAIN_READING)
        (void)snprintf(text, size, "what its clients have sent to be read");
    else if (!census_knows(process))
        (void)snprintf(text, size, "its requests to end");
    else if (connections->active > 0)
        (void)snprintf(text, size, "its %u request%s to end", connections->active,
                       connections->active == 1 ? "" : "s");
    else if (connections->open > 0)
        (void)snprintf(text, size, "its %u connection%s to end", connections->open,
                       connections->open == 1 ? "" : "s");
    else
        (void)snprintf(text, size, "its process to end");
    return text;
}
