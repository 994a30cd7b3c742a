#include "wire/expect.h"

#include <ctype.h>
#include <string.h>

enum { ENTRY_LENGTH = 3 };

static bool is_entry(const char *text)
{
    return text[0] >= '1' && text[0] <= '5' &&
           ((text[1] == 'x' && text[2] == 'x') ||
            (isdigit((unsigned char)text[1]) && isdigit((unsigned char)text[2])));
}

bool expect_is_valid(const char *text)
{
    while (is_entry(text)) {
        if (text[ENTRY_LENGTH] == '\0')
            return true;
        if (text[ENTRY_LENGTH] != ',')
            return false;
        text += ENTRY_LENGTH + 1;
    }
    return false;
}

static bool entry_has(const char *text, int status)
{
    int class = text[0] - '0';

    if (text[1] == 'x')
        return status / 100 == class;
    return status == class * 100 + (text[1] - '0') * 10 + (text[2] - '0');
}

bool expect_has(const char *text, int status)
{
    for (; text != NULL; text = strchr(text, ',')) {
        text += *text == ',';
        if (entry_has(text, status))
            return true;
    }
    return false;
}
