#include "reloadd/reload.h"

#include "base/error.h"
#include "base/log.h"
#include "reloadd/app.h"
#include "reloadd/check.h"
#include "reloadd/clock.h"
#include "reloadd/load.h"
#include "reloadd/manager.h"
#include "wire/strings.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

struct reload {
    struct reload *next;
    struct app *app;
    char *release;
    enum conflict conflict;
    void (*answered)(void *user, const struct reload_answer *answer);
    void *user;
    bool begun;
    struct spec spec;
    struct check *check;
};

static void reload_advance(struct app *app);

static void reload_free(struct reload *reload)
{
    check_free(reload->check);
    spec_release(&reload->spec);
    free(reload->release);
    free(reload);
}

/* The oldest wish has its answer; the next one's turn comes. */
static void reload_finish(struct reload *reload, const struct reload_answer *answer)
{
    struct app *app = reload->app;

    assert(app->reloads == reload);
    if (reload->answered)
        reload->answered(reload->user, answer);
    app->reloads = reload->next;
    reload_free(reload);
    reload_advance(app);
    manager_update(app->manager);
}

static void remember_refusal(struct app *app, const char *text)
{
    free(app->last_refusal);
    app->last_refusal = text ? strdup(text) : NULL;
}

static void reload_refuse(struct reload *reload, const struct error_view *error)
{
    struct reload_answer answer = {.error = *error};
    const char *text = error->text ? error->text : "the app is stopping";

    remember_refusal(reload->app, text);
    app_say(reload->app, LEVEL_ERROR, "reload refused: %s", text);
    reload_finish(reload, &answer);
}

static void refuse_stopping(struct reload *reload)
{
    reload_refuse(reload, &(struct error_view){.kind = ERROR_STOPPING});
}

static void refuse_journal(struct reload *reload)
{
    const char *trouble = state_journal_trouble(reload->app->journal);
    char text[256];

    /* The journal may be well, and the revision could not even be written down. */
    (void)snprintf(text, sizeof(text), "the state journal in %s can't be written: %s",
                   reload->app->directories.state, trouble ? trouble : "out of memory");
    reload_refuse(reload, &(struct error_view){.kind = ERROR_JOURNAL_FAILED, .text = text});
}

/* Whether the core would refuse it for the sake of those that are under way. */
static bool refused_as_busy(struct reload *reload)
{
    const struct rollout *rollout = reload->app->rollout;
    char text[128];

    if (rollout->revision_n == REVISION_MAX) {
        reload_refuse(reload, &(struct error_view){.kind = ERROR_BUSY,
                                                   .text = "too many revisions still drain",
                                                   .revision = (int64_t)rollout->stable});
        return true;
    }
    if (!rollout_is_busy(rollout) || reload->conflict == CONFLICT_SUPERSEDE ||
        (reload->conflict == CONFLICT_QUEUE && rollout->queue_n < QUEUE_MAX))
        return false;
    (void)snprintf(text, sizeof(text), "the rollout of revision %llu is under way%s",
                   (unsigned long long)rollout->trial,
                   reload->conflict == CONFLICT_QUEUE ? ", and its queue is full" : "");
    reload_refuse(reload, &(struct error_view){.kind = ERROR_BUSY,
                                               .text = text,
                                               .revision = (int64_t)rollout->trial});
    return true;
}

static void refuse_messages(struct reload *reload, const char *const *messages, size_t n)
{
    reload_refuse(reload, &(struct error_view){.kind = ERROR_CONFIG_INVALID,
                                               .text = n > 0 ? messages[0] : "out of memory",
                                               .messages = messages,
                                               .message_n = n});
}

static void refuse_config(struct reload *reload, const struct config_errors *errors)
{
    _cleanup_free_ const char **messages = calloc(errors->n + 1, sizeof(*messages));
    size_t n = 0;

    for (size_t i = 0; messages && i < errors->n; i++) {
        char *line = NULL;

        if (config_error_format(&errors->list[i], reload->app->options->config, &line) == 0)
            messages[n++] = line;
    }
    for (size_t i = 1; i < n; i++)
        app_say(reload->app, LEVEL_ERROR, "%s", messages[i]);
    refuse_messages(reload, messages, n);
    while (n > 0)
        free((void *)(uintptr_t)messages[--n]);
}

/* Pins the revision and tells the core. Returns its number, or 0 where the journal refused it.
 */
static uint64_t accept_revision(struct app *app, struct spec *spec)
{
    uint64_t revision = app->rollout->last_revision + 1;
    _cleanup_free_ char *text = NULL;
    int r = spec_encode(spec, &text);

    if (r == 0)
        r = revisions_pin_take(&app->revisions, revision, clock_wall(), spec, &text);
    if (r < 0) {
        app_say(app, LEVEL_ERROR, "revision %llu can't be pinned: %s",
                (unsigned long long)revision, strerror(-r));
        return 0;
    }
    app_post(app, &(struct event){.kind = EVENT_ACCEPT,
                                  .revision = revision,
                                  .policy = &app_spec(app, revision)->policy});
    app_pump(app);
    /* Accepted means durable; an update without effects may not have been synced. */
    if (state_journal_sync(app->journal) < 0) {
        revisions_end(&app->revisions, revision, clock_wall(), OUTCOME_REFUSED,
                      &(struct reason){.cause = CAUSE_JOURNAL});
        return 0;
    }
    return revision;
}

