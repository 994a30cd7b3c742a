/* reload: asks for it, shows how it goes, and ends with its outcome.
 *
 * The outcome is the point: a primary that dies on the way comes back and knows the revision,
 * so it is asked again (Follow) before anything is given up.
 */
#include "reloadctl/verbs.h"

#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/conversation.h"
#include "reloadctl/progress.h"
#include "reloadctl/region.h"
#include "reloadctl/words.h"

#include <poll.h>
#include <string.h>

static const struct span redraw_after = {100000000u};
static const struct span return_limit = {10000000000u}; /* for a primary that restarts */
enum {
    RETURN_POLL_MS = 100,
    RELOAD_ENDED = 32, /* beside what talk_receive() returns */
};

struct watched_reload {
    struct conversation talk;
    struct progress progress;
    struct region region;
    struct instant began;
    int64_t revision;         /* 0: not accepted yet */
    struct instant return_by; /* INSTANT_NEVER: the connection is whole */
};

static void watched_reload_release(struct watched_reload *reload)
{
    progress_release(&reload->progress);
    talk_release(&reload->talk);
}

static struct rendering render_to(FILE *stream)
{
    return (struct rendering){
        .stream = stream,
        .terminal = terminal_look(stdout),
        .now = clock_wall(),
    };
}

static bool is_live(const struct watched_reload *reload)
{
    return !reload->talk.wants_json && terminal_look(stdout).can_redraw;
}

static void draw(struct watched_reload *reload)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    struct rendering rendering;

    if (!stream)
        return;
    rendering = render_to(stream);
    progress_render(&reload->progress, &rendering);
    if (fclose(stream) == 0)
        region_draw(&reload->region, stdout, &rendering.terminal, text);
}

static int show_step(struct watched_reload *reload, const struct step_view *step)
{
    int r = progress_take(&reload->progress, step);

    if (r < 0)
        return r;
    if (is_live(reload)) {
        draw(reload);
    } else if (!reload->talk.wants_json && strcmp(step->state, "spawning") != 0) {
        /* Spawning has no pid yet, and is starting a moment later. */
        const struct rendering rendering = render_to(stdout);
        progress_render_step(&reload->progress, &rendering, step);
        (void)fflush(stdout);
    }
    return 0;
}

static enum exit_code code_of_outcome(const char *outcome)
{
    static const struct {
        const char *outcome;
        enum exit_code code;
    } codes[] = {
        {"complete", EXIT_CODE_DONE},
        {"failed", EXIT_CODE_FAILED},
        {"superseded", EXIT_CODE_SUPERSEDED},
        {"refused", EXIT_CODE_REFUSED},
    };

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i].outcome, outcome) == 0)
            return codes[i].code;
    complain("the primary tells of an unknown outcome: %s", outcome);
    return EXIT_CODE_UNREACHABLE;
}

static enum exit_code show_outcome(const struct watched_reload *reload,
                                   const struct outcome_view *outcome)
{
    const char *app = reload->talk.target.name;

    if (!reload->talk.wants_json) {
        const struct rendering rendering = render_to(stdout);
        render_outcome(&rendering, app, outcome);
    }
    if (outcome->failure) {
        complain("%s: revision %lld: %s", app, (long long)outcome->revision,
                 outcome->failure->text);
        for (size_t i = 0; i < outcome->failure->line_n; i++)
            complain_line("  | ", outcome->failure->lines[i]);
    }
    return code_of_outcome(outcome->outcome);
}

static void complain_pending(const struct app_view *app)
{
    if (app->rollout.waits_for)
        complain_line("  waits for ", app->rollout.waits_for);
    for (size_t i = 0; i < app->worker_n; i++) {
        const struct worker_view *worker = &app->workers[i];
        char prefix[96];
        if (strcmp(worker->state, "admitted") == 0)
            continue;
        (void)snprintf(prefix, sizeof(prefix), "  slot %lld (pid %lld): %.16s%s",
                       (long long)worker->slot, (long long)worker->pid,
                       words_worker_state(worker->state),
                       worker->waits_for ? ", waits for " : "");
        complain_line(prefix, worker->waits_for ? worker->waits_for : "");
    }
}

/* The end of --timeout: says what is still waited for, as far as the primary tells. */
static enum exit_code explain_not_yet(const struct watched_reload *reload)
{
    const struct varlink_call call = {.method = METHOD_STATUS};
    _cleanup_(talk_release) struct conversation beside = {0};
    struct app_view app;
    char span[WORDS_SIZE];
    double seconds = span_to_seconds(instant_since(clock_now(), reload->began));

    complain("%s: no outcome after %s (--timeout); the reload goes on",
             reload->talk.target.name, words_span(seconds, span));
    if (talk_open_beside(&beside, &reload->talk) == 0 && talk_ask(&beside, &call) == 0 &&
        reply_app(beside.reply, &app, NULL) == 0)
        complain_pending(&app);
    return EXIT_CODE_NOT_YET;
}

