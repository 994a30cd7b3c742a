/* The command line of reloadd. */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit codes, as DESIGN has them for every program of the project (docs/man/reloadd.8). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* the first revision failed, or something broke */
    EXIT_USAGE = 2,
    EXIT_REFUSED = 5, /* bad configuration, or another primary has the app */
    EXIT_AGAIN = 75,  /* not the app's fault: to be started again (EX_TEMPFAIL, sysexits.h) */
};

enum options_mode {
    OPTIONS_SERVE,      /* as a service */
    OPTIONS_FOREGROUND, /* reloadctl run */
    OPTIONS_CHECK,
    OPTIONS_CHECK_JOURNAL, /* can this program go on from that journal? (upgrade.h) */
    OPTIONS_SWEEP,         /* ends what a finished stop has left over (sweep.h) */
    OPTIONS_VERSION,
    OPTIONS_HELP,
};

struct options {
    enum options_mode mode;
    const char *config;
    const char *name;    /* NULL: from the configuration's file name, or the command's */
    const char **listen; /* NULL-ended; the caller's (options_release) */
    const char *workers;
    const char *release;
    char **command; /* NULL-ended; NULL: none was given */
    bool adopt; /* the service manager keeps descriptors and starts a killed primary again */
    bool json;
};

/* Reads argv; strings are borrowed from it. Returns 0; 1 where the usage is wrong, which has
 * been said on stderr; -ENOMEM. */
MUST_CHECK int options_parse(int argc, char **argv, struct options *ret_options);

void options_release(struct options *options);

/* What --help prints. */
const char *options_usage(void);
