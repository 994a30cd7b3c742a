/* status and list: how apps are. */
#include "reloadctl/verbs.h"

#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/conversation.h"
#include "reloadctl/last_words.h"
#include "reloadctl/region.h"
#include "reloadctl/render.h"
#include "reloadctl/table.h"
#include "reloadctl/words.h"

#include "os/directories.h"

#include <string.h>

static const struct span answer_limit = {10000000000u};
static const struct span list_limit = {2000000000u};
static const struct span redraw_after = {1000000000u};

static struct rendering render_to(FILE *stream)
{
    return (struct rendering){
        .stream = stream,
        .terminal = terminal_look(stdout),
        .now = clock_wall(),
    };
}

/* Asks once. Returns 0 with the view, or the exit code (positive) after a complaint. */
static int ask_app(struct conversation *talk, struct app_view *ret_app)
{
    int r = talk_ask_status(talk, ret_app);

    return r == 0 ? 0 : (int)talk_explain(talk, r);
}

static enum exit_code health(const struct app_view *app)
{
    return app->admitted < app->desired ? EXIT_CODE_FAILED : EXIT_CODE_DONE;
}

static void draw(struct region *region, const struct app_view *app)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    struct rendering rendering;

    if (!stream)
        return;
    rendering = render_to(stream);
    render_status(&rendering, app);
    if (fclose(stream) == 0)
        region_draw(region, stdout, &rendering.terminal, text);
}

/* Asks and shows once; *ret_health is the exit code that the app's health gives. Returns 0 or
 * the exit code (positive) after a complaint. */
static int show(struct conversation *talk, struct region *region, enum exit_code *ret_health)
{
    _cleanup_(last_words_release) struct last_words words = {0};
    struct app_view app;
    int r = ask_app(talk, &app);

    if (r != 0)
        return r;
    *ret_health = health(&app);
    if (talk->wants_json)
        return talk_write_json(talk, "app", region != NULL);
    last_words_fill(talk, &app, &words);
    if (region && terminal_look(stdout).can_redraw) {
        draw(region, &app);
    } else {
        struct rendering rendering = render_to(stdout);
        if (region && region->lines++ > 0)
            (void)fputc('\n', stdout);
        render_status(&rendering, &app);
        (void)fflush(stdout);
    }
    return 0;
}

/* Waits for something to happen, and takes all that has: one look serves for all of it. Returns
 * 0, or what talk_explain() takes. */
static int wait_for_change(struct conversation *events)
{
    bool is_redrawn = !events->wants_json && terminal_look(stdout).can_redraw;
    struct instant deadline =
        is_redrawn ? instant_plus(clock_now(), redraw_after) : INSTANT_NEVER;
    int r = talk_receive(events, deadline);

    while (r == 0)
        r = talk_receive(events, clock_now());
    if (r == CLIENT_TIMEOUT && !instant_reached(clock_now(), events->deadline))
        return 0;
    return r;
}

static enum exit_code watch(const struct options *options, struct conversation *talk)
{
    const struct varlink_call events_call = {.method = METHOD_EVENTS, .more = true};
    _cleanup_(talk_release) struct conversation events = {0};
    struct region region = {0};
    enum exit_code found = EXIT_CODE_DONE;
    int r = talk_open(&events, talk->target.name, options, SPAN_FOREVER);

    if (r != 0)
        return (enum exit_code)r;
    r = talk_send(&events, &events_call);
    while (r == 0) {
        if (!options->has_timeout)
            talk->deadline = instant_plus(clock_now(), answer_limit);
        r = show(talk, &region, &found);
        if (r != 0)
            return (enum exit_code)r;
        if (ferror(stdout))
            return found;
        r = wait_for_change(&events);
    }
    return r == CLIENT_TIMEOUT ? found : talk_explain(&events, r);
}

enum exit_code verb_status(const struct options *options)
{
    _cleanup_(talk_release) struct conversation talk = {0};
    enum exit_code found = EXIT_CODE_DONE;
    int r = talk_open(&talk, options_app(options), options, answer_limit);

