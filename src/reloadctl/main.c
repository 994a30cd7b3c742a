/* reloadctl: what an administrator, a deploy hook or `systemctl reload` says to reloadd.
 *
 *     main: verb -> options -> handler -> exit code
 *
 * All verbs are in one table, from which usage and help are written. No verb but run and check
 * knows anything that the primary does not tell it.
 */
#include "reloadctl/verbs.h"

#include "reloadctl/complain.h"
#include "reloadctl/suggest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static enum exit_code verb_version(const struct options *options);
static enum exit_code verb_help(const struct options *options);

#define HELP OPTION_BIT(OPTION_HELP)
#define TALK (HELP | OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_TIMEOUT))

static const struct verb verbs[] = {
    {"run", "[OPTION…] [--] COMMAND [ARGUMENT…]", "run a server in the foreground",
     HELP | OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_LISTEN) | OPTION_BIT(OPTION_WORKERS) |
         OPTION_BIT(OPTION_CONFIG) | OPTION_BIT(OPTION_RELEASE),
     0, INT32_MAX, true, verb_run},
    {"check", "[--json] FILE", "say what is wrong with a configuration",
     HELP | OPTION_BIT(OPTION_JSON), 1, 1, false, verb_check},
    {"enable", "[--name NAME] [--restart] FILE",
     "put a configuration in place, and run it as a service",
     HELP | OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_RESTART), 1, 1, false, verb_enable},
    {"disable", "APP", "stop a service, and remove its configuration", HELP, 1, 1, false,
     verb_disable},
    {"status", "[OPTION…] [APP]", "show how an app is and what it waits for",
     TALK | OPTION_BIT(OPTION_WATCH), 0, 1, false, verb_status},
    {"list", "[OPTION…]", "list the apps", TALK, 0, 0, false, verb_list},
    {"reload", "[OPTION…] [APP]", "roll a new release in, worker by worker",
     TALK | OPTION_BIT(OPTION_RELEASE) | OPTION_BIT(OPTION_WAIT) | OPTION_BIT(OPTION_NO_WAIT) |
         OPTION_BIT(OPTION_QUEUE) | OPTION_BIT(OPTION_REFUSE),
     0, 1, false, verb_reload},
    {"scale", "[OPTION…] [APP] N", "run N workers from now on", TALK, 1, 2, false, verb_scale},
    {"stop", "[OPTION…] [APP]", "drain all workers and end the app",
     TALK | OPTION_BIT(OPTION_HURRY), 0, 1, false, verb_stop},
    {"logs", "[OPTION…] [APP]", "show what the workers wrote",
     TALK | OPTION_BIT(OPTION_FOLLOW) | OPTION_BIT(OPTION_LINES) | OPTION_BIT(OPTION_WORKER) |
         OPTION_BIT(OPTION_REVISION) | OPTION_BIT(OPTION_SINCE) | OPTION_BIT(OPTION_DIRECTORY),
     0, 1, false, verb_logs},
    {"history", "[OPTION…] [APP]", "list the revisions and what became of them", TALK, 0, 1,
     false, verb_history},
    {"events", "[OPTION…] [APP]", "write each change as a line of JSON", TALK, 0, 1, false,
     verb_events},
    {"upgrade", "[OPTION…] [APP]", "have an upgraded reloadd take over, with all workers", TALK,
     0, 1, false, verb_upgrade},
    {"version", "[--json]", "show the version", HELP | OPTION_BIT(OPTION_JSON), 0, 0, false,
     verb_version},
    {"help", "[VERB]", "explain a verb, or list them", HELP, 0, 1, false, verb_help},
};

enum {
    VERB_N = sizeof(verbs) / sizeof(verbs[0]),
};

static void write_usage(FILE *stream)
{
    (void)fputs("Usage: reloadctl VERB [OPTION…] [APP]\n\n", stream);
    for (size_t i = 0; i < VERB_N; i++)
        (void)fprintf(stream, "  %-8s  %s\n", verbs[i].name, verbs[i].summary);
    (void)fputs(
        "\nAPP may be left out where there is just one. `reloadctl help VERB` tells more,"
        "\nreloadctl(1) tells all.\n",
        stream);
}

