#include "reloadd/server.h"

#include "base/error.h"
#include "base/log.h"
#include "reloadd/app.h"
#include "reloadd/clock.h"
#include "reloadd/process.h"
#include "reloadd/reload.h"
#include "reloadd/status.h"
#include "reloadd/upgrade.h"
#include "wire/present.h"

#include <string.h>

/* A worker that drains is told of once in this time at most. */
#define PICTURE_PAUSE span_from_ms(1000)

/* What an open call waits for. */
enum topic {
    TOPIC_ANSWER,  /* Reload, before it is accepted or refused */
    TOPIC_ROLLOUT, /* Reload and Follow: the steps and the outcome of `revision` */
    TOPIC_LOGS,
    TOPIC_EVENTS,
    TOPIC_END,     /* of the primary, after Stop: the connection ends with it, and not for being
                      idle */
    TOPIC_UPGRADE, /* that its reply has left: then the new program is executed */
};

/* Which lines are wanted; what is absent does not matter. */
struct line_filter {
    struct optional_int slot;
    struct optional_int revision;
    struct optional_float since;
};

struct conversation {
    struct conversation *next;
    struct server *server;
    struct control_client *client;
    enum topic topic;
    bool more;
    bool oneway;
    uint64_t revision;
    struct line_filter filter; /* LOGS */
};

struct server {
    struct app *app;
    int fd;
    struct control *control;
    struct conversation *conversations;
};

/* Sending. */

/* Sends a message that was made, or hangs up where memory did not suffice for it. Consumes
 * `message`. */
static void send_consume(struct control_client *client, int r, char *message, bool oneway)
{
    if (r == 0 && !oneway)
        control_send(client, message, strlen(message));
    else if (r < 0)
        control_close_after_send(client);
    free(message);
}

static void send_error(struct control_client *client, const struct error_view *error,
                       bool oneway)
{
    char *message = NULL;
    int r = present_error(error, &message);

    send_consume(client, r, message, oneway);
    control_done(client);
}

/* Conversations. */

static struct line_filter line_filter_of(const struct varlink_call *call)
{
    return (struct line_filter){call->slot, call->only_revision, call->since};
}

static struct conversation *conversation_open(struct server *server,
                                              struct control_client *client,
                                              const struct varlink_call *call, enum topic topic)
{
    struct conversation *conversation = calloc(1, sizeof(*conversation));

    if (!conversation) {
        control_close_after_send(client);
        return NULL;
    }
    conversation->server = server;
    conversation->client = client;
    conversation->topic = topic;
    conversation->more = call->more;
    conversation->oneway = call->oneway;
    conversation->filter = line_filter_of(call);
    conversation->next = server->conversations;
    server->conversations = conversation;
    return conversation;
}

static void conversation_remove(struct conversation *conversation)
{
    struct conversation **place = &conversation->server->conversations;

    while (*place != conversation)
        place = &(*place)->next;
    *place = conversation->next;
    free(conversation);
}

/* The reply is complete: the client's next call may come. */
static void conversation_end(struct conversation *conversation)
{
    struct control_client *client = conversation->client;

    conversation_remove(conversation);
    control_done(client);
}

static void conversation_send(struct conversation *conversation, int r, char *message)
{
    send_consume(conversation->client, r, message, conversation->oneway);
}

/* Rollouts. */

static void tell_outcome(struct conversation *conversation, enum outcome outcome,
                         const struct reason *reason, struct wall at)
{
    struct app *app = conversation->server->app;
    const struct revision_entry *entry =
        revisions_find(&app->revisions, conversation->revision);
    char text[FAILURE_TEXT_SIZE];
    struct failure_view failure;
    struct outcome_view view = {
        .revision = (int64_t)conversation->revision,
        .release = app_release(app, conversation->revision),
        .outcome = outcome_name(outcome),
        .at = wall_to_seconds(at),
        .seconds = entry ? wall_to_seconds(at) - wall_to_seconds(entry->history.accepted) : 0.0,
    };
    struct progress_view progress = {.revision = view.revision, .outcome = &view};
    char *message = NULL;
    int r;

    if (failure_fill(app, reason, text, &failure))
        view.failure = &failure;
    if (app->last.revision == conversation->revision && app->last.cut > 0)
        view.cut = optional_int((int64_t)app->last.cut);
    r = present_progress(&progress, false, &message);
    conversation_send(conversation, r, message);
    conversation_end(conversation);
}

