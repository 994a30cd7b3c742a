/* run and check: what reloadd itself does, under reloadctl's roof. The command line is checked,
 * put into reloadd's words, and reloadd takes this process over; its exit code is the verb's.
 */
#include "reloadctl/verbs.h"

#include "base/error.h"
#include "reloadctl/complain.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char daemon_name[] = "reloadd";

/* Runs the reloadd of the same build or installation: the one beside reloadctl's own real path;
 * only where there is none, that of PATH. Comes back when it failed, after a complaint. */
static enum exit_code become_daemon(char *argv[])
{
    char path[PATH_MAX + sizeof(daemon_name)];
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    char *slash;

    /* Ignored signals stay ignored over exec(2); reloadd decides by itself. */
    (void)signal(SIGPIPE, SIG_DFL);
    (void)fflush(NULL);
    path[length > 0 ? length : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash) {
        (void)strcpy(slash + 1, daemon_name);
        (void)execv(path, argv);
        if (errno != ENOENT) {
            complain("%s can't be run: %s", path, strerror(errno));
            return EXIT_CODE_UNREACHABLE;
        }
    }
    (void)execvp(daemon_name, argv);
    complain("%s can't be run: %s", daemon_name, strerror(errno));
    return EXIT_CODE_UNREACHABLE;
}

/* exec(2) wants char *, and changes none of them. */
static char *argument(const char *text)
{
    union {
        const char *borrowed;
        char *argument;
    } both = {.borrowed = text};
    return both.argument;
}

static bool is_worker_count(const char *text)
{
    int64_t count;

    return strcmp(text, "max") == 0 || strcmp(text, "max-1") == 0 ||
           number_parse(text, 1, SLOT_MAX, &count) == 0;
}

static int check_run(const struct options *options)
{
    if (options->operand_n == 0 && !options->config) {
        complain("run what? Give a command behind --, or --config FILE");
        return 1;
    }
    if (options->workers && !is_worker_count(options->workers)) {
        complain("--workers takes a number in 1 … %d, \"max\" or \"max-1\", not \"%s\"",
                 SLOT_MAX, options->workers);
        return 1;
    }
    return 0;
}

static char **add_pair(char **end, const char *option, const char *value)
{
    if (!value)
        return end;
    *end++ = argument(option);
    *end++ = argument(value);
    return end;
}

enum exit_code verb_run(const struct options *options)
{
    /* reloadd, --foreground, four pairs, "--" and the end */
    const size_t fixed = 2 + 2 * 4 + 2;
    _cleanup_free_ char **argv =
        calloc(fixed + 2 * options->listen_n + (size_t)options->operand_n, sizeof(*argv));
    char **end = argv;

    if (check_run(options) != 0)
        return EXIT_CODE_USAGE;
    if (!argv) {
        complain("out of memory");
        return EXIT_CODE_UNREACHABLE;
    }
    *end++ = argument(daemon_name);
    *end++ = argument("--foreground");
    end = add_pair(end, "--name", options->name);
    for (size_t i = 0; i < options->listen_n; i++)
        end = add_pair(end, "--listen", options->listen[i]);
    end = add_pair(end, "--workers", options->workers);
    end = add_pair(end, "--config", options->config);
    end = add_pair(end, "--release", options->release);
    if (options->operand_n > 0)
        *end++ = argument("--");
    for (int i = 0; i < options->operand_n; i++)
        *end++ = options->operands[i];
    return become_daemon(argv);
}

enum exit_code verb_check(const struct options *options)
{
    char *argv[6] = {argument(daemon_name), argument("--check"), argument("--config"),
                     options->operands[0]};

    if (options->json)
        argv[4] = argument("--json");
    return become_daemon(argv);
}
