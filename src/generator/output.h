/* The folder that the service manager reads units from: it is empty when the generator is
 * called, and belongs to all generators.
 */
#pragma once

#include "base/own.h"
#include "base/text.h"

/* Writes FOLDER/NAME. Returns 0; 1 where a file of that name is there already; -errno. */
MUST_CHECK int output_unit(const char *folder, const char *name, const struct text *text);

/* Makes the target want the unit: FOLDER/TARGET.wants/NAME. Returns 0 or -errno. */
MUST_CHECK int output_want(const char *folder, const char *target, const char *name);
