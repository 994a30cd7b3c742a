#include "reloadctl/conversation.h"

#include "base/error.h"
#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/printable.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static const struct span beside_limit = {2000000000u};

/* Nothing tells when a socket that is not there, or that nobody listens on, begins to be
 * listened on. A primary that is started at once is back after some 30 ms. */
static const struct span first_pause = {20000000u};
static const struct span last_pause = {250000000u};

int talk_find(struct conversation *talk, const char *app, const struct options *options,
              struct span limit)
{
    *talk = (struct conversation){
        .deadline = instant_plus(clock_now(), options->has_timeout ? options->timeout : limit),
        .deadline_is_chosen = options->has_timeout,
        .wants_json = options->json,
    };
    return target_find(app, &talk->target);
}

int talk_open(struct conversation *talk, const char *app, const struct options *options,
              struct span limit)
{
    enum reach reach;
    int error = 0;
    int r = talk_find(talk, app, options, limit);

    if (r != 0)
        return r;
    reach = talk_reconnect(talk, &error);
    if (reach == REACH_DONE)
        return 0;
    target_complain(&talk->target, reach, error);
    return EXIT_CODE_UNREACHABLE;
}

enum reach talk_reconnect(struct conversation *talk, int *ret_error)
{
    _cleanup_fd_ int fd = -1;
    enum reach reach;

    client_release(&talk->client);
    reach = target_connect(&talk->target, &fd, ret_error);
    if (reach == REACH_DONE)
        client_init_take(&talk->client, take_fd(fd));
    return reach;
}

int talk_await(struct conversation *talk, struct instant limit)
{
    limit = instant_earlier(limit, talk->deadline);
    for (;;) {
        struct instant now = clock_now();
        struct span pause = talk->pause.nanoseconds > 0 ? talk->pause : first_pause;
        int error = 0;

        if (instant_reached(now, limit))
            return CLIENT_TIMEOUT;
        talk->pause.nanoseconds = 2 * pause.nanoseconds;
        if (talk->pause.nanoseconds > last_pause.nanoseconds)
            talk->pause = last_pause;
        (void)poll(NULL, 0,
                   clock_poll_timeout(instant_earlier(limit, instant_plus(now, pause))));
        if (talk_reconnect(talk, &error) == REACH_DONE)
            return 0;
    }
}

int talk_open_beside(struct conversation *talk, const struct conversation *other)
{
    int error = 0;

    *talk = (struct conversation){
        .deadline = instant_plus(clock_now(), beside_limit),
    };
    talk->target.name = strdup(other->target.name);
    talk->target.path = strdup(other->target.path);
    if (!talk->target.name || !talk->target.path)
        return 1;
    return talk_reconnect(talk, &error) == REACH_DONE ? 0 : 1;
}

void talk_release(struct conversation *talk)
{
    if (!talk)
        return;
    reply_free(talk->reply);
    client_release(&talk->client);
    target_release(&talk->target);
    *talk = (struct conversation){0};
}

int talk_send(struct conversation *talk, const struct varlink_call *call)
{
    _cleanup_free_ char *text = NULL;
    int r = varlink_call_encode(call, &text);

    return r < 0 ? r : client_send(&talk->client, text, talk->deadline);
}

int talk_receive(struct conversation *talk, struct instant deadline)
{
    const char *text = NULL;
    size_t size = 0;
    int r =
        client_receive(&talk->client, instant_earlier(deadline, talk->deadline), &text, &size);

    if (r != 0)
        return r;
    reply_free(talk->reply);
    talk->reply = NULL;
    r = reply_decode(text, size, &talk->reply, &talk->fault);
    if (r == 1)
        return TALK_GARBAGE;
    if (r == 0 && reply_error(talk->reply, &talk->error))
        return TALK_ERROR;
    return r;
}

int talk_ask(struct conversation *talk, const struct varlink_call *call)
{
    int r = talk_send(talk, call);
    /* Who refuses a client may answer and hang up before the call is sent. */
    return r == 0 || r == CLIENT_CLOSED ? talk_receive(talk, INSTANT_NEVER) : r;
}

int talk_ask_status(struct conversation *talk, struct app_view *ret_app)
{
    const struct varlink_call call = {.method = METHOD_STATUS};
    int r = talk_ask(talk, &call);

    if (r == 0) {
        r = reply_app(talk->reply, ret_app, &talk->fault);
        if (r == 1)
            r = TALK_GARBAGE;
    }
    return r;
}

/* Line by line, since the new lines between JSON's tokens are to stay. */
static void write_json_lines(const char *text)
{
    for (const char *line = text;; line += strcspn(line, "\n") + 1) {
        size_t size = strcspn(line, "\n");

        printable_write(stdout, line, size, ESCAPE_JSON);
        if (line[size] == '\0')
            return;
        (void)fputc('\n', stdout);
    }
}

