/* From a folder of configurations to a folder of units. Whatever is wrong with one file is
 * told, and hinders neither the others nor the boot: the units of a file with errors are made
 * all the same, and starting them fails with the reason, fresh from the file, as `reloadd`
 * tells it.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

struct generate_request {
    const char *configs;      /* folder; that it is missing is no fault */
    const char *output;       /* folder */
    const char *programs;     /* folder of reloadd and reloadctl */
    unsigned systemd_version; /* 0: unknown */
    bool of_user;
};

/* Makes all units; faults are said in the log. Returns 0, 1 where anything was told that is a
 * fault, or -errno where it could not go on. */
MUST_CHECK int generate(const struct generate_request *request);
