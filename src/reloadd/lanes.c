#include "reloadd/lanes.h"

#include "base/log.h"
#include "os/handshakes.h"
#include "os/listener.h"
#include "reloadd/app.h"
#include "reloadd/process.h"

#include <string.h>

/* A client whose last word of the handshake got lost says it again with its request, after a
 * second. Whoever takes longer waits for the next worker of the lane. */
#define HANDSHAKES_PATIENCE span_from_ms(3000)

/* HAProxy and Starman shut their listeners down when they are asked to go; most never do. */
#define LOOK_WHILE_LEAVING span_from_ms(50)
#define LOOK_PAUSE         span_from_ms(2000)

/* Who is where. */

static bool lives(const struct process *process)
{
    return process->pid > 0 && !process->ended;
}

/* Its lane of this listener; lane 0 where it has no other. */
static uint32_t lane_of(const struct process *process, const struct listener *listener)
{
    return process->lane < listener->lanes.n ? process->lane : 0;
}

static bool is_taken(const struct app *app, uint32_t lane, const struct process *but)
{
    for (const struct process *each = app->processes; each; each = each->next)
        if (each != but && lives(each) && each->lane == lane)
            return true;
    return false;
}

/* The group as it can be changed: whoever gives us a listener has it from app->listeners. */
static struct lane_group *group_of(const struct listener *listener)
{
    return &((struct listener *)(uintptr_t)listener)->lanes;
}

int lanes_fd(const struct process *process, const struct listener *listener)
{
    uint32_t lane = lane_of(process, listener);

    return lane == 0 ? listener->fd : listener->lanes.lanes[lane].fd;
}

uint64_t lanes_inode(const struct process *process, const struct listener *listener)
{
    uint32_t lane = lane_of(process, listener);

    return lane == 0 ? listener->identity.inode : listener->lanes.lanes[lane].inode;
}

bool lanes_is_own(const struct process *process, const struct listener *listener)
{
    return listener->lanes.n > 0 && lane_of(process, listener) == process->lane &&
           !is_taken(process->app, process->lane, process);
}

bool lanes_has_own(const struct process *process)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(process, list);

    for (size_t i = 0; i < n; i++)
        if (lanes_is_own(process, list[i]))
            return true;
    return false;
}

unsigned lanes_waiting(const struct process *process)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(process, list);
    unsigned waiting = 0;

    for (size_t i = 0; i < n; i++)
        if (lanes_is_own(process, list[i]))
            waiting += lane_group_waiting(&list[i]->lanes, process->lane);
    return waiting;
}

/* Seats. */

/* What waits in this lane of all listeners. */
static unsigned waiting_in(const struct app *app, uint32_t lane)
{
    unsigned waiting = 0;

    for (size_t i = 0; i < app->listeners.n; i++)
        waiting += lane_group_waiting(&app->listeners.items[i].lanes, lane);
    return waiting;
}

static uint32_t lanes_open(const struct app *app)
{
    size_t n = 1;

    for (size_t i = 0; i < app->listeners.n; i++)
        if (app->listeners.items[i].lanes.n > n)
            n = app->listeners.items[i].lanes.n;
    return (uint32_t)n;
}

/* Whether all lanes of this number are there: one that got lost can't be given to anybody. */
static bool is_whole(const struct app *app, uint32_t lane)
{
    for (size_t i = 0; i < app->listeners.n; i++) {
        const struct lane_group *group = &app->listeners.items[i].lanes;

        if (lane < group->n && group->lanes[lane].fd < 0)
            return false;
    }
    return true;
}

/* Whether no client may come to it before it has proved itself to a probe. */
static bool must_be_proved(const struct process *process)
{
    const struct rollout *rollout = process->app->rollout;

    return rollout->stable != 0 && process->revision == rollout->trial &&
           readiness_probes(app_spec(process->app, process->revision)->policy.readiness);
}

/* What a worker that has crashed, or was killed, has left waiting is for whoever comes next. */
static uint32_t choose_seat(const struct process *process)
{
    const struct app *app = process->app;
    bool quiet = must_be_proved(process);
    uint32_t lanes = lanes_open(app);
    uint32_t best = lanes;
    unsigned most = 0;

    for (uint32_t lane = 0; lane < lanes; lane++) {
        unsigned waiting;

        if (is_taken(app, lane, process) || !is_whole(app, lane))
            continue;
        waiting = waiting_in(app, lane);
        if (quiet ? waiting == 0 && best == lanes : best == lanes || waiting > most) {
            best = lane;
            most = waiting;
        }
    }
    while (is_taken(app, best, process)) /* in none of the lanes that are open yet */
        best++;
    return best;
}

static bool is_steered(const struct app *app, uint64_t revision)
{
    return app_spec(app, revision)->dispatch == DISPATCH_AUTO;
}

