#include "reloadd/options.h"

#include "base/error.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: reloadd --config FILE [--name NAME] [--adopt]\n"
    "       reloadd --foreground [--config FILE] [--name NAME] [--listen ADDR]...\n"
    "               [--workers N|max|max-1] [--release LABEL] [--] [COMMAND...]\n"
    "       reloadd --check --config FILE [--json]\n"
    "       reloadd --check-journal --name NAME\n"
    "       reloadd --sweep --name NAME\n"
    "       reloadd --version | --help\n"
    "\n"
    "The primary of one app: holds its listeners, runs its workers, and replaces\n"
    "them one by one. Asked for by people as `reloadctl run`; see reloadd(8).\n";

enum {
    OPTION_FOREGROUND = 256,
    OPTION_CHECK,
    OPTION_CHECK_JOURNAL,
    OPTION_SWEEP,
    OPTION_ADOPT,
    OPTION_JSON,
    OPTION_RELEASE,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"name", required_argument, NULL, 'n'},
    {"listen", required_argument, NULL, 'l'},
    {"workers", required_argument, NULL, 'i'},
    {"release", required_argument, NULL, OPTION_RELEASE},
    {"foreground", no_argument, NULL, OPTION_FOREGROUND},
    {"adopt", no_argument, NULL, OPTION_ADOPT},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"check-journal", no_argument, NULL, OPTION_CHECK_JOURNAL},
    {"sweep", no_argument, NULL, OPTION_SWEEP},
    {"json", no_argument, NULL, OPTION_JSON},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {0},
};

const char *options_usage(void)
{
    return usage;
}

static int wrong(const char *what)
{
    (void)fprintf(stderr, "reloadd: %s\n%s", what, usage);
    return 1;
}

static int options_take(struct options *options, int option, size_t *listen_n)
{
    switch (option) {
    case 'c':
        options->config = optarg;
        return 0;
    case 'n':
        options->name = optarg;
        return 0;
    case 'l':
        options->listen[(*listen_n)++] = optarg;
        return 0;
    case 'i':
        options->workers = optarg;
        return 0;
    case OPTION_RELEASE:
        options->release = optarg;
        return 0;
    case OPTION_FOREGROUND:
        options->mode = OPTIONS_FOREGROUND;
        return 0;
    case OPTION_CHECK:
        options->mode = OPTIONS_CHECK;
        return 0;
    case OPTION_CHECK_JOURNAL:
        options->mode = OPTIONS_CHECK_JOURNAL;
        return 0;
    case OPTION_SWEEP:
        options->mode = OPTIONS_SWEEP;
        return 0;
    case OPTION_ADOPT:
        options->adopt = true;
        return 0;
    case OPTION_JSON:
        options->json = true;
        return 0;
    case OPTION_VERSION:
        options->mode = OPTIONS_VERSION;
        return 0;
    case 'h':
        options->mode = OPTIONS_HELP;
        return 0;
    default: /* getopt has said what is wrong */
        (void)fputs(usage, stderr);
        return 1;
    }
}

static int options_validate(const struct options *options)
{
    if (options->mode == OPTIONS_VERSION || options->mode == OPTIONS_HELP)
        return 0;
    if (options->mode == OPTIONS_SWEEP || options->mode == OPTIONS_CHECK_JOURNAL)
        return options->name ? 0 : wrong("--name NAME is missing");
    if (options->mode == OPTIONS_CHECK && !options->config)
        return wrong("--check needs --config FILE");
    if (options->mode == OPTIONS_SERVE && !options->config)
        return wrong("--config FILE is missing (or --foreground and a command)");
    if (!options->config && !options->command)
        return wrong("nothing to run: neither --config nor a command");
    return 0;
}

int options_parse(int argc, char **argv, struct options *ret_options)
{
    _cleanup_(options_release) struct options options = {.mode = OPTIONS_SERVE};
    size_t listen_n = 0;
    int option;

    options.listen = calloc((size_t)argc + 1, sizeof(*options.listen));
    if (!options.listen)
        return -ENOMEM;
    /* "+": what follows the first word that is no option belongs to the command. */
    while ((option = getopt_long(argc, argv, "+c:n:l:i:h", long_options, NULL)) != -1) {
        if (options_take(&options, option, &listen_n) != 0)
            return 1;
    }
    if (optind < argc)
        options.command = argv + optind;
    if (options_validate(&options) != 0)
        return 1;
    *ret_options = options;
    options = (struct options){0};
    return 0;
}

void options_release(struct options *options)
{
    if (!options)
        return;
    free(options->listen);
    *options = (struct options){0};
}
