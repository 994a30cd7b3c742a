#include "wire/strings.h"

#include "base/error.h"

#include <string.h>

void strings_free(char **strings)
{
    if (!strings)
        return;
    for (size_t i = 0; strings[i]; i++)
        free(strings[i]);
    free(strings);
}

size_t strings_count(const char *const *strings)
{
    size_t n = 0;

    while (strings && strings[n])
        n++;
    return n;
}

int strings_copy(const char *const *strings, size_t n, char ***ret_strings)
{
    _cleanup_strings_ char **copy = calloc(n + 1, sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        copy[i] = strdup(strings[i]);
        if (!copy[i])
            return -ENOMEM;
    }
    *ret_strings = take_ptr(copy);
    return 0;
}
