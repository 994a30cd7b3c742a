/* The tally as text for a reader, or as JSON for a program. */
#pragma once

#include "options.h"
#include "tally.h"

/* Writes where the options say. Returns 0 or -errno. */
MUST_CHECK int report_write(const struct options *options, const struct tally *tally);
