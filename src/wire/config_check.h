/* What the parts of a configuration demand of each other. What is in doubt itself
 * (config_errors_doubt()) is passed over, so that no default stands in for a wrong value.
 * Private to wire/; the check that others need too is config_check_flags() in wire/config.h.
 */
#pragma once

#include "wire/config.h"
#include "wire/config_reader.h"

/* Whether the numbers of the policy and of the limits agree. Returns 0, 1 where errors were
 * added, or -ENOMEM. */
MUST_CHECK int config_check_relations(const struct config_reader *reader,
                                      const struct spec *spec);

/* Whether no two listeners have one name or address; those without are passed over. Returns 0,
 * 1 where errors were added, or -ENOMEM. */
MUST_CHECK int config_check_unique(const struct config_reader *reader, const struct spec *spec);

/* Whether what is said of a probe belongs to the type of readiness, and there is a TCP listener
 * to ask over, as far as `listen` is known. Returns 0, 1 where errors were added, or -ENOMEM.
 */
MUST_CHECK int config_check_probe(const struct spec *spec, const struct config_origin *origin,
                                  struct config_errors *errors);

/* Whether each {fd:NAME} in exec names a listener. Returns 0, 1 where errors were added, or
 * -ENOMEM. */
MUST_CHECK int config_check_placeholders(const struct spec *spec,
                                         const struct config_origin *origin,
                                         struct config_errors *errors);
