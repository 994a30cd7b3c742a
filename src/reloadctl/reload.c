/* reload: asks for it, shows how it goes, and ends with its outcome.
 *
 * The outcome is the point. A primary that is killed on the way comes back and knows the
 * revision, so it is asked again (Follow) before anything is given up. Whether it had accepted
 * the reload before it could say so is seen by its newest revision, which was asked for before;
 * where it had not, it is asked to reload once more. So a wish is neither lost nor done twice.
 */
#include "reloadctl/verbs.h"

#include "base/own.h"
#include "os/pidfd.h"
#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/conversation.h"
#include "reloadctl/last_words.h"
#include "reloadctl/progress.h"
#include "reloadctl/region.h"
#include "reloadctl/words.h"

#include <poll.h>
#include <string.h>

static const struct span redraw_after = {100000000u};

/* How long a primary that is gone is waited for, without --timeout: before it has said anything
 * about itself, in case it is just being started again; where its workers do not outlive it,
 * for a service manager that starts it again all the same; and where they do, as long as a unit
 * may take to start (DefaultTimeoutStartSec=, systemd-system.conf(5)). As ExecReload= we hold
 * up the next primary (is_control_process_of()): no longer than an upgrade in place may take.
 */
static const struct span unknown_limit = {2000000000u};
static const struct span control_process_limit = {200000000u};
static const struct span restart_limit = {10000000000u};
static const struct span survivor_limit = {90000000000u};

/* A process' end is seen a moment after that of its connections. */
enum { END_OF_PROCESS_MS = 20 };

/* Beside what talk_receive() returns. */
enum {
    RELOAD_ENDED = 32,   /* with `code` */
    RELOAD_LOST = 33,    /* the primary did not come back */
    RELOAD_HELD_UP = 34, /* it can't come back while we wait */
};

/* What the primary said of itself before it was asked to reload. */
struct first_look {
    bool done;
    bool survives; /* its workers outlive it, and the next primary goes on with the rollout */
    bool is_our_manager; /* the service manager waits for us before it starts another */
    int process;         /* then its pidfd, owned; -1: none */
    int64_t newest;      /* revision; 0: none, or it does not tell */
};

struct watched_reload {
    struct conversation talk;
    const struct varlink_call *wish;
    struct first_look look;
    struct progress progress;
    struct region region;
    struct instant began;
    int64_t revision;         /* 0: not accepted yet, as far as we know */
    bool is_claimed;          /* it should be ours, but nobody has said so */
    struct instant return_by; /* INSTANT_NEVER: the connection is whole */
    bool return_is_told;
    enum exit_code code;
};