/* What no socket unit holds can be left out at a start; a reload that wants it anew must fail.
 */
static int complete_listeners(struct app *app, struct spec *spec,
                              char error[static LISTENERS_ERROR_SIZE])
{
    const struct revision_entry *running =
        revisions_find(&app->revisions, app->rollout->target);
    int r = listeners_complete(&app->listeners, spec, error);

    if (r == 0 && running && running->pinned)
        r = listeners_refuse_new(spec, &running->spec, error);
    if (r == 0 && listeners_warn(spec, error))
        app_say(app, LEVEL_WARNING, "%s", error);
    return r;
}

static void reload_accept(struct reload *reload)
{
    struct app *app = reload->app;
    char error[LISTENERS_ERROR_SIZE];
    const char *message = error;
    struct reload_answer answer = {0};
    enum conflict conflict = reload->conflict;
    int r;

    if (app->rollout->state >= ROLLOUT_STOPPING) {
        refuse_stopping(reload);
        return;
    }
    if (refused_as_busy(reload))
        return;
    r = complete_listeners(app, &reload->spec, error);
    if (r == 0)
        r = listeners_open(&app->listeners, &reload->spec, error);
    if (r != 0) {
        refuse_messages(reload, &message, r == 1 ? 1 : 0);
        return;
    }
    answer.revision = accept_revision(app, &reload->spec);
    if (answer.revision == 0) {
        app->listeners_changed = true;
        refuse_journal(reload);
        return;
    }
    remember_refusal(app, NULL);
    app_post(app, &(struct event){
                      .kind = EVENT_RELOAD, .revision = answer.revision, .conflict = conflict});
    reload_finish(reload, &answer);
    app_pump(app);
}

static void on_checked(void *user, const struct check_result *result)
{
    struct reload *reload = user;
    char text[256];

    reload->check = NULL; /* frees itself */
    if (result->passed) {
        reload_accept(reload);
        return;
    }
    (void)snprintf(text, sizeof(text), "the check command (%s) %s", reload->spec.check[0],
                   result->text);
    reload_refuse(reload, &(struct error_view){.kind = ERROR_CHECK_FAILED,
                                               .text = text,
                                               .lines = result->lines,
                                               .line_n = result->line_n});
}

int reload_read(const struct app *app, const char *release, struct spec *ret_spec,
                struct config_errors *errors)
{
    const struct options *options = app->options;
    struct load_request request = {
        .config_path = options->config,
        .listen = options->listen[0] ? options->listen : NULL,
        .workers = options->workers,
        .command = options->command,
        .environment = (const char *const *)environ,
        .release = release,
    };

    return load_spec(&request, ret_spec, errors);
}

static void reload_begin(struct reload *reload)
{
    struct app *app = reload->app;
    _cleanup_(config_errors_release) struct config_errors errors = {0};
    int r;

    reload->begun = true;
    manager_update(app->manager); /* `check` may take longer than the manager's timeout */
    if (app->rollout->state >= ROLLOUT_STOPPING) {
        refuse_stopping(reload);
        return;
    }
    if (refused_as_busy(reload))
        return;
    if (state_journal_trouble(app->journal) && app_compact(app) < 0) {
        refuse_journal(reload);
        return;
    }
    if (reload_read(app, reload->release, &reload->spec, &errors) != 0) {
        refuse_config(reload, &errors);
        return;
    }
    if (!reload->spec.check || !reload->spec.check[0]) {
        reload_accept(reload);
        return;
    }
    r = check_start(app, &reload->spec, on_checked, reload, &reload->check);
    if (r < 0) {
        struct check_result result = {.text = strerror(-r)};

        on_checked(reload, &result);
    }
}

static void reload_advance(struct app *app)
{
    if (app->reloads && !app->reloads->begun)
        reload_begin(app->reloads);
}

void reload_wish(struct app *app, const struct reload_wish *wish)
{
    struct reload *reload = calloc(1, sizeof(*reload));
    struct reload **place = &app->reloads;

    if (reload && wish->release) {
        reload->release = strdup(wish->release);
        if (!reload->release) {
            free(reload);
            reload = NULL;
        }
    }
    if (!reload) {
        struct reload_answer answer = {
            .error = {.kind = ERROR_JOURNAL_FAILED, .text = "out of memory"}};

        if (wish->answered)
            wish->answered(wish->user, &answer);
        return;
    }
    reload->app = app;
    reload->conflict = wish->conflict;
    reload->answered = wish->answered;
    reload->user = wish->user;
    while (*place)
        place = &(*place)->next;
    *place = reload;
    reload_advance(app);
}

void reload_orphan(struct app *app, const void *user)
{
    for (struct reload *each = app->reloads; each; each = each->next)
        if (each->user == user) {
            each->answered = NULL;
            each->user = NULL;
        }
}

void reload_release_all(struct app *app)
{
    while (app->reloads) {
        struct reload *reload = app->reloads;

        app->reloads = reload->next;
        reload_free(reload);
    }
}

bool reload_is_ours(const struct app *app, pid_t pid)
{
    for (const struct reload *each = app->reloads; each; each = each->next)
        if (check_is_ours(each->check, pid))
            return true;
    return false;
}
