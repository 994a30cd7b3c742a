/* scale and stop: how many workers there are to be, and none at all. */
#include "reloadctl/verbs.h"

#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/conversation.h"
#include "reloadctl/region.h"
#include "reloadctl/render.h"

#include <string.h>

static const struct span answer_limit = {10000000000u};
static const struct span look_after = {1000000000u};
static const struct span return_limit = {5000000000u}; /* for a primary that was killed */

enum exit_code verb_scale(const struct options *options)
{
    _cleanup_(talk_release) struct conversation talk = {0};
    const char *app = options->operand_n > 1 ? options->operands[0] : NULL;
    const char *number = options->operands[options->operand_n - 1];
    struct scale_view scale;
    int64_t workers;
    int r;

    if (number_parse(number, 1, SLOT_MAX, &workers) != 0) {
        complain("scale takes a number of workers in 1 … %d, not \"%s\"", SLOT_MAX, number);
        return EXIT_CODE_USAGE;
    }
    const struct varlink_call call = {.method = METHOD_SCALE, .workers = (uint32_t)workers};
    r = talk_open(&talk, app, options, answer_limit);
    if (r != 0)
        return (enum exit_code)r;
    r = talk_ask(&talk, &call);
    if (r == 0) {
        r = reply_scale(talk.reply, &scale, &talk.fault);
        if (r == 1)
            r = TALK_GARBAGE;
    }
    if (r != 0)
        return talk_explain(&talk, r);
    if (options->json)
        return (enum exit_code)talk_write_json(&talk, NULL, false);
    (void)printf("%s: %lld %s wanted, %lld before\n", talk.target.name,
                 (long long)scale.desired, scale.desired == 1 ? "worker" : "workers",
                 (long long)scale.before);
    return EXIT_CODE_DONE;
}

/* What a stopping app waits for, shown on a terminal as one line drawn again, else as a line
 * when the number of workers has changed. */
struct stop_watch {
    struct region region;
    size_t worker_n; /* told last; SIZE_MAX: nothing was */
};

static void show_stopping(struct stop_watch *watch, const struct app_view *app)
{
    const struct terminal terminal = terminal_look(stdout);
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    const struct rendering rendering = {.stream = stream, .terminal = terminal};

    if (!stream)
        return;
    (void)fprintf(stream, "%s: stopping, %zu worker%s left", app->name, app->worker_n,
                  app->worker_n == 1 ? "" : "s");
    if (app->rollout.waits_for) {
        (void)fputs("; waits for ", stream);
        render_text(&rendering, app->rollout.waits_for);
    }
    (void)fputc('\n', stream);
    if (fclose(stream) != 0)
        return;
    if (terminal.can_redraw) {
        region_draw(&watch->region, stdout, &terminal, text);
    } else if (watch->worker_n != app->worker_n) {
        (void)fputs(text, stdout);
        (void)fflush(stdout);
    }
    watch->worker_n = app->worker_n;
}

/* Looks beside the connection whose end is waited for. A primary on its way out may not answer.
 */
static void look_at_stopping(const struct conversation *talk, struct stop_watch *watch)
{
    const struct varlink_call call = {.method = METHOD_STATUS};
    _cleanup_(talk_release) struct conversation beside = {0};
    struct app_view app;

    if (talk->wants_json || talk_open_beside(&beside, talk) != 0)
        return;
    if (talk_ask(&beside, &call) == 0 && reply_app(beside.reply, &app, NULL) == 0)
        show_stopping(watch, &app);
}

/* The connection has ended. One that leaves takes its socket away before; one that is killed
 * leaves it behind, and where its workers outlive it, the next one goes on with the stopping:
 * it is asked once more, so that the connection lasts until its end. Returns 0 where it was
 * asked, CLIENT_CLOSED where nobody is there who would be stopping, or what talk_explain()
 * takes. */
static int stop_successor(struct conversation *talk, const struct varlink_call *call)
{
    struct app_view app;
    int error = 0;
    enum reach reach = talk_reconnect(talk, &error);
    int r;

    if (reach == REACH_STALE && talk_await(talk, instant_plus(clock_now(), return_limit)) == 0)
        reach = REACH_DONE;
    if (reach != REACH_DONE)
        return CLIENT_CLOSED;
    r = talk_ask_status(talk, &app);
    if (r != 0)
        return r;
    return strcmp(app.rollout.state, "stopping") == 0 ? talk_ask(talk, call) : CLIENT_CLOSED;
}

/* Returns when the primary is gone: 0, or what talk_explain() takes. */
static int wait_until_gone(struct conversation *talk, const struct varlink_call *call,
                           struct stop_watch *watch)
{
    for (;;) {
        int r;

        look_at_stopping(talk, watch);
        r = talk_receive(talk, instant_plus(clock_now(), look_after));
        if (talk_is_cut(r)) {
            r = stop_successor(talk, call);
            if (talk_is_cut(r))
                return 0;
        }
        if (r != 0 && (r != CLIENT_TIMEOUT || instant_reached(clock_now(), talk->deadline)))
            return r;
    }
}

enum exit_code verb_stop(const struct options *options)
{
    const struct varlink_call call = {.method = METHOD_STOP, .hurry = options->hurry};
    _cleanup_(talk_release) struct conversation talk = {0};
    struct stop_watch watch = {.worker_n = SIZE_MAX};
    int r = talk_open(&talk, options_app(options), options, SPAN_FOREVER);

    if (r != 0)
        return (enum exit_code)r;
    r = talk_ask(&talk, &call);
    if (r != 0)
        return talk_explain(&talk, r);
    r = wait_until_gone(&talk, &call, &watch);
    region_erase(&watch.region, stdout);
    if (r == CLIENT_TIMEOUT) {
        complain("%s: still stopping at the end of --timeout", talk.target.name);
        return EXIT_CODE_NOT_YET;
    }
    if (r != 0)
        return talk_explain(&talk, r);
    if (options->json)
        (void)printf("{\"name\":\"%s\",\"state\":\"stopped\"}\n", talk.target.name);
    else
        (void)printf("%s: stopped\n", talk.target.name);
    return EXIT_CODE_DONE;
}