/* Says once that the primary is waited for, and until when. */
static void begin_return(struct watched_reload *reload)
{
    if (!instant_is_never(reload->return_by))
        return;
    complain("%s: the connection broke; waiting for the primary to come back",
             reload->talk.target.name);
    reload->region = (struct region){0}; /* these words are below it now */
    reload->return_by = instant_plus(clock_now(), return_limit);
}

/* Asks the primary that comes back for the same revision. Returns 0 when it was asked, or what
 * talk_explain() takes: CLIENT_TIMEOUT, or `hang_up` where it does not come back. */
static int follow_again(struct watched_reload *reload, int hang_up)
{
    const struct varlink_call call = {
        .method = METHOD_FOLLOW,
        .more = true,
        .revision = (uint64_t)reload->revision,
    };
    struct instant limit;

    if (reload->revision <= 0)
        return hang_up;
    begin_return(reload);
    limit = instant_earlier(reload->return_by, reload->talk.deadline);
    while (!instant_reached(clock_now(), limit)) {
        int error = 0;
        /* Nothing tells when a socket file that is not there begins to be listened on. */
        (void)poll(NULL, 0, RETURN_POLL_MS);
        if (talk_reconnect(&reload->talk, &error) == REACH_DONE &&
            talk_send(&reload->talk, &call) == 0)
            return 0;
    }
    return instant_reached(clock_now(), reload->talk.deadline) ? CLIENT_TIMEOUT : hang_up;
}

/* The next reply; draws meanwhile. Returns as talk_receive() does. */
static int next_reply(struct watched_reload *reload)
{
    for (;;) {
        struct instant deadline =
            is_live(reload) ? instant_plus(clock_now(), redraw_after) : INSTANT_NEVER;
        int r = talk_receive(&reload->talk, deadline);

        if (r != CLIENT_TIMEOUT || instant_reached(clock_now(), reload->talk.deadline))
            return r;
        draw(reload);
    }
}

/* Takes one reply in. Returns 0: more is to come; RELOAD_ENDED: that was the last, with
 * *ret_code; or what talk_explain() takes. */
static int take_reply(struct watched_reload *reload, enum exit_code *ret_code)
{
    struct conversation *talk = &reload->talk;
    struct progress_view progress;
    int r = reply_progress(talk->reply, &progress, &talk->fault);

    if (r != 0)
        return r == 1 ? TALK_GARBAGE : r;
    reload->revision = progress.revision;
    reload->return_by = INSTANT_NEVER;
    if (talk->wants_json && talk_write_json(talk, NULL, true) != 0)
        return -EIO;
    if (progress.step)
        r = show_step(reload, progress.step);
    if (r == 0 && progress.outcome) {
        *ret_code = show_outcome(reload, progress.outcome);
        return RELOAD_ENDED;
    }
    if (r == 0 && !reply_continues(talk->reply)) {
        fault_say(&talk->fault, "the last reply has no outcome");
        return TALK_GARBAGE;
    }
    return r;
}

static enum exit_code watch_reload(struct watched_reload *reload, int r)
{
    enum exit_code code = EXIT_CODE_UNREACHABLE;

    do {
        if (r == 0)
            r = next_reply(reload);
        if (r == 0)
            r = take_reply(reload, &code);
        if (talk_is_cut(r))
            r = follow_again(reload, r);
    } while (r == 0);
    if (r == RELOAD_ENDED)
        return code;
    if (r == CLIENT_TIMEOUT)
        return explain_not_yet(reload);
    return talk_explain(&reload->talk, r);
}

/* --no-wait: one reply, when it is accepted. */
static enum exit_code ask_reload(struct conversation *talk, int r)
{
    struct progress_view progress;

    if (r == 0)
        r = talk_receive(talk, INSTANT_NEVER);
    if (r == 0) {
        r = reply_progress(talk->reply, &progress, &talk->fault);
        if (r == 1)
            r = TALK_GARBAGE;
    }
    if (r != 0)
        return talk_explain(talk, r);
    if (talk->wants_json)
        return (enum exit_code)talk_write_json(talk, NULL, true);
    (void)printf("%s: revision %lld accepted\n", talk->target.name,
                 (long long)progress.revision);
    return EXIT_CODE_DONE;
}

enum exit_code verb_reload(const struct options *options)
{
    _cleanup_(watched_reload_release) struct watched_reload reload = {
        .began = clock_now(),
        .return_by = INSTANT_NEVER,
    };
    _cleanup_(varlink_call_release) struct varlink_call call = {
        .method = METHOD_RELOAD,
        .more = !options->no_wait,
        .conflict = options->conflict,
    };
    int r;

    if (options->release) {
        call.release = strdup(options->release);
        if (!call.release) {
            complain("out of memory");
            return EXIT_CODE_UNREACHABLE;
        }
    }
    r = talk_open(&reload.talk, options_app(options), options, SPAN_FOREVER);
    if (r != 0)
        return (enum exit_code)r;
    r = talk_send(&reload.talk, &call);
    return options->no_wait ? ask_reload(&reload.talk, r) : watch_reload(&reload, r);
}
