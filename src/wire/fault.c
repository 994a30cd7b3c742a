#include "wire/fault.h"

#include <stdarg.h>
#include <stdio.h>

void fault_say(struct fault *ret_fault, const char *format, ...)
{
    va_list arguments;

    if (!ret_fault)
        return;
    va_start(arguments, format);
    (void)vsnprintf(ret_fault->text, sizeof(ret_fault->text), format, arguments);
    va_end(arguments);
    for (char *at = ret_fault->text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}
