/* reloadd: the primary of one app. */
#include "base/log.h"
#include "reloadd/primary.h"
#include "reloadd/sweep.h"
#include "reloadd/upgrade.h"
#include "reloadd/verify.h"

#include <stdio.h>

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
        (void)printf("reloadd %s\n", RELOADD_VERSION);
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
