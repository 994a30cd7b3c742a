/* A growing string of bytes.
 *
 * A zeroed struct text is empty and valid. The bytes are always followed by a NUL that is not
 * counted, so that text_string() costs nothing; they may hold NULs of their own. The verbs that
 * add either add all or nothing. Growth doubles, so that adding n bytes one by one costs O(n).
 */
#pragma once

#include "base/own.h"

#include <stdarg.h>
#include <stddef.h>

struct text {
    char *data; /* NULL as long as nothing was ever added */
    size_t size;
    size_t capacity; /* of data, the closing NUL included */
};

#define _cleanup_text_ _cleanup_(text_release)

/* Frees what it holds; it is then empty and usable again. NULL is ignored. */
void text_release(struct text *text);

/* The bytes as a C string; "" where nothing was added. Borrowed, valid until the next change.
 */
const char *text_string(const struct text *text);

/* Makes room for `size` more bytes. Returns 0 or -ENOMEM. */
MUST_CHECK int text_reserve(struct text *text, size_t size);

/* Adds `size` bytes; `data` may be NULL where size is 0, and must not lie within `text`.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int text_append(struct text *text, const char *data, size_t size);

/* Adds a C string. Returns 0 or -ENOMEM. */
MUST_CHECK int text_append_string(struct text *text, const char *string);

/* Adds what printf would write. Returns 0, -ENOMEM, or the -errno of vsnprintf(3). */
MUST_CHECK int text_appendf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
MUST_CHECK int text_appendv(struct text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* Adds bytes that somebody else wrote, fit for a terminal and for one line: control characters
 * and backslashes become "\n", "\t", "\\" or "\x1b"; all else, UTF-8 too, stays as it is.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int text_append_visible(struct text *text, const char *data, size_t size);

/* Keeps the first `size` bytes; a size beyond the text's is the text's. Keeps the memory. */
void text_truncate(struct text *text, size_t size);

/* Takes the first `size` bytes away; the others move up. */
void text_drop_front(struct text *text, size_t size);

/* The string as heap memory of the caller's; the text is then empty. An empty text gives "".
 * Returns 0 or -ENOMEM. */
MUST_CHECK int text_take(struct text *text, char **ret_string);
