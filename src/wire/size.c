#include "wire/size.h"

#include <string.h>

/* 1 for no unit; 0: there is none of this letter. */
static uint64_t factor_of(char unit)
{
    static const char units[] = "KMGT";
    const char *found = unit != '\0' ? strchr(units, unit) : NULL;

    return found != NULL ? UINT64_C(1) << (10 * (found - units + 1)) : 0;
}

int size_parse(const char *text, size_t n, bool units, uint64_t *ret_number)
{
    uint64_t factor = units && n > 1 ? factor_of(text[n - 1]) : 0;
    size_t digits = factor != 0 ? n - 1 : n;
    uint64_t number = 0;

    if (digits == 0)
        return 1;
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (text[i] < '0' || text[i] > '9' || number > (SIZE_MOST - digit) / 10)
            return 1;
        number = number * 10 + digit;
    }
    if (factor != 0 && number > SIZE_MOST / factor)
        return 1;
    *ret_number = factor != 0 ? number * factor : number;
    return 0;
}
