#include "wire/config_reader.h"

#include "base/error.h"
#include "wire/format.h"

#include <stdarg.h>
#include <string.h>

/* Where to complain: the flag, or the path in words. */
static int place_format(const struct config_reader *reader, const struct value_path *path,
                        char **ret_place)
{
    if (reader->text != NULL)
        return value_path_format(path, ret_place);
    *ret_place = strdup(reader->flag);
    return *ret_place == NULL ? -ENOMEM : 0;
}

int config_expected(const struct config_reader *reader, const struct value_path *path,
                    const json_t *found, const char *format, ...)
{
    _cleanup_free_ char *expected = NULL;
    _cleanup_free_ char *description = NULL;
    _cleanup_free_ char *place = NULL;
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = format_string_v(&expected, format, arguments);
    va_end(arguments);
    if (r == 0)
        r = value_describe(found, &description);
    if (r == 0)
        r = place_format(reader, path, &place);
    if (r == 0)
        r = config_errors_add(reader->errors, reader->text, reader->size, place,
                              "expected %s, found %s", expected, description);
    return r < 0 ? r : 1;
}

int config_expected_key(const struct config_reader *reader, const struct value_path *path,
                        const struct value_path *meant, const char *format, ...)
{
    _cleanup_free_ char *expected = NULL;
    _cleanup_free_ char *description = NULL;
    _cleanup_free_ char *place = NULL;
    _cleanup_free_ char *meant_place = NULL;
    json_auto_t *key = json_string(path->key);
    va_list arguments;
    int r;

    if (key == NULL)
        return -ENOMEM;
    va_start(arguments, format);
    r = format_string_v(&expected, format, arguments);
    va_end(arguments);
    if (r == 0)
        r = value_describe(key, &description);
    if (r == 0)
        r = place_format(reader, path, &place);
    if (r == 0 && meant != NULL)
        r = place_format(reader, meant, &meant_place);
    if (r == 0)
        r = config_errors_add_key(reader->errors, reader->text, reader->size, place,
                                  meant_place, "expected %s, found %s", expected, description);
    return r < 0 ? r : 1;
}

int config_was_mistaken(const struct config_reader *reader, const struct value_path *path)
{
    _cleanup_free_ char *place = NULL;
    int r = place_format(reader, path, &place);

    if (r < 0)
        return r;
    return config_errors_has(reader->errors, place) ? 1 : 0;
}

int config_missing(const struct config_reader *reader, const char *path, const char *expected)
{
    int r = config_errors_add(reader->errors, reader->text, reader->size, path,
                              "expected %s, found nothing", expected);

    return r < 0 ? r : 1;
}