/* Where lanes can't be opened for it, it shares lane 0. */
static int open_for(struct process *process, const struct listener *listener)
{
    struct lane_group *group = group_of(listener);
    int r = lane_group_begin(group, listener->fd, process->app->listeners.store, NULL, 0);

    if (r < 0 || group->n == 0)
        return r;
    r = lane_group_grow(group, (size_t)process->lane + 1);
    if (r != 0)
        app_say(process->app, LEVEL_WARNING,
                "%s can't get a lane for worker %llu, which shares another: %s",
                listener->bound, (unsigned long long)process->worker,
                r == 1 ? "the kernel refuses it" : strerror(-r));
    return 0;
}

/* The next worker expects its socket as programs expect one (os/listener.h), whatever the last
 * one has made of it. */
static void set_blocking(const struct process *process, const struct listener *listener)
{
    const struct spec *spec = app_spec(process->app, process->revision);
    int r = lanes_is_own(process, listener)
                ? listener_set_nonblocking(lanes_fd(process, listener),
                                           listeners_must_not_block(spec))
                : 0;

    if (r < 0)
        log_warning("%s: O_NONBLOCK can't be set: %s", listener->bound, strerror(-r));
}

int lanes_seat(struct process *process)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(process, list);
    int r = 0;

    if (!is_steered(process->app, process->revision))
        return 0;
    process->lane = choose_seat(process);
    timer_set(process->app->lanes, instant_plus(loop_now(process->app->loop), LOOK_PAUSE));
    for (size_t i = 0; i < n && r == 0; i++)
        r = open_for(process, list[i]);
    for (size_t i = 0; i < n && r == 0; i++)
        set_blocking(process, list[i]);
    return r;
}

int lanes_join(struct process *process, const struct listener *listener)
{
    int r = is_steered(process->app, process->revision) ? open_for(process, listener) : 0;

    if (r == 0 && listener->lanes.n > 0)
        lanes_steer(process->app);
    return r;
}

/* The plan. */

enum { LANES_MAX = STEERING_SHARES_MAX };

struct plan {
    struct lane_share shares[LANES_MAX];
    size_t n;
};

static void plan_add(struct plan *plan, uint32_t lane)
{
    for (size_t i = 0; i < plan->n; i++)
        if (plan->shares[i].lane == lane) {
            plan->shares[i].weight++;
            return;
        }
    if (plan->n < LANES_MAX)
        plan->shares[plan->n++] = (struct lane_share){.lane = lane, .weight = 1};
}

static bool has_listener(const struct process *process, const struct listener *listener)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(process, list);

    for (size_t i = 0; i < n; i++)
        if (list[i] == listener)
            return true;
    return false;
}

static bool is_well(const struct worker *worker)
{
    return worker->state == WORKER_ADMITTED && worker->unhealthy.cause == CAUSE_NONE;
}

static bool is_admitted(const struct worker *worker)
{
    return worker->state == WORKER_ADMITTED;
}

static bool is_coming(const struct worker *worker)
{
    return worker->state == WORKER_STARTING || worker->state == WORKER_WARMING;
}

static bool is_leaving(const struct worker *worker)
{
    return worker->state == WORKER_DRAINING;
}

/* Those who have the listener and fit; the oldest first. */
static void plan_those(struct plan *plan, const struct app *app,
                       const struct listener *listener,
                       bool (*fits)(const struct worker *worker))
{
    for (size_t i = 0; i < app->rollout->worker_n; i++) {
        const struct worker *worker = &app->rollout->workers[i];
        const struct process *process = fits(worker) ? process_find(app, worker->id) : NULL;

        if (process && lives(process) && has_listener(process, listener))
            plan_add(plan, lane_of(process, listener));
    }
}

/* Nobody is admitted: what comes waits where it will be served the soonest. That is with those
 * who are to go, where no others will ever come for this listener; or with the oldest of those
 * who are about to be ready; or in a lane that is nobody's yet. */
static void plan_waiting_room(struct plan *plan, const struct app *app,
                              const struct listener *listener)
{
    plan_those(plan, app, listener, is_coming);
    if (plan->n > 1)
        plan->n = 1;
    if (plan->n == 0)
        plan_those(plan, app, listener, is_leaving);
    for (uint32_t lane = 0; plan->n == 0 && lane < listener->lanes.n; lane++)
        if (!is_taken(app, lane, NULL))
            plan_add(plan, lane);
}

static void plan_make(struct plan *plan, const struct app *app, const struct listener *listener)
{
    /* What comes while the app stops is for its next start, and lane 0 is what lives on. */
    if (app->rollout->state >= ROLLOUT_STOPPING) {
        plan_add(plan, 0);
        return;
    }
    /* A worker that fails its probes is left out, unless all do. */
    plan_those(plan, app, listener, is_well);
    if (plan->n == 0)
        plan_those(plan, app, listener, is_admitted);
    if (plan->n == 0)
        plan_waiting_room(plan, app, listener);
}

static void steer(struct app *app, struct listener *listener)
{
    struct plan plan = {.n = 0};
    int r;

    plan_make(&plan, app, listener);
    r = lane_group_steer(&listener->lanes, plan.shares, plan.n);
    if (r < 0)
        app_say(app, LEVEL_ERROR, "%s can't be steered anew: %s; the last plan stays in force",
                listener->bound, strerror(-r));
}

