/* asprintf(3) with the house's error algebra, and safe when memory is short.
 *
 * glibc before 2.37 writes one byte behind the buffer where asprintf() can't get its last piece
 * of memory and the text without its NUL just fills what there is (libio/vasprintf.c: "We have
 * no choice, use the buffer we already have"); AddressSanitizer and an allocation that fails
 * show it.
 */
#pragma once

#include "base/own.h"

#include <stdarg.h>

/* What printf(3) would write; *ret_string is the caller's. Returns 0, -ENOMEM, or -errno of
 * vsnprintf(3). */
MUST_CHECK int format_string(char **ret_string, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
MUST_CHECK int format_string_v(char **ret_string, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