    if (r == 0 && options->watch)
        return watch(options, &talk);
    if (r == 0)
        r = show(&talk, NULL, &found);
    return r == 0 ? found : (enum exit_code)r;
}

static void add_reached(struct table *table, const struct app_view *app)
{
    char state[96];

    table_add(table, COLOUR_NONE, app->name);
    table_add(table, colour_of_app(app), words_rollout(app, state, sizeof(state)));
    table_add_format(table, COLOUR_NONE, "%lld/%lld", (long long)app->admitted,
                     (long long)app->desired);
    table_add_format(table, COLOUR_NONE, "%lld", (long long)app->revision);
    table_add(table, COLOUR_NONE, app->release);
    table_add_format(table, COLOUR_NONE, "%lld", (long long)app->pid);
}

static void add_missed(struct table *table, const char *name, const char *state)
{
    table_add(table, COLOUR_NONE, name);
    table_add(table, COLOUR_BAD, state);
    for (size_t i = 2; i < table->columns; i++)
        table_add(table, COLOUR_NONE, "");
}

/* A name is app_name_is_valid(): nothing in it needs JSON's escapes. */
static void write_missed(const char *name, const char *state, bool is_first)
{
    (void)printf("%s{\"name\":\"%s\",\"state\":\"%s\"}", is_first ? "" : ",", name, state);
}

/* Adds the app, whatever it is like, to the table or to the JSON on stdout. Returns 0 or
 * -ENOMEM.
 */
static int list_one(const struct options *options, const char *name, struct table *table,
                    bool is_first)
{
    _cleanup_(talk_release) struct conversation talk = {0};
    _cleanup_free_ char *text = NULL;
    struct app_view app;
    const char *state;
    int error = 0;
    int r = target_find(name, &talk.target);

    if (r != 0)
        return 0;
    talk.deadline =
        instant_plus(clock_now(), options->has_timeout ? options->timeout : list_limit);
    state = reach_words(talk_reconnect(&talk, &error));
    if (!state) {
        r = talk_ask_status(&talk, &app);
        if (r != 0)
            state = r == CLIENT_TIMEOUT ? "no answer" : "broken answer";
    }
    if (!options->json && !state)
        add_reached(table, &app);
    else if (!options->json)
        add_missed(table, name, state);
    else if (state)
        write_missed(name, state, is_first);
    else
        r = reply_text(talk.reply, "app", 0, &text);
    if (text)
        (void)printf("%s{\"name\":\"%s\",\"state\":\"running\",\"app\":%s}",
                     is_first ? "" : ",", name, text);
    return r < 0 && !state ? r : 0;
}

enum exit_code verb_list(const struct options *options)
{
    static const char *const headings[] = {"APP",      "STATE",   "READY",
                                           "REVISION", "RELEASE", "PID"};
    _cleanup_(table_release) struct table table = {
        .columns = sizeof(headings) / sizeof(headings[0]),
    };
    const struct terminal terminal = terminal_look(stdout);
    char **names = NULL;
    int r = directories_list(geteuid(), &names);

    if (r < 0) {
        complain("the apps can't be listed: %s", strerror(-r));
        return EXIT_CODE_UNREACHABLE;
    }
    for (size_t i = 0; i < table.columns; i++)
        table_add(&table, COLOUR_STRONG, headings[i]);
    if (options->json)
        (void)fputs("{\"apps\":[", stdout);
    for (size_t i = 0; names[i] && r == 0; i++)
        r = list_one(options, names[i], &table, i == 0);
    if (options->json)
        (void)puts("]}");
    else if (names[0])
        table_write(&table, stdout, &terminal, "");
    else
        (void)puts("no app is running");
    directories_free_names(names);
    if (r < 0)
        complain("%s", strerror(-r));
    return r < 0 ? EXIT_CODE_UNREACHABLE : EXIT_CODE_DONE;
}
