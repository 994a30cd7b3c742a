/* logs: what the workers wrote, and what the primary said of it.
 *
 * Workers that outlive their primary write to the system journal by themselves, and that is
 * where their lines are read, by whom may read it, whether the primary is there or not. The
 * lines of all others go through their primary, which keeps the newest ones, and is asked for
 * them. Which of both it is, the primary tells; of one that can't be asked, the journal is
 * looked into.
 */
#include "reloadctl/verbs.h"

#include "base/error.h"
#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/journal_lines.h"
#include "reloadctl/render.h"
#include "reloadctl/stream.h"
#include "wire/present.h"

#include <string.h>

static const struct span answer_limit = {10000000000u};

enum {
    ANYTIME_MS = -1, /* for poll(2) */
};

static void render_lines(const struct line_view *lines, size_t n)
{
    const struct rendering rendering = {
        .stream = stdout,
        .terminal = terminal_look(stdout),
        .now = clock_wall(),
    };

    for (size_t i = 0; i < n; i++)
        render_line(&rendering, &lines[i]);
}

/* From the primary. */

/* Writes what one reply holds. Returns 0 or what talk_explain() takes. */
static int write_reply(struct conversation *talk)
{
    struct logs_view logs;
    int r = reply_logs(talk->reply, &logs, &talk->fault);

    if (r != 0)
        return r == 1 ? TALK_GARBAGE : r;
    if (talk->wants_json)
        return talk_write_json(talk, NULL, true) == 0 ? 0 : -EIO;
    render_lines(logs.lines, logs.line_n);
    (void)fflush(stdout);
    return 0;
}

/* As many lines as --lines says; without it, all since --since, or the usual number. */
static struct optional_int wanted_lines(const struct options *options)
{
    if (options->lines.present)
        return options->lines;
    return options->has_since ? (struct optional_int){0} : optional_int(LOG_LINES_DEFAULT);
}

static enum exit_code ask_primary(struct conversation *talk, const struct options *options)
{
    const struct optional_int lines = wanted_lines(options);
    const struct varlink_call call = {
        .method = METHOD_LOGS,
        .more = true,
        .lines = lines.present ? lines : optional_int(LOG_LINES_MAX),
        .slot = options->slot,
        .only_revision = options->revision,
        .since = options->has_since ? optional_float(wall_to_seconds(options->since))
                                    : (struct optional_float){0},
        .follow = options->follow,
    };

    if (options->follow && !options->has_timeout)
        talk->deadline = INSTANT_NEVER;
    return talk_stream(talk, &call, write_reply);
}

/* From the system journal. */

/* A line in the form in which a primary would have told of it. */
static int write_line_json(struct conversation *talk, const struct line_view *line)
{
    const struct logs_view logs = {.lines = line, .line_n = 1};
    _cleanup_free_ char *message = NULL;
    int r = present_logs(&logs, true, &message);

    if (r < 0)
        return r;
    reply_free(talk->reply);
    talk->reply = NULL;
    r = reply_decode(message, strlen(message), &talk->reply, &talk->fault);
    assert(r <= 0);
    if (r == 0)
        r = talk_write_json(talk, NULL, true) == 0 ? 0 : -EIO;
    return r;
}

static int write_line(struct conversation *talk, const struct line_view *line)
{
    if (talk->wants_json)
        return write_line_json(talk, line);
    render_lines(line, 1);
    return 0;
}

/* Waits for new entries. Returns as journal_reader_wait() does. */
static int wait_for_lines(const struct conversation *talk, struct journal_reader *reader,
                          const struct options *options)
{
    int timeout_ms = options->has_timeout ? clock_poll_timeout(talk->deadline) : ANYTIME_MS;

    (void)fflush(stdout);
    return journal_reader_wait(reader, STDOUT_FILENO, timeout_ms);
}

/* Writes all that is wanted. Returns 0, JOURNAL_READER_TIMEOUT or -errno. */
static int write_journal(struct conversation *talk, struct journal_reader *reader,
                         const struct line_wish *wish, const struct options *options)
{
    struct line_view line;
    int64_t left = wish->lines.present ? wish->lines.value : INT64_MAX;
    int r = journal_lines_first(reader, wish, &line);

    while (r >= 0 && !ferror(stdout)) {
        if (!options->follow && (r == 1 || left-- == 0))
            break;
        if (r == 0)
            r = write_line(talk, &line);
        else
            r = wait_for_lines(talk, reader, options);
        if (r == JOURNAL_READER_HUNG_UP)
            return 0;
        if (r != 0)
            return r;
        r = journal_lines_next(reader, wish, &line);
    }
    (void)fflush(stdout);
    return r < 0 ? r : 0;
}

static enum exit_code explain_journal(const struct conversation *talk, int result)
{
    if (result == 0)
        return EXIT_CODE_DONE;
    if (result == JOURNAL_READER_TIMEOUT) {
        complain("%s: followed for as long as --timeout says", talk->target.name);
        return EXIT_CODE_NOT_YET;
    }
    complain("%s: the system journal can't be read: %s", talk->target.name, strerror(-result));
    return EXIT_CODE_UNREACHABLE;
}