void server_outcome(struct server *server, const struct effect *outcome)
{
    struct conversation *next;

    for (struct conversation *each = server ? server->conversations : NULL; each; each = next) {
        next = each->next;
        if (each->topic == TOPIC_ROLLOUT && each->revision == outcome->revision)
            tell_outcome(each, outcome->outcome, &outcome->reason, clock_wall());
    }
}

/* Registered as a follower before the rollout's first step, so that none is missed. */
static void reload_answered(void *user, const struct reload_answer *answer)
{
    struct conversation *conversation = user;
    struct progress_view progress = {.revision = (int64_t)answer->revision};
    char *message = NULL;
    int r;

    if (answer->revision == 0) {
        r = present_error(&answer->error, &message);
        conversation_send(conversation, r, message);
        conversation_end(conversation);
        return;
    }
    r = present_progress(&progress, conversation->more, &message);
    conversation_send(conversation, r, message);
    conversation->topic = TOPIC_ROLLOUT;
    conversation->revision = answer->revision;
    if (!conversation->more)
        conversation_end(conversation);
}

/* The state that a record puts its worker in; NULL where it puts it in none. */
static const char *step_state(enum record_kind kind)
{
    static const char *const states[RECORD_N] = {
        [RECORD_WORKER_STARTED] = "spawning", [RECORD_WORKER_SPAWNED] = "starting",
        [RECORD_WORKER_READY] = "warming",    [RECORD_WORKER_ADMITTED] = "admitted",
        [RECORD_WORKER_RETIRED] = "draining", [RECORD_WORKER_KILLED] = "killing",
        [RECORD_WORKER_GONE] = "gone",
    };

    return states[kind];
}

static void step_view_fill(const struct app *app, const struct record *record,
                           struct step_view *ret_view)
{
    const struct worker *worker = rollout_worker(app->rollout, record->worker);
    const struct process *process = process_find(app, record->worker);

    *ret_view = (struct step_view){
        .worker = (int64_t)record->worker,
        .slot = worker ? worker->slot : record->reason.slot,
        .revision = (int64_t)(worker ? worker->revision : record->reason.revision),
        .state = step_state(record->kind),
        .pid = process ? process->pid : 0,
        .at = wall_to_seconds(clock_wall()),
    };
}

/* A worker that was asked to go has no failure to tell, however it went. */
static bool ended_by_itself(const struct app *app, const struct record *record)
{
    const struct process *process = process_find(app, record->worker);

    return record->kind != RECORD_WORKER_GONE || !process || !process->asked_to_go;
}

/* Without min_ready_seconds, a worker is ready and admitted in the same moment. */
static bool is_passing(const struct record *record)
{
    return record->kind == RECORD_WORKER_READY && instant_reached(record->at, record->deadline);
}

static bool is_watching(const struct conversation *conversation)
{
    return conversation->topic == TOPIC_ROLLOUT && conversation->more;
}

static void send_step(struct server *server, const struct step_view *step)
{
    for (struct conversation *each = server->conversations; each; each = each->next) {
        struct progress_view progress = {.revision = (int64_t)each->revision, .step = step};
        char *message = NULL;

        if (is_watching(each)) {
            int r = present_progress(&progress, true, &message);

            conversation_send(each, r, message);
        }
    }
}

static void tell_step(struct server *server, const struct record *record)
{
    struct app *app = server->app;
    const struct process *process = process_find(app, record->worker);
    struct connections_view connections;
    char text[FAILURE_TEXT_SIZE];
    struct failure_view failure;
    struct step_view step;

    if (!step_state(record->kind) || is_passing(record))
        return;
    step_view_fill(app, record, &step);
    if (ended_by_itself(app, record) && failure_fill(app, &record->reason, text, &failure))
        step.failure = &failure;
    if (record->kind == RECORD_WORKER_KILLED && process &&
        connections_fill(process, &connections))
        step.connections = &connections;
    send_step(server, &step);
}

bool server_is_watched(const struct server *server)
{
    for (const struct conversation *each = server ? server->conversations : NULL; each;
         each = each->next)
        if (is_watching(each))
            return true;
    return false;
}

/* Time alone changes nothing in the picture. */
static bool is_same_picture(const struct connections *a, const struct connections *b)
{
    return a->open == b->open && a->active == b->active && a->idle == b->idle;
}

