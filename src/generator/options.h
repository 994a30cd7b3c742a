/* The command line of the generator: what the service manager gives it (systemd.generator(7)),
 * and what a person may say who wants to see the units.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

struct options {
    const char *output;       /* the folder of units */
    const char *configs;      /* NULL: the usual one (os/config_folder.h) */
    unsigned systemd_version; /* 0: to be found out */
    bool of_user;
    bool by_manager; /* called as the service manager does: with all three folders */
    bool help;
    bool version;
};

/* Reads argv; strings are borrowed from it. `scope` is $SYSTEMD_SCOPE, or NULL. Returns 0, or 1
 * where the usage is wrong, which has been said on stderr. */
MUST_CHECK int options_parse(int argc, char **argv, const char *scope,
                             struct options *ret_options);

/* What --help prints. */
const char *options_usage(void);
