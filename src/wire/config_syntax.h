/* From the text of a configuration to JSON values: the errors that no key of the configuration
 * is needed for. Private to wire/.
 */
#pragma once

#include "wire/config_reader.h"

/* Parses the reader's text. *ret_value, the caller's reference, is set also where keys are
 * there twice (the last one counts), so that the rest can be looked at too; it is left alone
 * where the text is no JSON. Returns 0, 1 where errors were added, or -ENOMEM. */
MUST_CHECK int config_parse(const struct config_reader *reader, json_t **ret_value);