void server_drains(struct server *server, struct process *process)
{
    struct instant now = loop_now(process->app->loop);
    struct drain *drain = &process->drain;
    struct connections_view connections;
    struct step_view step = {
        .worker = (int64_t)process->worker,
        .slot = process->slot,
        .revision = (int64_t)process->revision,
        .state = worker_state_name(WORKER_DRAINING),
        .pid = process->pid,
        .at = wall_to_seconds(clock_wall()),
        .connections = &connections,
    };

    if (!server_is_watched(server) || is_same_picture(&drain->told, &process->connections) ||
        (drain->told_at.nanoseconds != 0 &&
         !instant_reached(now, instant_plus(drain->told_at, PICTURE_PAUSE))) ||
        !connections_fill(process, &connections))
        return;
    drain->told = process->connections;
    drain->told_at = now;
    send_step(server, &step);
}

void server_publish(struct server *server, const struct record *record, const char *line,
                    size_t size)
{
    _cleanup_free_ char *copy = NULL;

    if (!server || !server->conversations)
        return;
    tell_step(server, record);
    copy = strndup(line, size);
    for (struct conversation *each = server->conversations; copy && size > 0 && each;
         each = each->next) {
        char *message = NULL;

        if (each->topic == TOPIC_EVENTS) {
            int r = present_event(copy, true, &message);

            conversation_send(each, r, message);
        }
    }
}

/* Logs. */

static bool line_is_wanted(const struct output_line *line, const void *user)
{
    const struct line_filter *filter = user;
    const struct optional_int *slot = &filter->slot;
    const struct optional_int *revision = &filter->revision;

    if (slot->present && (line->worker == 0 || line->slot != slot->value))
        return false;
    if (revision->present && (line->worker == 0 || (int64_t)line->revision != revision->value))
        return false;
    return !filter->since.present || wall_to_seconds(line->at) >= filter->since.value;
}

static struct line_view line_view_of(const struct output_line *line)
{
    struct line_view view = {.at = wall_to_seconds(line->at), .text = line->text};

    if (line->worker != 0) {
        view.slot = optional_int(line->slot);
        view.revision = optional_int((int64_t)line->revision);
        view.worker = optional_int((int64_t)line->worker);
    }
    return view;
}

void server_line(struct server *server, const struct output_line *line)
{
    struct line_view view = line_view_of(line);
    struct logs_view logs = {.lines = &view, .line_n = 1};

    for (struct conversation *each = server ? server->conversations : NULL; each;
         each = each->next) {
        char *message = NULL;

        if (each->topic == TOPIC_LOGS && line_is_wanted(line, &each->filter)) {
            int r = present_logs(&logs, true, &message);

            conversation_send(each, r, message);
        }
    }
}

/* The methods. */

static void method_status(struct server *server, struct control_client *client,
                          const struct varlink_call *call)
{
    char *message = NULL;
    int r = status_message(server->app, &message);

    send_consume(client, r, message, call->oneway);
    control_done(client);
}

static void method_history(struct server *server, struct control_client *client,
                           const struct varlink_call *call)
{
    char *message = NULL;
    int r = history_message(server->app, &message);

    send_consume(client, r, message, call->oneway);
    control_done(client);
}

static void method_reload(struct server *server, struct control_client *client,
                          const struct varlink_call *call)
{
    struct conversation *conversation = conversation_open(server, client, call, TOPIC_ANSWER);

    if (conversation)
        reload_wish(server->app, &(struct reload_wish){
                                     .release = call->release,
                                     .conflict = call->conflict,
                                     .answered = reload_answered,
                                     .user = conversation,
                                 });
}

static bool revision_is_open(const struct rollout *rollout, uint64_t revision)
{
    for (size_t i = 0; i < rollout->queue_n; i++)
        if (rollout->queue[i] == revision)
            return true;
    return rollout->trial == revision && revision != 0;
}

static void method_follow(struct server *server, struct control_client *client,
                          const struct varlink_call *call)
{
    struct app *app = server->app;
    const struct revision_entry *entry = revisions_find(&app->revisions, call->revision);
    struct conversation *conversation;

    if (!revision_is_open(app->rollout, call->revision) &&
        !(entry && entry->history.outcome != OUTCOME_NONE)) {
        send_error(client,
                   &(struct error_view){.kind = ERROR_NO_SUCH_REVISION,
                                        .revision = (int64_t)call->revision},
                   call->oneway);
        return;
    }
    conversation = conversation_open(server, client, call, TOPIC_ROLLOUT);
    if (!conversation)
        return;
    conversation->revision = call->revision;
    if (!revision_is_open(app->rollout, call->revision))
        tell_outcome(conversation, entry->history.outcome, &entry->history.reason,
                     entry->history.ended);
}