void lanes_steer(struct app *app)
{
    for (size_t i = 0; i < app->listeners.n; i++)
        if (app->listeners.items[i].lanes.n > 0)
            steer(app, &app->listeners.items[i]);
}

static void mend(struct app *app)
{
    bool mended = false;

    for (size_t i = 0; i < app->listeners.n; i++) {
        struct listener *listener = &app->listeners.items[i];
        int r = listener->lanes.n > 0 ? lane_group_mend(&listener->lanes) : 0;

        if (r < 0)
            app_say(app, LEVEL_ERROR,
                    "%s: a lane that its program has shut down can't be mended: %s",
                    listener->bound, strerror(-r));
        mended |= r == 1;
    }
    if (mended)
        lanes_steer(app);
}

static bool somebody_leaves(const struct app *app)
{
    for (const struct process *each = app->processes; each; each = each->next)
        if (each->asked_to_go && lives(each))
            return true;
    return false;
}

void lanes_look(void *user)
{
    struct app *app = user;
    bool often = somebody_leaves(app);

    mend(app);
    timer_set(app->lanes,
              instant_plus(loop_now(app->loop), often ? LOOK_WHILE_LEAVING : LOOK_PAUSE));
}

/* Leaving. */

static int take_handshakes(struct process *process, const struct listener *list[], size_t n)
{
    process->handshakes = calloc(n + 1, sizeof(*process->handshakes));
    if (!process->handshakes)
        return -ENOMEM;
    process->handshakes_until = instant_plus(loop_now(process->app->loop), HANDSHAKES_PATIENCE);
    for (size_t i = 0; i < n; i++) {
        int r = lanes_is_own(process, list[i])
                    ? handshakes_take(list[i]->fd, &process->handshakes[process->handshakes_n])
                    : 1;

        if (r < 0)
            return r;
        process->handshakes_n += r == 0;
    }
    return 0;
}

static bool has_handshakes(struct process *process)
{
    bool any = false;

    if (instant_reached(loop_now(process->app->loop), process->handshakes_until))
        return false;
    for (size_t i = 0; i < process->handshakes_n; i++)
        any |= handshakes_refresh(&process->handshakes[i]) == 0 &&
               process->handshakes[i].count > 0;
    return any;
}

/* Whether it is the waiting room for one of its listeners: then more will always come. */
static bool is_named(const struct process *process, const struct listener *list[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lanes_is_own(process, list[i]) && lane_group_names(&list[i]->lanes, process->lane))
            return true;
    return false;
}

bool lanes_have_emptied(struct process *process)
{
    const struct listener *list[PROCESS_LISTENERS_MAX];
    size_t n = process_listeners(process, list);

    if (is_named(process, list, n))
        return true;
    if (!process->handshakes && take_handshakes(process, list, n) < 0)
        return lanes_waiting(process) == 0;
    return !has_handshakes(process) && lanes_waiting(process) == 0;
}

void lanes_leave(struct process *process)
{
    for (size_t i = 0; i < process->handshakes_n; i++)
        handshakes_release(&process->handshakes[i]);
    free(process->handshakes);
    process->handshakes = NULL;
    process->handshakes_n = 0;
}

/* Beginning again. */

/* Whom the plan of the earlier primary named, as far as is known: those that are admitted, and
 * those of whom the journal knows nothing, for they may well have been. */
static void plan_left(struct plan *plan, const struct app *app)
{
    for (size_t i = 0; i < app->store.n; i++) {
        const struct stored_fd *item = &app->store.items[i];
        const struct worker *worker;
        struct stored_worker stored;

        if (item->fd < 0 || !fd_store_read_worker(item->name, &stored))
            continue;
        worker = rollout_worker(app->rollout, stored.worker);
        if (!worker || worker->state == WORKER_ADMITTED)
            plan_add(plan, stored.lane);
    }
}

int lanes_recover(struct app *app)
{
    struct plan plan = {.n = 0};
    int r = 0;

    timer_set(app->lanes, instant_plus(loop_now(app->loop), LOOK_PAUSE));
    plan_left(&plan, app);
    for (size_t i = 0; i < app->listeners.n && r == 0; i++) {
        struct listener *listener = &app->listeners.items[i];

        if (lane_group_was_left(listener->fd, &app->store))
            r = lane_group_begin(&listener->lanes, listener->fd, &app->store, plan.shares,
                                 plan.n);
    }
    return r;
}

/* Probes. */

int lanes_probe_begin(struct process *process, const struct listener *listener,
                      struct steering_probe_ends *ret_ends)
{
    if (!lanes_is_own(process, listener))
        return 1;
    return lane_group_probe(group_of(listener), process->lane, ret_ends);
}

void lanes_probe_end(struct process *process, const struct steering_probe_ends *ends)
{
    for (size_t i = 0; i < process->app->listeners.n; i++)
        lane_group_probe_end(&process->app->listeners.items[i].lanes, ends);
}
