/* logs, history and events: what has been, and what comes. */
#include "reloadctl/verbs.h"

#include "reloadctl/clock.h"
#include "reloadctl/conversation.h"
#include "reloadctl/render.h"

static const struct span answer_limit = {10000000000u};

static struct rendering render_to_stdout(void)
{
    return (struct rendering){
        .stream = stdout,
        .terminal = terminal_look(stdout),
        .now = clock_wall(),
    };
}

/* Writes what one reply holds. Returns 0 or what talk_explain() takes. */
static int write_lines(struct conversation *talk)
{
    const struct rendering rendering = render_to_stdout();
    struct logs_view logs;
    int r = reply_logs(talk->reply, &logs, &talk->fault);

    if (r != 0)
        return r == 1 ? TALK_GARBAGE : r;
    if (talk->wants_json)
        return talk_write_json(talk, NULL, true) == 0 ? 0 : -EIO;
    for (size_t i = 0; i < logs.line_n; i++)
        render_line(&rendering, &logs.lines[i]);
    (void)fflush(stdout);
    return 0;
}

static int write_event(struct conversation *talk)
{
    return talk_write_json(talk, "event", true) == 0 ? 0 : -EIO;
}

/* Sends the call and writes each of its replies by `write`, until the last one or until nobody
 * reads stdout any more. */
static enum exit_code stream(struct conversation *talk, const struct varlink_call *call,
                             int (*write)(struct conversation *talk))
{
    int r = talk_send(talk, call);

    while (r == 0) {
        r = talk_receive(talk, INSTANT_NEVER);
        if (r == 0)
            r = write(talk);
        if (r == 0 && (ferror(stdout) || !reply_continues(talk->reply)))
            return EXIT_CODE_DONE;
    }
    return talk_explain(talk, r);
}

enum exit_code verb_logs(const struct options *options)
{
    const struct varlink_call call = {
        .method = METHOD_LOGS,
        .more = true,
        .lines = options->lines.present ? options->lines : optional_int(LOG_LINES_DEFAULT),
        .slot = options->slot,
        .follow = options->follow,
    };
    _cleanup_(talk_release) struct conversation talk = {0};
    int r = talk_open(&talk, options_app(options), options,
                      options->follow ? SPAN_FOREVER : answer_limit);

    return r == 0 ? stream(&talk, &call, write_lines) : (enum exit_code)r;
}

enum exit_code verb_events(const struct options *options)
{
    const struct varlink_call call = {.method = METHOD_EVENTS, .more = true};
    _cleanup_(talk_release) struct conversation talk = {0};
    int r = talk_open(&talk, options_app(options), options, SPAN_FOREVER);

    return r == 0 ? stream(&talk, &call, write_event) : (enum exit_code)r;
}

enum exit_code verb_history(const struct options *options)
{
    const struct varlink_call call = {.method = METHOD_HISTORY};
    _cleanup_(talk_release) struct conversation talk = {0};
    struct history_view history;
    int r = talk_open(&talk, options_app(options), options, answer_limit);

    if (r != 0)
        return (enum exit_code)r;
    r = talk_ask(&talk, &call);
    if (r == 0) {
        r = reply_history(talk.reply, &history, &talk.fault);
        if (r == 1)
            r = TALK_GARBAGE;
    }
    if (r != 0)
        return talk_explain(&talk, r);
    if (options->json)
        return (enum exit_code)talk_write_json(&talk, NULL, false);
    const struct rendering rendering = render_to_stdout();
    render_history(&rendering, &history);
    return EXIT_CODE_DONE;
}
