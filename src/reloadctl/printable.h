/* Text from workers and from the other side of a socket, made safe for an administrator's
 * terminal: a worker's output must not be able to move the cursor, set the title, or hide a
 * line.
 *
 * What would be acted upon is shown as an escape instead: C0 and C1 controls, DEL, the
 * invisible characters that turn the direction of text (Unicode TR 36, "bidirectional text
 * spoofing"), and bytes that are no UTF-8. A tab stays in lines of text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum escape {
    ESCAPE_TEXT, /* "\x1b", "\u202e" */
    ESCAPE_JSON, /* "\u001b", "\u202e": still the same JSON; white space between tokens is kept
                  */
};

/* Decodes the character at `text` (`size` > 0 bytes). Returns its length in bytes with the code
 * point in `ret_character`, or 1 with UINT32_MAX there where the byte is no UTF-8. */
size_t printable_decode(const char *text, size_t size, uint32_t *ret_character);

/* Whether a terminal would act on the character instead of showing it. */
bool printable_is_control(uint32_t character);

void printable_write(FILE *stream, const char *text, size_t size, enum escape escape);

/* How many columns printable_write() takes for the text, counting one for each character. */
size_t printable_width(const char *text);
