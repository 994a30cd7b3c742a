/* What goes wrong, in words, on stderr: "reloadctl: …". What others wrote and may be in there
 * is made safe for a terminal (printable.h).
 */
#pragma once

/* `format` has no "reloadctl: " before it and no newline behind it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on stderr that goes with a complaint: `prefix`, then `text` as somebody else wrote it.
 */
void complain_line(const char *prefix, const char *text);
