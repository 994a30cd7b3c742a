/* Which HTTP statuses are a good answer to a probe: "2xx", "200", "2xx,301". */
#pragma once

#include "base/own.h"

#include <stdbool.h>

/* Whether the text is such a list: statuses from 100 to 599 or their classes, separated by
 * commas, at least one. */
bool expect_is_valid(const char *text);

/* Whether a valid list has this status. */
bool expect_has(const char *text, int status);
