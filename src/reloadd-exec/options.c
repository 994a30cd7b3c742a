#include "reloadd-exec/options.h"

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <string.h>

const char options_help[] =
    "Usage: reloadd-exec [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
    "Take the steps that are asked for, in this order, and become PROGRAM.\n"
    "\n"
    "  --setpgid                a process group of its own\n"
    "  --cgroup FOLDER          join the cgroup\n"
    "  --rlimit NAME=SOFT[:HARD]\n"
    "                           set a limit: nofile=1024:4096, core=unlimited\n"
    "  --capture internet|all   have bind(2) and listen(2) told to whoever takes the filter's\n"
    "                           descriptor, which is sent to the unix socket at --capture-fd\n"
    "  --capture-fd FD\n"
    "  --capture-optional       go on where that can't be done\n"
    "  --user USER              become USER (name or number), with USER's groups\n"
    "  --group GROUP            be in GROUP instead of USER's own\n"
    "  --directory FOLDER       working directory\n"
    "  --pdeathsig SIGNAL       get SIGNAL when the parent dies\n"
    "  --parent PID             fail where the parent is not PID any more\n"
    "  --listen-pid             set LISTEN_PID to the own pid, unset LISTEN_PIDFDID\n"
    "  --watchdog-pid           set WATCHDOG_PID to the own pid, where WATCHDOG_USEC is set\n"
    "  --einhorn-pid            set EINHORN_MASTER_PID to the parent's pid\n"
    "\n"
    "  --argv0 NAME             PROGRAM's own name for itself\n"
    "  --status-fd FD           tell a failure there, in one line, and not on standard error;\n"
    "                           end of file means that PROGRAM runs\n"
    "  --help                   show this\n"
    "  --version                show the version\n"
    "\n"
    "Exit status: PROGRAM's; 127 it was not found, 126 it could not be run, 125 another step\n"
    "failed.\n";

enum option_code {
    OPTION_SETPGID = 1000,
    OPTION_CGROUP,
    OPTION_RLIMIT,
    OPTION_CAPTURE,
    OPTION_CAPTURE_FD,
    OPTION_USER,
    OPTION_GROUP,
    OPTION_DIRECTORY,
    OPTION_PDEATHSIG,
    OPTION_PARENT,
    OPTION_LISTEN_PID,
    OPTION_WATCHDOG_PID,
    OPTION_EINHORN_PID,
    OPTION_CAPTURE_OPTIONAL,
    OPTION_ARGV0,
    OPTION_STATUS_FD,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"setpgid", no_argument, NULL, OPTION_SETPGID},
    {"cgroup", required_argument, NULL, OPTION_CGROUP},
    {"rlimit", required_argument, NULL, OPTION_RLIMIT},
    {"capture", required_argument, NULL, OPTION_CAPTURE},
    {"capture-fd", required_argument, NULL, OPTION_CAPTURE_FD},
    {"capture-optional", no_argument, NULL, OPTION_CAPTURE_OPTIONAL},
    {"user", required_argument, NULL, OPTION_USER},
    {"group", required_argument, NULL, OPTION_GROUP},
    {"directory", required_argument, NULL, OPTION_DIRECTORY},
    {"pdeathsig", required_argument, NULL, OPTION_PDEATHSIG},
    {"parent", required_argument, NULL, OPTION_PARENT},
    {"listen-pid", no_argument, NULL, OPTION_LISTEN_PID},
    {"watchdog-pid", no_argument, NULL, OPTION_WATCHDOG_PID},
    {"einhorn-pid", no_argument, NULL, OPTION_EINHORN_PID},
    {"argv0", required_argument, NULL, OPTION_ARGV0},
    {"status-fd", required_argument, NULL, OPTION_STATUS_FD},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

