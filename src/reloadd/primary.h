/* The life of a primary: everything made, run, and given back in the reverse order. */
#pragma once

#include "reloadd/options.h"

/* Serves until the app is stopped. Returns the exit code; what went wrong has been said. */
MUST_CHECK int primary_run(const struct options *options);