static void write_verb_usage(FILE *stream, const struct verb *verb)
{
    (void)fprintf(stream, "Usage: reloadctl %s %s\n\n  %s\n\n", verb->name, verb->synopsis,
                  verb->summary);
    options_write_help(stream, verb->options);
}

/* Every program is asked for these two. */
static const char *verb_of_option(const char *word)
{
    if (strcmp(word, "--version") == 0)
        return "version";
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ? "help" : word;
}

/* NULL after a complaint where there is no such verb. */
static const struct verb *find_verb(const char *name)
{
    const char *names[VERB_N];
    const char *nearest;

    for (size_t i = 0; i < VERB_N; i++) {
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
        names[i] = verbs[i].name;
    }
    nearest = suggest_nearest(name, names, VERB_N);
    if (nearest)
        complain("there is no verb \"%s\"; did you mean %s?", name, nearest);
    else
        complain("there is no verb \"%s\"; see reloadctl help", name);
    return NULL;
}

static enum exit_code verb_version(const struct options *options)
{
    (void)printf(options->json ? "{\"version\":\"%s\"}\n" : "reloadctl %s\n", RELOADD_VERSION);
    return EXIT_CODE_DONE;
}

static enum exit_code verb_help(const struct options *options)
{
    const struct verb *verb;

    if (options->operand_n == 0) {
        write_usage(stdout);
        return EXIT_CODE_DONE;
    }
    verb = find_verb(options->operands[0]);
    if (!verb)
        return EXIT_CODE_USAGE;
    write_verb_usage(stdout, verb);
    return EXIT_CODE_DONE;
}

static enum exit_code run_verb(const struct verb *verb, int argc, char *argv[])
{
    const struct options_form form = {
        .verb = verb->name,
        .options = verb->options,
        .ends_at_operand = verb->ends_at_operand,
    };
    _cleanup_(options_release) struct options options = {0};
    int r = options_parse(&form, argc, argv, &options);

    if (r < 0)
        complain("%s", strerror(-r));
    if (r != 0)
        return r < 0 ? EXIT_CODE_UNREACHABLE : EXIT_CODE_USAGE;
    if (options.help) {
        write_verb_usage(stdout, verb);
        return EXIT_CODE_DONE;
    }
    if (options.operand_n < verb->operands_min || options.operand_n > verb->operands_max) {
        complain("usage: reloadctl %s %s", verb->name, verb->synopsis);
        return EXIT_CODE_USAGE;
    }
    return verb->run(&options);
}

/* A caller may have closed 0, 1 or 2; no socket of ours must come to lie there. */
static void hold_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    (void)close_fd(fd);
}

/* Whether nobody reads stdout any more (poll(2): POLLERR at a pipe without readers). Asked of
 * the descriptor, since the errno of the write that failed may be long gone. */
static bool is_reader_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP)) != 0;
}

/* A reader that has gone away is its own affair; any other failure to write is ours. */
static enum exit_code finish_output(enum exit_code code)
{
    bool is_flushed = fflush(stdout) == 0;

    if ((is_flushed && !ferror(stdout)) || is_reader_gone())
        return code;
    complain("not all of the output could be written");
    return code == EXIT_CODE_DONE ? EXIT_CODE_FAILED : code;
}

int main(int argc, char *argv[])
{
    const struct verb *verb;

    hold_standard_descriptors();
    (void)signal(SIGPIPE,
                 SIG_IGN); /* a write then says EPIPE; a reload is waited for all the same */
    if (argc < 2) {
        write_usage(stderr);
        return EXIT_CODE_USAGE;
    }
    verb = find_verb(verb_of_option(argv[1]));
    if (!verb)
        return EXIT_CODE_USAGE;
    return finish_output(run_verb(verb, argc - 1, argv + 1));
}