/* Whether a wish that must be durable can be taken now; says to the client why not. */
static bool can_be_changed(struct server *server, struct control_client *client, bool oneway)
{
    struct app *app = server->app;

    if (app->rollout->state >= ROLLOUT_STOPPING) {
        send_error(client, &(struct error_view){.kind = ERROR_STOPPING}, oneway);
        return false;
    }
    if (state_journal_trouble(app->journal) && app_compact(app) < 0) {
        send_error(client,
                   &(struct error_view){.kind = ERROR_JOURNAL_FAILED,
                                        .text = state_journal_trouble(app->journal)},
                   oneway);
        return false;
    }
    return true;
}

static void method_scale(struct server *server, struct control_client *client,
                         const struct varlink_call *call)
{
    struct app *app = server->app;
    struct scale_view view = {.before = rollout_desired(app->rollout)};
    char *message = NULL;
    int r;

    if (!can_be_changed(server, client, call->oneway))
        return;
    app_post(app, &(struct event){.kind = EVENT_SCALE, .workers = call->workers});
    app_pump(app);
    view.desired = rollout_desired(app->rollout);
    r = present_scale(&view, &message);
    send_consume(client, r, message, call->oneway);
    control_done(client);
}

static void method_stop(struct server *server, struct control_client *client,
                        const struct varlink_call *call)
{
    char *message = NULL;
    int r = present_done(false, &message);

    send_consume(client, r, message, call->oneway);
    (void)conversation_open(server, client, call, TOPIC_END);
    app_post(server->app, &(struct event){.kind = EVENT_STOP});
    if (call->hurry)
        app_post(server->app, &(struct event){.kind = EVENT_HURRY});
    app_pump(server->app);
}

/* All lines in one reply, or one reply a line. */
static void send_lines(struct control_client *client, const struct varlink_call *call,
                       const struct line_view *views, size_t n)
{
    size_t at_once = call->more ? 1 : n;
    size_t i = 0;

    do {
        struct logs_view logs = {.lines = views + i,
                                 .line_n = n - i < at_once ? n - i : at_once};
        bool last = i + logs.line_n >= n && !call->follow;
        char *message = NULL;
        int r;

        if (n == 0 && call->follow)
            return;
        r = present_logs(&logs, call->more && !last, &message);
        send_consume(client, r, message, call->oneway);
        i += logs.line_n;
    } while (i < n);
}

static void method_logs(struct server *server, struct control_client *client,
                        const struct varlink_call *call)
{
    size_t max = call->lines.present ? (size_t)call->lines.value : LOG_LINES_DEFAULT;
    _cleanup_free_ const struct output_line **lines = calloc(max + 1, sizeof(*lines));
    _cleanup_free_ struct line_view *views = calloc(max + 1, sizeof(*views));
    const struct line_filter filter = line_filter_of(call);
    size_t n;

    if (!lines || !views) {
        control_close_after_send(client);
        return;
    }
    n = output_tail(server->app->output, line_is_wanted, &filter, lines, max);
    for (size_t i = 0; i < n; i++)
        views[i] = line_view_of(lines[i]);
    send_lines(client, call, views, n);
    if (call->follow && call->more)
        (void)conversation_open(server, client, call, TOPIC_LOGS);
    else
        control_done(client);
}

static void method_events(struct server *server, struct control_client *client,
                          const struct varlink_call *call)
{
    if (!call->more)
        send_error(client, &(struct error_view){.kind = ERROR_EXPECTED_MORE}, call->oneway);
    else
        (void)conversation_open(server, client, call, TOPIC_EVENTS);
}

/* Who asks must hear that it will be done before his connection ends with the program: it is
 * executed when the reply has left (on_drained()), and not at all if he hangs up before. */
static void method_upgrade(struct server *server, struct control_client *client,
                           const struct varlink_call *call)
{
    struct app *app = server->app;
    struct error_view refusal = {.kind = ERROR_UPGRADE_REFUSED};
    char error[UPGRADE_ERROR_SIZE];
    char *message = NULL;
    int r = upgrade_begin(app, error);

    if (r != 0) {
        refusal.text = r == 1 ? error : strerror(-r);
        app_say(app, LEVEL_ERROR, "upgrade refused: %s", refusal.text);
        send_error(client, &refusal, call->oneway);
        return;
    }
    if (call->oneway)
        upgrade_execute(app);
    if (!conversation_open(server, client, call, TOPIC_UPGRADE))
        return;
    r = present_done(call->more, &message);
    send_consume(client, r, message, false);
}

