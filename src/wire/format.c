#include "wire/format.h"

#include "base/error.h"
#include "base/text.h"

int format_string_v(char **ret_string, const char *format, va_list arguments)
{
    _cleanup_text_ struct text text = {0};
    int r = text_appendv(&text, format, arguments);

    return r < 0 ? r : text_take(&text, ret_string);
}

int format_string(char **ret_string, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = format_string_v(ret_string, format, arguments);
    va_end(arguments);
    return r;
}
