/* reloadd: the primary of one app. */
#include "base/log.h"
#include "os/polite.h"
#include "reloadd/primary.h"
#include "reloadd/sweep.h"
#include "reloadd/upgrade.h"
#include "reloadd/verify.h"

#include <stdio.h>

static void print_version(void)
{
    const char *why_not;
    bool can = polite_check(&why_not) == 0;

    (void)printf("reloadd %s\npolite drains: %s\n", RELOADD_VERSION,
                 can ? "can be done here" : why_not);
}

static int run(const struct options *options)
{
    switch (options->mode) {
    case OPTIONS_SERVE:
        log_setup(LEVEL_INFO, LOG_MODE_SERVICE);
        return primary_run(options);
    case OPTIONS_FOREGROUND:
        log_setup(LEVEL_INFO, log_mode_of_stderr());
        return primary_run(options);
    case OPTIONS_CHECK:
        return verify_run(options);
    case OPTIONS_CHECK_JOURNAL:
        return upgrade_check_journal(options->name);
    case OPTIONS_SWEEP:
        log_setup(LEVEL_INFO, LOG_MODE_SERVICE);
        return sweep_run(options->name);
    case OPTIONS_VERSION:
        print_version();
        return EXIT_DONE;
    case OPTIONS_HELP:
        (void)fputs(options_usage(), stdout);
        return EXIT_DONE;
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options options;
    int r = options_parse(argc, argv, &options);
    int code = r == 0 ? run(&options) : EXIT_USAGE;

    if (r == 0)
        options_release(&options);
    return code;
}
