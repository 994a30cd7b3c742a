/* What `reloadctl check --json` prints: one JSON object. */
#pragma once

#include "wire/config_error.h"

/* {"file": …, "valid": …, "errors": [{"line", "column", "path", "text"} …]}; a place that is
 * not known is null. *ret_text is the caller's. Returns 0 or -ENOMEM. */
MUST_CHECK int verdict_encode(const char *file, const struct config_errors *errors,
                              char **ret_text);
