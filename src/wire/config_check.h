/* What the parts of a configuration demand of each other. Private to wire/; the check that
 * others need too is config_check_listeners() in wire/config.h.
 */
#pragma once

#include "wire/config_reader.h"
#include "wire/spec.h"

/* Whether the numbers of the policy agree: for a file without errors, so that no default stands
 * in for a wrong value. Returns 0, 1 where errors were added, or -ENOMEM. */
MUST_CHECK int config_check_relations(const struct config_reader *reader,
                                      const struct policy *policy);

/* Whether no two listeners have one name or address; those without are passed over. Returns 0,
 * 1 where errors were added, or -ENOMEM. */
MUST_CHECK int config_check_unique(const struct config_reader *reader, const struct spec *spec);
