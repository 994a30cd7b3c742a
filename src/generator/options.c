#include "generator/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: reloadd-generator [--user] [--configs FOLDER] [--systemd VERSION] FOLDER [EARLY "
    "LATE]\n"
    "       reloadd-generator --version | --help\n"
    "\n"
    "Writes a service unit and its socket units into FOLDER for each configuration\n"
    "in /etc/reloadd. Run by systemd at boot and at daemon-reload; see\n"
    "reloadd-generator(8).\n";

enum {
    OPTION_USER = 256,
    OPTION_CONFIGS,
    OPTION_SYSTEMD,
    OPTION_VERSION,
    SYSTEMD_VERSION_MAX = 100000,
};

static const struct option long_options[] = {
    {"user", no_argument, NULL, OPTION_USER},
    {"configs", required_argument, NULL, OPTION_CONFIGS},
    {"systemd", required_argument, NULL, OPTION_SYSTEMD},
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
    (void)fprintf(stderr, "reloadd-generator: %s\n%s", what, usage);
    return 1;
}

static int read_version(const char *text, unsigned *ret_version)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (text[0] < '1' || text[0] > '9' || *end != '\0' || number > SYSTEMD_VERSION_MAX)
        return wrong("--systemd takes a number, such as 252");
    *ret_version = (unsigned)number;
    return 0;
}

/* Managers before systemd 251 do not say whose they are; the folder of the program does. */
static bool is_of_user(const char *program, const char *scope)
{
    static const char folder[] = "/user-generators/";

    return scope != NULL ? strcmp(scope, "user") == 0 : strstr(program, folder) != NULL;
}

static int take(struct options *options, int option)
{
    switch (option) {
    case OPTION_USER:
        options->of_user = true;
        return 0;
    case OPTION_CONFIGS:
        options->configs = optarg;
        return 0;
    case OPTION_SYSTEMD:
        return read_version(optarg, &options->systemd_version);
    case OPTION_VERSION:
        options->version = true;
        return 0;
    case 'h':
        options->help = true;
        return 0;
    default: /* getopt has said what is wrong */
        (void)fputs(usage, stderr);
        return 1;
    }
}

int options_parse(int argc, char **argv, const char *scope, struct options *ret_options)
{
    struct options options = {.of_user = is_of_user(argv[0], scope)};
    int option;

    optind = 0; /* glibc: begin anew (getopt(3), NOTES) */
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
        if (take(&options, option) != 0)
            return 1;
    if (!options.help && !options.version && optind == argc)
        return wrong("the folder to write to is missing");
    options.by_manager = argc - optind == 3;
    options.output = argv[optind]; /* NULL at the end of argv */
    *ret_options = options;
    return 0;
}