/* Whether there is any entry of the unit, by which the reader is then matched; or -errno. */
static int knows_unit(struct journal_reader *reader, const struct app_unit *unit)
{
    const struct journal_unit match = {unit->name, unit->is_user, unit->uid};
    struct journal_entry entry;
    int r = journal_reader_match_unit(reader, &match);

    if (r == 0)
        r = journal_reader_seek_end(reader);
    if (r == 0)
        r = journal_reader_previous(reader, &entry);
    return r < 0 ? r : r == 0;
}

/* Finds whether the journal knows the app. A user who has no such app may well be allowed to
 * see the system's of that name. As knows_unit(). */
static int find_in_journal(struct conversation *talk, struct journal_reader *reader)
{
    int fd = talk->client.fd > 0 ? talk->client.fd : -1;
    _cleanup_(app_unit_release) struct app_unit unit = {0};
    int r = app_unit_find(&talk->target, fd, &unit);

    if (r == 0)
        r = knows_unit(reader, &unit);
    if (r == 0 && unit.is_user && fd < 0) {
        unit.is_user = false;
        r = knows_unit(reader, &unit);
        if (r == 0) {
            unit.is_user = true;
            r = knows_unit(reader, &unit);
        }
    }
    return r;
}

static enum exit_code show_journal(struct conversation *talk, struct journal_reader *reader,
                                   const struct options *options)
{
    const struct line_wish wish = {
        .app = talk->target.name,
        .slot = options->slot,
        .revision = options->revision,
        .lines = wanted_lines(options),
        .since = options->since,
    };

    return explain_journal(talk, write_journal(talk, reader, &wish, options));
}

static void complain_denied(const char *app)
{
    complain("%s: permission denied: the system journal; only root and members of the groups "
             "adm and systemd-journal may read all of it",
             app);
}

/* The primary has said that it is the journal where the lines are. */
static enum exit_code read_journal(struct conversation *talk, const struct options *options)
{
    _cleanup_journal_reader_ struct journal_reader *reader = NULL;
    enum journal_access access = journal_access_look();
    int r = journal_reader_open(NULL, &reader);

    if (r == 0)
        r = find_in_journal(talk, reader);
    if (r < 0)
        return explain_journal(talk, r);
    if (r == 1 || access == JOURNAL_ACCESS_GRANTED)
        return show_journal(talk, reader, options);
    if (access == JOURNAL_ACCESS_DENIED)
        complain_denied(talk->target.name);
    else
        complain("%s: its workers write to the system journal, and this machine keeps none; "
                 "see what its service manager does with its output",
                 talk->target.name);
    return EXIT_CODE_UNREACHABLE;
}

/* There is no primary that could say so. Returns 0 where the journal knows nothing of the app,
 * and after a complaint where it could; or 1 with *ret_code. */
static int try_journal(struct conversation *talk, const struct options *options,
                       enum exit_code *ret_code)
{
    _cleanup_journal_reader_ struct journal_reader *reader = NULL;

    client_release(&talk->client);
    if (journal_reader_open(NULL, &reader) < 0 || find_in_journal(talk, reader) != 1) {
        if (journal_access_look() == JOURNAL_ACCESS_DENIED)
            complain_denied(talk->target.name);
        return 0;
    }
    *ret_code = show_journal(talk, reader, options);
    return 1;
}

static enum exit_code read_directory(const struct options *options)
{
    _cleanup_(talk_release) struct conversation talk = {0};
    _cleanup_journal_reader_ struct journal_reader *reader = NULL;
    int r;

    if (!options_app(options)) {
        complain("--directory wants the name of an app");
        return EXIT_CODE_USAGE;
    }
    r = talk_find(&talk, options_app(options), options, SPAN_FOREVER);
    if (r != 0)
        return (enum exit_code)r;
    r = journal_reader_open(options->directory, &reader);
    if (r < 0) {
        complain("%s: journal files can't be read there: %s", options->directory, strerror(-r));
        return EXIT_CODE_UNREACHABLE;
    }
    r = find_in_journal(&talk, reader);
    if (r < 0)
        return explain_journal(&talk, r);
    if (r == 0) {
        complain("%s: the journal files there know nothing of %s", options->directory,
                 talk.target.name);
        return EXIT_CODE_UNREACHABLE;
    }
    return show_journal(&talk, reader, options);
}

/* Whether the primary does not even tell how it is. An error or nonsense is an answer. */
static bool is_silent(int result)
{
    return result == CLIENT_TIMEOUT || talk_is_cut(result) || result < 0;
}

enum exit_code verb_logs(const struct options *options)
{
    _cleanup_(talk_release) struct conversation talk = {0};
    enum exit_code code = EXIT_CODE_UNREACHABLE;
    struct app_view app;
    enum reach reach;
    int error = 0;
    int r;

    if (options->directory)
        return read_directory(options);
    r = talk_find(&talk, options_app(options), options, answer_limit);
    if (r != 0)
        return (enum exit_code)r;
    reach = talk_reconnect(&talk, &error);
    if (reach != REACH_DONE) {
        if (try_journal(&talk, options, &code) == 0)
            target_complain(&talk.target, reach, error);
        return code;
    }
    r = talk_ask_status(&talk, &app);
    if (r == 0 && app.survives)
        return read_journal(&talk, options);
    if (is_silent(r))
        return try_journal(&talk, options, &code) == 0 ? talk_explain(&talk, r) : code;
    return ask_primary(&talk, options);
}