static void write_json(const char *text)
{
    if (isatty(STDOUT_FILENO) == 1)
        write_json_lines(text);
    else
        (void)fputs(text, stdout);
    (void)fputc('\n', stdout);
    (void)fflush(stdout);
}

int talk_write_json(struct conversation *talk, const char *member, bool is_line)
{
    const unsigned indent = !is_line && isatty(STDOUT_FILENO) == 1 ? 2 : 0;
    _cleanup_free_ char *text = NULL;
    int r = reply_text(talk->reply, member, indent, &text);

    if (r == 1) {
        fault_say(&talk->fault, "\"%s\" is missing", member);
        r = TALK_GARBAGE;
    }
    if (r != 0)
        return (int)talk_explain(talk, r);
    write_json(text);
    return 0;
}

/* {"error":NAME,"parameters":…}, as Varlink has it. A name that is not known is not written: it
 * could be anything. */
static int write_error(const struct conversation *talk)
{
    _cleanup_free_ char *parameters = NULL;
    _cleanup_free_ char *text = NULL;
    int r;

    if (talk->error.kind == ERROR_UNKNOWN)
        return 0;
    r = reply_text(talk->reply, NULL, 0, &parameters);
    if (r != 0)
        return r;
    if (asprintf(&text, "{\"error\":\"%s\",\"parameters\":%s}",
                 error_kind_name(talk->error.kind), parameters) < 0) {
        text = NULL;
        return -ENOMEM;
    }
    write_json(text);
    return 0;
}

static void complain_lines(const char *const *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        complain_line("  | ", lines[i]);
}

static enum exit_code refuse(const char *app, const char *text)
{
    complain("%s: refused: %s", app, text);
    return EXIT_CODE_REFUSED;
}

static enum exit_code explain_config(const char *app, const struct error_view *error)
{
    complain("%s: refused: the configuration has %s; nothing was changed", app,
             error->message_n == 1 ? "an error" : "errors");
    for (size_t i = 0; i < error->message_n; i++)
        complain_line("  ", error->messages[i]);
    return EXIT_CODE_REFUSED;
}

static enum exit_code explain_error(const char *app, const struct error_view *error)
{
    switch (error->kind) {
    case ERROR_CONFIG_INVALID:
        return explain_config(app, error);
    case ERROR_CHECK_FAILED:
        complain("%s: refused: the check said no (%s); nothing was changed", app, error->text);
        complain_lines(error->lines, error->line_n);
        return EXIT_CODE_REFUSED;
    case ERROR_BUSY:
    case ERROR_JOURNAL_FAILED:
    case ERROR_NOT_ALLOWED:
    case ERROR_UPGRADE_REFUSED:
        return refuse(app, error->text);
    case ERROR_STOPPING:
        return refuse(app, "it is stopping");
    case ERROR_NO_SUCH_REVISION:
        complain("%s knows no revision %lld", app, (long long)error->revision);
        return EXIT_CODE_UNREACHABLE;
    case ERROR_INVALID_PARAMETER:
        complain("%s takes no such %s", app, error->parameter);
        return EXIT_CODE_USAGE;
    case ERROR_NONE:
    case ERROR_INTERFACE_NOT_FOUND:
    case ERROR_METHOD_NOT_FOUND:
    case ERROR_METHOD_NOT_IMPLEMENTED:
    case ERROR_EXPECTED_MORE:
    case ERROR_UNKNOWN:
    case ERROR_N:
        break;
    }
    complain("the primary of %s can't do that: %s; is it of another version?", app,
             error->name);
    return EXIT_CODE_UNREACHABLE;
}

static enum exit_code explain_timeout(const struct conversation *talk)
{
    if (talk->deadline_is_chosen) {
        complain("%s: no answer in the time that --timeout gives", talk->target.name);
        return EXIT_CODE_NOT_YET;
    }
    complain("the primary of %s does not answer", talk->target.name);
    return EXIT_CODE_UNREACHABLE;
}

enum exit_code talk_explain(struct conversation *talk, int result)
{
    const char *app = talk->target.name;

    if (result == TALK_ERROR) {
        if (talk->wants_json && write_error(talk) < 0)
            complain("out of memory");
        return explain_error(app, &talk->error);
    }
    if (result == CLIENT_TIMEOUT)
        return explain_timeout(talk);
    if (result == CLIENT_CLOSED)
        complain("the primary of %s hung up without an answer", app);
    else if (result == CLIENT_CUT)
        complain("the primary of %s hung up in the middle of an answer", app);
    else if (result == TALK_GARBAGE)
        complain("the primary of %s answers with nonsense: %s", app, talk->fault.text);
    else
        complain("%s: %s", app, strerror(-result));
    return EXIT_CODE_UNREACHABLE;
}
