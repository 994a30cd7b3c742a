/* How a value of each type of the configuration is read: one function a type, which stores it
 * or tells what is wrong with it. Private to wire/.
 */
#pragma once

#include "wire/config_key.h"
#include "wire/config_reader.h"

/* Reads a value by its row in the table into its place in `into`: the struct spec or, for the
 * keys of "listen", the struct listener_spec. What was in the place is given up. For all types
 * but CONFIG_SECTION and CONFIG_LISTEN. Returns 0; 1 where errors were added, and the place is
 * as it was, but for the right parts of a command or of variables; or -ENOMEM. */
MUST_CHECK int config_read_value(const struct config_reader *reader,
                                 const struct config_key *key, const struct value_path *path,
                                 const json_t *value, void *into);
