/* upgrade: has the primary execute its program anew, and waits until the new one has the app.
 *
 * What is asked for is a primary that began later; it tells so by its start time. That the pid
 * is the same and the workers went on is told, not believed.
 */
#include "reloadctl/verbs.h"

#include "base/error.h"
#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/conversation.h"
#include "reloadctl/render.h"

#include <stdio.h>
#include <string.h>

/* For asking, executing and recovering together: as long as a unit may take to start
 * (DefaultTimeoutStartSec=, systemd-system.conf(5)). */
static const struct span upgrade_limit = {90000000000u};

struct identity {
    int64_t worker;
    int64_t pid;
};

/* The primary as it was before. */
struct former {
    char *version;
    int64_t pid;
    double started;
    struct identity *workers; /* those that were not on their way out */
    size_t worker_n;
};

static void former_release(struct former *former)
{
    free(former->version);
    free(former->workers);
}

static bool is_leaving(const struct worker_view *worker)
{
    return strcmp(worker->state, "draining") == 0 || strcmp(worker->state, "killing") == 0;
}

/* Returns 0 or -ENOMEM; `former` is to be released in either case. */
static int former_fill(struct former *former, const struct app_view *app)
{
    *former = (struct former){
        .version = strdup(app->version),
        .pid = app->pid,
        .started = app->started,
        .workers = calloc(app->worker_n + 1, sizeof(*former->workers)),
    };
    if (!former->version || !former->workers)
        return -ENOMEM;
    for (size_t i = 0; i < app->worker_n; i++)
        if (!is_leaving(&app->workers[i]))
            former->workers[former->worker_n++] =
                (struct identity){app->workers[i].id, app->workers[i].pid};
    return 0;
}

static bool is_there(const struct identity *identity, const struct app_view *app)
{
    for (size_t i = 0; i < app->worker_n; i++)
        if (app->workers[i].id == identity->worker && app->workers[i].pid == identity->pid)
            return true;
    return false;
}

static size_t count_went_on(const struct former *former, const struct app_view *app)
{
    size_t n = 0;

    for (size_t i = 0; i < former->worker_n; i++)
        n += is_there(&former->workers[i], app);
    return n;
}

/* Asks for the upgrade, and returns when the connection has ended: the program has then been
 * executed, or the primary has died, which leads to the same. Returns 0 or what talk_explain()
 * takes. */
static int ask(struct conversation *talk)
{
    const struct varlink_call call = {.method = METHOD_UPGRADE, .more = true};
    int r = talk_ask(talk, &call);

    while (r == 0)
        r = talk_receive(talk, INSTANT_NEVER);
    return talk_is_cut(r) ? 0 : r;
}

/* Waits for a primary that began later. Returns 0 with *ret_app, borrowed from the reply, or
 * what talk_explain() takes. */
static int await_successor(struct conversation *talk, const struct former *former,
                           struct app_view *ret_app)
{
    for (;;) {
        struct app_view app;
        int r = talk_await(talk, talk->deadline);

        if (r == 0)
            r = talk_ask_status(talk, &app);
        if (r == 0 && (app.started != former->started || app.pid != former->pid)) {
            *ret_app = app;
            return 0;
        }
        if (r != 0 && !talk_is_cut(r))
            return r;
    }
}

/* "web: reloadd 0.1.0 → 0.1.1, same pid 123, 4 workers went on" */
static void show(const struct conversation *talk, const struct former *former,
                 const struct app_view *app)
{
    const struct rendering rendering = {.stream = stdout, .terminal = terminal_look(stdout)};
    size_t went_on = count_went_on(former, app);

    (void)printf("%s: reloadd ", talk->target.name);
    render_text(&rendering, former->version);
    (void)fputs(" → ", stdout);
    render_text(&rendering, app->version);
    if (app->pid == former->pid)
        (void)printf(", same pid %lld", (long long)app->pid);
    else
        (void)printf(", pid %lld → %lld", (long long)former->pid, (long long)app->pid);
    if (went_on < former->worker_n)
        (void)printf(", %zu of %zu workers went on\n", went_on, former->worker_n);
    else
        (void)printf(", %zu worker%s went on\n", went_on, went_on == 1 ? "" : "s");
}

static enum exit_code explain(struct conversation *talk, int result)
{
    if (result != CLIENT_TIMEOUT)
        return talk_explain(talk, result);
    complain("%s: the upgraded primary did not come back in time", talk->target.name);
    return talk->deadline_is_chosen ? EXIT_CODE_NOT_YET : EXIT_CODE_UNREACHABLE;
}

enum exit_code verb_upgrade(const struct options *options)
{
    _cleanup_(talk_release) struct conversation talk = {0};
    _cleanup_(former_release) struct former former = {0};
    struct app_view app;
    int r = talk_open(&talk, options_app(options), options, upgrade_limit);

    if (r != 0)
        return (enum exit_code)r;
    r = talk_ask_status(&talk, &app);
    if (r == 0)
        r = former_fill(&former, &app);
    if (r == 0)
        r = ask(&talk);
    if (r != 0)
        return talk_explain(&talk, r);
    r = await_successor(&talk, &former, &app);
    if (r != 0)
        return explain(&talk, r);
    if (options->json)
        return (enum exit_code)talk_write_json(&talk, "app", false);
    show(&talk, &former, &app);
    return EXIT_CODE_DONE;
}
