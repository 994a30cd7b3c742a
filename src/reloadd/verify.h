/* `reloadctl check FILE`: says whether a configuration would be accepted, and does nothing
 * else. */
#pragma once

#include "reloadd/options.h"

/* Prints every error, as a line each on stderr, or as JSON on stdout. Returns the exit code. */
MUST_CHECK int verify_run(const struct options *options);
