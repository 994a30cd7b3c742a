#include "reloadctl/suggest.h"

#include <stdbool.h>
#include <string.h>

enum {
    WORD_MAX = 32, /* longer ones are no misspelling of a verb or an option */
    PREFIX_MIN = 2,
};

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* Optimal string alignment distance. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t cost[WORD_MAX + 1][WORD_MAX + 1];

    for (size_t i = 0; i <= a_length; i++)
        cost[i][0] = i;
    for (size_t j = 0; j <= b_length; j++)
        cost[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
            cost[i][j] =
                least(cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differs);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && cost[i - 2][j - 2] + 1 < cost[i][j])
                cost[i][j] = cost[i - 2][j - 2] + 1;
        }
    }
    return cost[a_length][b_length];
}

const char *suggest_nearest(const char *wrong, const char *const *words, size_t n)
{
    size_t length = strlen(wrong);
    const char *nearest = NULL;
    size_t nearest_distance = WORD_MAX;

    if (length == 0 || length > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (!words[i] || strlen(words[i]) > WORD_MAX)
            continue;
        size_t word_length = strlen(words[i]);
        size_t longer = word_length > length ? word_length : length;
        size_t found = distance(wrong, length, words[i], word_length);
        if (length >= PREFIX_MIN && strncmp(words[i], wrong, length) == 0)
            found = 1;
        if (found < nearest_distance && found <= (longer + 2) / 3) {
            nearest = words[i];
            nearest_distance = found;
        }
    }
    return nearest;
}
