/* history and events: what has been, and what comes. */
#include "reloadctl/verbs.h"

#include "reloadctl/clock.h"
#include "reloadctl/render.h"
#include "reloadctl/stream.h"

static const struct span answer_limit = {10000000000u};

static struct rendering render_to_stdout(void)
{
    return (struct rendering){
        .stream = stdout,
        .terminal = terminal_look(stdout),
        .now = clock_wall(),
    };
}

static int write_event(struct conversation *talk)
{
    return talk_write_json(talk, "event", true) == 0 ? 0 : -EIO;
}

enum exit_code verb_events(const struct options *options)
{
    const struct varlink_call call = {.method = METHOD_EVENTS, .more = true};
    _cleanup_(talk_release) struct conversation talk = {0};
    int r = talk_open(&talk, options_app(options), options, SPAN_FOREVER);

    return r == 0 ? talk_stream(&talk, &call, write_event) : (enum exit_code)r;
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
