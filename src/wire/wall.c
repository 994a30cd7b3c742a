#include "wire/wall.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    MICROSECONDS = 1000000,
};

int wall_format(struct wall wall, char ret_text[static WALL_TEXT_SIZE])
{
    int64_t fraction = wall.microseconds % MICROSECONDS;
    time_t seconds = wall.microseconds / MICROSECONDS;
    struct tm tm;
    char text[80];

    if (fraction < 0) {
        fraction += MICROSECONDS;
        seconds--;
    }
    if (!gmtime_r(&seconds, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
        return 1;
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)fraction);
    memcpy(ret_text, text, WALL_TEXT_SIZE);
    return 0;
}

/* Reads `n` digits; false where there are not as many. */
static bool take_digits(const char *text, int n, int *ret)
{
    int value = 0;

    for (int i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    *ret = value;
    return true;
}

int wall_parse(const char *text, struct wall *ret_wall)
{
    struct tm tm = {0};
    struct wall wall;
    char again[WALL_TEXT_SIZE];
    int fraction;

    if (strlen(text) != WALL_TEXT_SIZE - 1 || !take_digits(text, 4, &tm.tm_year) ||
        !take_digits(text + 5, 2, &tm.tm_mon) || !take_digits(text + 8, 2, &tm.tm_mday) ||
        !take_digits(text + 11, 2, &tm.tm_hour) || !take_digits(text + 14, 2, &tm.tm_min) ||
        !take_digits(text + 17, 2, &tm.tm_sec) || !take_digits(text + 20, 6, &fraction))
        return 1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    wall.microseconds = (int64_t)timegm(&tm) * MICROSECONDS + fraction;
    /* timegm() turns a 31st of February into a day of March; and the separators have not been
     * looked at: the text is right if it is what this time is written as. */
    if (wall_format(wall, again) != 0 || strcmp(again, text) != 0)
        return 1;
    *ret_wall = wall;
    return 0;
}