int options_signal(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*end == '\0' && end != text)
        return number > 0 && number < NSIG ? (int)number : 0;
    if (strncmp(text, "SIG", 3) == 0)
        text += 3;
    for (int i = 1; i < NSIG; i++) {
        const char *name = sigabbrev_np(i);

        if (name != NULL && strcmp(name, text) == 0)
            return i;
    }
    return 0;
}

/* Returns 0, or 1 where the text is no number from `least` on. */
static int parse_number(const char *text, int least, int *ret_number)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (end == text || *end != '\0' || number < least || number > INT_MAX)
        return 1;
    *ret_number = (int)number;
    return 0;
}

/* Returns 0, or 1 where the value is wrong. */
static int take_value(struct options *options, int option, const char *value)
{
    switch (option) {
    case OPTION_CGROUP:
        options->cgroup = value;
        return 0;
    case OPTION_RLIMIT:
        if (options->limit_count == LIMITS_MAX)
            return 1;
        options->limits[options->limit_count++] = value;
        return 0;
    case OPTION_CAPTURE:
        options->capture = value;
        return strcmp(value, "internet") != 0 && strcmp(value, "all") != 0;
    case OPTION_CAPTURE_FD:
        return parse_number(value, 0, &options->capture_fd);
    case OPTION_USER:
        options->user = value;
        return 0;
    case OPTION_GROUP:
        options->group = value;
        return 0;
    case OPTION_DIRECTORY:
        options->directory = value;
        return 0;
    case OPTION_ARGV0:
        options->argv0 = value;
        return 0;
    case OPTION_PDEATHSIG:
        options->parent_death_signal = options_signal(value);
        return options->parent_death_signal == 0;
    case OPTION_PARENT:
        return parse_number(value, 1, &options->parent);
    case OPTION_STATUS_FD:
        return parse_number(value, 0, &options->status_fd);
    default: /* getopt_long(3) gives an int; '?' and ':' end up here */
        return 1;
    }
}

/* Returns whether it is one that has no value. */
static bool take_flag(struct options *options, int option)
{
    bool *flags[] = {
        [OPTION_SETPGID - OPTION_SETPGID] = &options->own_group,
        [OPTION_LISTEN_PID - OPTION_SETPGID] = &options->listen_pid,
        [OPTION_WATCHDOG_PID - OPTION_SETPGID] = &options->watchdog_pid,
        [OPTION_EINHORN_PID - OPTION_SETPGID] = &options->einhorn_pid,
        [OPTION_CAPTURE_OPTIONAL - OPTION_SETPGID] = &options->capture_optional,
        [OPTION_HELP - OPTION_SETPGID] = &options->help,
        [OPTION_VERSION - OPTION_SETPGID] = &options->version,
    };
    const int count = (int)(sizeof flags / sizeof flags[0]);

    if (option < OPTION_SETPGID || option - OPTION_SETPGID >= count ||
        flags[option - OPTION_SETPGID] == NULL)
        return false;
    *flags[option - OPTION_SETPGID] = true;
    return true;
}

int options_parse(int argc, char **argv, struct options *ret_options, const char **ret_wrong)
{
    int option;

    *ret_options = (struct options){.status_fd = -1, .capture_fd = -1};
    opterr = 0; /* its words are for a terminal, ours may go elsewhere */
    /* '+': the program's own options are not ours. */
    while ((option = getopt_long(argc, argv, "+:", long_options, NULL)) != -1) {
        if (take_flag(ret_options, option))
            continue;
        if (take_value(ret_options, option, optarg) > 0) {
            *ret_wrong = argv[optind - 1];
            return 1;
        }
    }
    ret_options->program = argv + optind;
    if (ret_options->help || ret_options->version)
        return 0;
    if ((ret_options->capture == NULL) != (ret_options->capture_fd < 0)) {
        *ret_wrong = "--capture and --capture-fd go together";
        return 1;
    }
    if (optind == argc) {
        *ret_wrong = "PROGRAM is missing";
        return 1;
    }
    return 0;
}