static void watched_reload_release(struct watched_reload *reload)
{
    progress_release(&reload->progress);
    talk_release(&reload->talk);
    reload->look.process = close_fd(reload->look.process);
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
        last_words_complain(&reload->talk, outcome->failure);
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

/* Being at the other end of a primary that dies. */

/* systemd runs ExecReload= with the main process' pid in $MAINPID (systemd.service(5)), and
 * does not start the main process again before ExecReload= has ended (service_sigchld_event()
 * in src/core/service.c, seen with 252). To wait for it there is to wait for ourselves; but not
 * where the same process only executes another program (reloadctl upgrade). */
static bool is_control_process_of(int64_t pid)
{
    const char *text = getenv("MAINPID");
    int64_t main_pid;

    return text && number_parse(text, 1, INT32_MAX, &main_pid) == 0 && main_pid == pid;
}

static void take_first_look(struct watched_reload *reload, const struct app_view *app)
{
    _cleanup_fd_ int process = -1;
    bool is_our_manager = is_control_process_of(app->pid);

    if (is_our_manager && pidfd_open_process((pid_t)app->pid, 0, &process) != 0)
        process = -1; /* taken for gone then */
    reload->look = (struct first_look){
        .done = true,
        .survives = app->survives,
        .is_our_manager = is_our_manager,
        .process = take_fd(process),
        .newest = app->newest.present ? app->newest.value : 0,
    };
    reload->return_by = INSTANT_NEVER;
}

static int send_wish(struct watched_reload *reload)
{
    return talk_send(&reload->talk, reload->wish);
}

static int send_follow(struct watched_reload *reload)
{
    return talk_send(&reload->talk, &(const struct varlink_call){
                                        .method = METHOD_FOLLOW,
                                        .more = true,
                                        .revision = (uint64_t)reload->revision,
                                    });
}

/* The newest of the revisions that are new and bear the wish's label: another's reload, at the
 * same time and with no label either, could be taken for ours. 0: there is none. */
static int64_t find_ours(const struct watched_reload *reload,
                         const struct history_view *history)
{
    const char *label = reload->wish->release ? reload->wish->release : "";
    int64_t found = 0;

    for (size_t i = 0; i < history->revision_n; i++) {
        const struct entry_view *entry = &history->revisions[i];

        if (entry->revision > reload->look.newest &&
            strcmp(entry->release ? entry->release : "", label) == 0)
            found = entry->revision;
    }
    return found;
}

/* Whether the last primary accepted the reload before it died. Returns 0, also where it had
 * not, or what talk_explain() takes. */
static int claim_revision(struct watched_reload *reload)
{
    const struct varlink_call call = {.method = METHOD_HISTORY};
    struct conversation *talk = &reload->talk;
    struct history_view history;
    struct app_view app;
    int r = talk_ask_status(talk, &app);

    if (r != 0)
        return r;
    if (!reload->look.done)
        take_first_look(reload, &app);
    if (!app.newest.present || app.newest.value <= reload->look.newest)
        return 0;
    r = talk_ask(talk, &call);
    if (r == 0) {
        r = reply_history(talk->reply, &history, &talk->fault);
        if (r == 1)
            r = TALK_GARBAGE;
    }
    if (r != 0)
        return r;
    reload->revision = find_ours(reload, &history);
    reload->is_claimed = reload->revision > 0;
    return 0;
}

static int show_accepted(struct watched_reload *reload)
{
    reload->code = EXIT_CODE_DONE;
    if (reload->talk.wants_json)
        (void)printf("{\"revision\":%lld}\n", (long long)reload->revision);
    else
        (void)printf("%s: revision %lld accepted\n", reload->talk.target.name,
                     (long long)reload->revision);
    return RELOAD_ENDED;
}

/* Says to a primary that has just been reached what is wanted of it. Returns 0 when it was
 * asked, RELOAD_ENDED, or what talk_explain() takes. */
static int ask(struct watched_reload *reload)
{
    int r = reload->revision > 0 ? 0 : claim_revision(reload);

    if (r != 0)
        return r;
    if (reload->revision == 0)
        return send_wish(reload);
    return reload->wish->more ? send_follow(reload) : show_accepted(reload);
}

/* Says once that the primary is waited for, and until when. */
static void begin_return(struct watched_reload *reload, struct span limit)
{
    if (!reload->return_is_told)
        complain("%s: the primary is gone; waiting for it to come back",
                 reload->talk.target.name);
    reload->return_is_told = true;
    reload->region = (struct region){0}; /* these words are below it now */
    if (instant_is_never(reload->return_by))
        reload->return_by = instant_plus(clock_now(), limit);
}

static struct span return_limit(const struct watched_reload *reload)
{
    if (!reload->look.done)
        return unknown_limit;
    if (reload->look.survives)
        return reload->talk.deadline_is_chosen ? SPAN_FOREVER : survivor_limit;
    return reload->revision > 0 ? restart_limit : (struct span){0};
}

/* Whether systemd waits for us, and the primary's process has ended. Blocks for a moment. */
static bool holds_up(const struct watched_reload *reload)
{
    struct pollfd process = {.fd = reload->look.process, .events = POLLIN};

    return reload->look.is_our_manager &&
           (process.fd < 0 || poll(&process, 1, END_OF_PROCESS_MS) != 0);
}

/* Waits for a primary to be there. Returns as talk_await() does, or RELOAD_HELD_UP. */
static int await_primary(struct watched_reload *reload)
{
    struct conversation *talk = &reload->talk;
    struct instant limit = instant_earlier(reload->return_by, talk->deadline);
    int error = 0;

    if (!reload->look.is_our_manager)
        return talk_await(talk, reload->return_by);
    while (!instant_reached(clock_now(), limit)) {
        if (holds_up(reload))
            return RELOAD_HELD_UP;
        if (talk_reconnect(talk, &error) == REACH_DONE)
            return 0;
    }
    return CLIENT_TIMEOUT;
}

/* Waits for the primary that is gone, and asks it again, as often as it dies. Returns as ask()
 * does; RELOAD_HELD_UP; CLIENT_TIMEOUT at the talk's deadline; or, where the primary does not
 * come back, RELOAD_LOST, or `hang_up` if nothing made it probable that it would. */
static int come_back(struct watched_reload *reload, int hang_up)
{
    struct conversation *talk = &reload->talk;
    struct span limit = return_limit(reload);
    int r;

    if (holds_up(reload))
        return RELOAD_HELD_UP;
    if (limit.nanoseconds == 0)
        return hang_up;
    begin_return(reload, limit);
    do {
        r = await_primary(reload);
        if (r == 0)
            r = ask(reload);
        else if (r == CLIENT_TIMEOUT && !instant_reached(clock_now(), talk->deadline))
            return reload->look.done ? RELOAD_LOST : hang_up;
    } while (talk_is_cut(r));
    return r;
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

/* Takes one reply in. Returns 0: more is to come; RELOAD_ENDED: that was the last; or what
 * talk_explain() takes. */
static int take_reply(struct watched_reload *reload)
{
    struct conversation *talk = &reload->talk;
    struct progress_view progress;
    int r = reply_progress(talk->reply, &progress, &talk->fault);

    if (r != 0)
        return r == 1 ? TALK_GARBAGE : r;
    reload->revision = progress.revision;
    reload->is_claimed = false;
    reload->return_by = INSTANT_NEVER;
    talk->pause = (struct span){0};
    if (!reload->wish->more)
        return show_accepted(reload);
    if (talk->wants_json && talk_write_json(talk, NULL, true) != 0)
        return -EIO;
    if (progress.step)
        r = show_step(reload, progress.step);
    if (r == 0 && progress.outcome) {
        reload->code = show_outcome(reload, progress.outcome);
        return RELOAD_ENDED;
    }
    if (r == 0 && !reply_continues(talk->reply)) {
        fault_say(&talk->fault, "the last reply has no outcome");
        return TALK_GARBAGE;
    }
    return r;
}

/* A revision that should be ours and is none: the primary died between accepting it and
 * beginning it, or it is too long ago. So nobody has heard the wish. */
static bool is_disowned(const struct watched_reload *reload, int result)
{
    return result == TALK_ERROR && reload->is_claimed &&
           reload->talk.error.kind == ERROR_NO_SUCH_REVISION;
}

static int wish_again(struct watched_reload *reload)
{
    reload->look.newest = reload->revision;
    reload->revision = 0;
    reload->is_claimed = false;
    return send_wish(reload);
}

static enum exit_code explain(struct watched_reload *reload, int result)
{
    const char *app = reload->talk.target.name;

    if (result == RELOAD_ENDED)
        return reload->code;
    if (result == CLIENT_TIMEOUT)
        return explain_not_yet(reload);
    if (result == RELOAD_LOST) {
        complain("%s: the primary did not come back", app);
        return EXIT_CODE_UNREACHABLE;
    }
    if (result == RELOAD_HELD_UP) {
        complain(
            "%s: the primary is gone, and systemd starts it again when this command has ended: "
            "`reloadctl history %s` will tell the outcome",
            app, app);
        return EXIT_CODE_NOT_YET;
    }
    return talk_explain(&reload->talk, result);
}

/* Until the outcome is there. `r` is what came of asking for it. */
static enum exit_code watch_reload(struct watched_reload *reload, int r)
{
    do {
        if (r == 0)
            r = next_reply(reload);
        if (r == 0)
            r = take_reply(reload);
        if (is_disowned(reload, r))
            r = wish_again(reload);
        if (talk_is_cut(r))
            r = come_back(reload, r);
    } while (r == 0);
    return explain(reload, r);
}

/* A socket that nobody listens on is that of a primary that was killed, a moment ago perhaps.
 * Returns 0 when the primary was asked, an exit code in reload->code with RELOAD_ENDED, or what
 * explain() takes. */
static int reach_first(struct watched_reload *reload)
{
    int error = 0;
    enum reach reach = talk_reconnect(&reload->talk, &error);
    int r;

    if (reach == REACH_DONE)
        return ask(reload);
    if (reach == REACH_STALE) {
        r = talk_await(&reload->talk,
                       instant_plus(clock_now(),
                                    getenv("MAINPID") ? control_process_limit : unknown_limit));
        if (r == 0)
            return ask(reload);
    }
    target_complain(&reload->talk.target, reach, error);
    reload->code = EXIT_CODE_UNREACHABLE;
    return RELOAD_ENDED;
}

enum exit_code verb_reload(const struct options *options)
{
    _cleanup_(varlink_call_release) struct varlink_call wish = {
        .method = METHOD_RELOAD,
        .more = !options->no_wait,
        .conflict = options->conflict,
    };
    _cleanup_(watched_reload_release) struct watched_reload reload = {
        .wish = &wish,
        .look = {.process = -1},
        .began = clock_now(),
        .return_by = INSTANT_NEVER,
    };
    int r;

    if (options->release) {
        wish.release = strdup(options->release);
        if (!wish.release) {
            complain("out of memory");
            return EXIT_CODE_UNREACHABLE;
        }
    }
    r = talk_find(&reload.talk, options_app(options), options, SPAN_FOREVER);
    return r == 0 ? watch_reload(&reload, reach_first(&reload)) : (enum exit_code)r;
}
