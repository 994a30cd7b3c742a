/* The text of a unit file: lines of "Key=value", with everything in the value kept from meaning
 * something else (systemd.syntax(7), systemd.unit(5) "Specifiers", systemd.service(5) "Command
 * Lines").
 */
#pragma once

#include "base/text.h"

#include <stdbool.h>

/* Whether a value can stand in a unit file at all: a line has no room for control characters,
 * blanks at the ends are cut off, and a backslash at the end joins the next line. */
bool unit_value_is_plain(const char *value);

/* Adds "KEY=VALUE" and a newline; of a plain value, "%" is doubled. Returns 0 or -ENOMEM. */
MUST_CHECK int unit_text_set(struct text *text, const char *key, const char *value);

/* Adds "KEY=WORD WORD …" and a newline: a command, each word quoted as far as it must be.
 * `words` is NULL-ended; `prefix` stands before the first ("-"), unquoted. Returns 0 or
 * -ENOMEM. */
MUST_CHECK int unit_text_command(struct text *text, const char *key, const char *prefix,
                                 const char *const *words);