static void method_info(struct server *server, struct control_client *client,
                        const struct varlink_call *call)
{
    char *message = NULL;
    int r = present_info(&message);

    (void)server;
    send_consume(client, r, message, call->oneway);
    control_done(client);
}

static void method_description(struct server *server, struct control_client *client,
                               const struct varlink_call *call)
{
    char *message = NULL;
    int r = present_description(call->interface, &message);

    (void)server;
    send_consume(client, r, message, call->oneway);
    control_done(client);
}

typedef void method_function(struct server *, struct control_client *,
                             const struct varlink_call *);

static method_function *const method_functions[METHOD_N] = {
    [METHOD_STATUS] = method_status,
    [METHOD_RELOAD] = method_reload,
    [METHOD_FOLLOW] = method_follow,
    [METHOD_SCALE] = method_scale,
    [METHOD_STOP] = method_stop,
    [METHOD_LOGS] = method_logs,
    [METHOD_HISTORY] = method_history,
    [METHOD_EVENTS] = method_events,
    [METHOD_UPGRADE] = method_upgrade,
    [METHOD_GET_INFO] = method_info,
    [METHOD_GET_INTERFACE_DESCRIPTION] = method_description,
};

/* The control socket. */

static void refuse(struct control_client *client, const struct varlink_call *call,
                   const struct varlink_refusal *refusal)
{
    char *message = NULL;
    int r = present_refusal(refusal, &message);

    send_consume(client, r, message, call->oneway);
    control_done(client);
}

static void on_message(void *user, struct control_client *client, const char *text, size_t size)
{
    struct server *server = user;
    _cleanup_(varlink_call_release) struct varlink_call call = {0};
    struct varlink_refusal refusal;
    struct fault fault;
    int r = varlink_call_decode(text, size, &call, &refusal, &fault);

    if (r == 0) {
        method_functions[call.method](server, client, &call);
        return;
    }
    if (r == VARLINK_REFUSED) {
        refuse(client, &call, &refusal);
        return;
    }
    if (r == VARLINK_GARBAGE)
        log_debug("control: pid %d hung up on: %s", control_client_pid(client), fault.text);
    control_close_after_send(client);
}

static struct conversation *conversation_find(const struct server *server,
                                              const struct control_client *client)
{
    for (struct conversation *each = server->conversations; each; each = each->next)
        if (each->client == client)
            return each;
    return NULL;
}

static void on_drained(void *user, struct control_client *client)
{
    const struct server *server = user;
    const struct conversation *conversation = conversation_find(server, client);

    if (conversation && conversation->topic == TOPIC_UPGRADE)
        upgrade_execute(server->app);
}

static void on_closed(void *user, struct control_client *client)
{
    struct server *server = user;
    struct conversation *next;

    for (struct conversation *each = server->conversations; each; each = next) {
        next = each->next;
        if (each->client == client) {
            reload_orphan(server->app, each);
            conversation_remove(each);
        }
    }
}

static bool is_allowed(void *user, uid_t uid)
{
    (void)user;
    return uid == 0 || uid == geteuid();
}

int server_new_take(struct app *app, int fd, struct server **ret_server)
{
    static const struct control_handlers handlers = {
        .allow = is_allowed,
        .message = on_message,
        .drained = on_drained,
        .closed = on_closed,
        .denied = "{\"error\":\"io.reloadd.NotAllowed\",\"parameters\":{\"text\":"
                  "\"only root and the primary's own user may talk to it\"}}",
        .crowded = "{\"error\":\"io.reloadd.NotAllowed\",\"parameters\":{\"text\":"
                   "\"too many clients\"}}",
    };
    struct control_limits limits = control_limits_default();
    struct server *server = calloc(1, sizeof(*server));
    int r;

    if (!server)
        return -ENOMEM;
    server->app = app;
    r = control_new(app->loop, fd, &handlers, &limits, server, &server->control);
    if (r < 0) {
        free(server);
        return r;
    }
    server->fd = fd;
    *ret_server = server;
    return 0;
}

void server_free(struct server *server)
{
    if (!server)
        return;
    control_free(server->control);
    (void)close_fd(server->fd);
    free(server);
}
