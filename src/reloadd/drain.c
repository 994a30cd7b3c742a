#include "reloadd/drain.h"

#include "base/log.h"
#include "os/detach.h"
#include "os/unread.h"
#include "reloadd/app.h"
#include "reloadd/process.h"

#include <string.h>

#define LOOK_PAUSE span_from_ms(10)

enum {
    PIDS_MAX = 128,
    LISTENERS_MAX = 64,
    QUIET_LOOKS = 2, /* in a row: a connection may be between two reads at one of them */
};

static void send_signal(struct process *process)
{
    process->quieting = false;
    process_signal(process, app_spec(process->app, process->revision)->drain_signal);
    /* Written down after it was done: a primary that is killed between the two makes the next
     * one send the signal a second time, which is better than never. */
    app_post(process->app, &(struct event){.kind = EVENT_ASKED, .worker = process->worker});
}

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

/* Whether it was taken off at least one of its listeners. */
static bool detach(const struct process *process)
{
    const struct app *app = process->app;
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t list_n = process_listeners(process, list);
    struct detach_listener listeners[LISTENERS_MAX];
    pid_t pids[PIDS_MAX];
    size_t pid_n = process_pids(process, pids, PIDS_MAX);
    size_t n = 0;
    size_t count = 0;
    int r;

    for (size_t i = 0; i < list_n && n < LISTENERS_MAX; i++)
        if (has_successors(app, list[i]))
            listeners[n++] = (struct detach_listener){list[i]->fd, list[i]->identity.inode};
    r = n > 0 ? detach_from_listeners(pids, pid_n, listeners, n, &count) : 0;
    if (r < 0)
        log_debug("worker %llu can't be detached: %s", (unsigned long long)process->worker,
                  strerror(-r));
    return r == 0 && count > 0;
}

/* Where it can't be seen, nothing is waited for. */
static enum unread_state look(const struct process *process)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t list_n = process_listeners(process, list);
    pid_t pids[PIDS_MAX];
    uint16_t ports[LISTENERS_MAX];
    size_t port_n = 0;
    bool with_unix = false;
    enum unread_state state = UNREAD_NO_CONNECTION;

    for (size_t i = 0; i < list_n && port_n < LISTENERS_MAX; i++) {
        if (list[i]->port == 0)
            with_unix = true;
        else
            ports[port_n++] = list[i]->port;
    }
    (void)unread_look(pids, process_pids(process, pids, PIDS_MAX), ports, port_n, with_unix,
                      &state);
    return state;
}

void drain_begin(struct process *process)
{
    struct app *app = process->app;
    const struct worker *worker = rollout_worker(app->rollout, process->worker);
    bool has_served = worker && !instant_is_never(worker->ready);

    if (!has_served || !app_spec(app, process->revision)->drain_detach || !detach(process)) {
        send_signal(process);
        return;
    }
    process->quieting = true;
    /* It may be about to accept what it was woken for before: one look is never enough. */
    process->quiet_looks = look(process) == UNREAD_NO_CONNECTION ? 1 : 0;
    process->quiet_deadline =
        instant_plus(loop_now(app->loop), span_from_ms(DRAIN_QUIET_MAX_MS));
    timer_set(app->drain, instant_plus(loop_now(app->loop), LOOK_PAUSE));
}

void drain_look(void *user)
{
    struct app *app = user;
    struct instant now = loop_now(app->loop);
    bool again = false;

    for (struct process *each = app->processes; each; each = each->next) {
        if (!each->quieting)
            continue;
        each->quiet_looks = look(each) == UNREAD_BYTES ? 0 : each->quiet_looks + 1;
        if (each->ended || each->quiet_looks >= QUIET_LOOKS ||
            instant_reached(now, each->quiet_deadline))
            send_signal(each);
        else
            again = true;
    }
    if (again)
        timer_set(app->drain, instant_plus(now, LOOK_PAUSE));
    app_pump(app);
}
