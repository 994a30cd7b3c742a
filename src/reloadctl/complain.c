#include "reloadctl/complain.h"

#include "base/own.h"
#include "reloadctl/printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void complain_line(const char *prefix, const char *text)
{
    /* What stdout has shown comes first where both are one terminal. */
    (void)fflush(stdout);
    (void)fputs(prefix, stderr);
    if (isatty(STDERR_FILENO) == 1)
        printable_write(stderr, text, strlen(text), ESCAPE_TEXT);
    else
        (void)fputs(text, stderr);
    (void)fputc('\n', stderr);
}

void complain(const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    complain_line("reloadctl: ", text ? text : format);
}
