#include "wire/config_error.h"

#include "base/error.h"
#include "base/text.h"
#include "wire/format.h"
#include "wire/locate.h"

#include <stdarg.h>
#include <string.h>

void config_errors_release(struct config_errors *errors)
{
    if (errors == NULL)
        return;
    for (size_t i = 0; i < errors->n; i++) {
        free(errors->list[i].path);
        free(errors->list[i].meant);
        free(errors->list[i].text);
    }
    free(errors->list);
    *errors = (struct config_errors){0};
}

static bool stands_before(const struct config_error *a, const struct config_error *b)
{
    if (a->line == 0 || b->line == 0)
        return a->line != 0 && b->line == 0;
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Puts the error at its place in the order, behind those of the same position. Owns its strings
 * on success. */
static int insert_take(struct config_errors *errors, const struct config_error *error)
{
    size_t place = errors->n;
    struct config_error *longer =
        reallocarray(errors->list, errors->n + 1, sizeof(*errors->list));

    if (longer == NULL)
        return -ENOMEM;
    errors->list = longer;
    while (place > 0 && stands_before(error, &longer[place - 1]))
        place--;
    memmove(&longer[place + 1], &longer[place], (errors->n - place) * sizeof(*longer));
    longer[place] = *error;
    errors->n++;
    return 0;
}

/* Where an error stands; all borrowed. */
struct place {
    struct position position;
    const char *path;
    const char *meant;
};

static int copy_or_null(const char *string, char **ret_copy)
{
    *ret_copy = string != NULL ? strdup(string) : NULL;
    return string != NULL && *ret_copy == NULL ? -ENOMEM : 0;
}

__attribute__((format(printf, 3, 0))) static int
add(struct config_errors *errors, struct place place, const char *format, va_list arguments)
{
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *meant = NULL;
    _cleanup_free_ char *text = NULL;
    struct config_error error;
    int r;

    if (errors->n == CONFIG_ERRORS_MAX)
        return 0;
    if (errors->n == CONFIG_ERRORS_MAX - 1) {
        place = (struct place){0};
        r = copy_or_null("expected fewer errors; there are more, not shown", &text);
    } else {
        r = format_string_v(&text, format, arguments);
    }
    if (r == 0)
        r = copy_or_null(place.path, &path);
    if (r == 0)
        r = copy_or_null(place.meant, &meant);
    if (r < 0)
        return r;

    error =
        (struct config_error){place.position.line, place.position.column, path, meant, text};
    r = insert_take(errors, &error);
    if (r == 0) {
        (void)take_ptr(path);
        (void)take_ptr(meant);
        (void)take_ptr(text);
    }
    return r;
}

/* Finds the place in the text; at its key where `part` says so. */
static int find_place(const struct config_errors *errors, const char *text, size_t size,
                      enum locate_part part, struct place *place)
{
    int r;

    if (text == NULL || place->path == NULL || errors->n == CONFIG_ERRORS_MAX)
        return 0;
    r = locate(text, size, place->path, part, &place->position);
    return r < 0 ? r : 0;
}

int config_errors_add(struct config_errors *errors, const char *text, size_t size,
                      const char *path, const char *format, ...)
{
    struct place place = {.path = path};
    va_list arguments;
    int r = find_place(errors, text, size, LOCATE_VALUE, &place);

    if (r < 0)
        return r;
    va_start(arguments, format);
    r = add(errors, place, format, arguments);
    va_end(arguments);
    return r;
}

int config_errors_add_key(struct config_errors *errors, const char *text, size_t size,
                          const char *path, const char *meant, const char *format, ...)
{
    struct place place = {.path = path, .meant = meant};
    va_list arguments;
    int r = find_place(errors, text, size, LOCATE_KEY, &place);

    if (r < 0)
        return r;
    va_start(arguments, format);
    r = add(errors, place, format, arguments);
    va_end(arguments);
    return r;
}

int config_errors_add_at(struct config_errors *errors, unsigned line, unsigned column,
                         const char *path, const char *format, ...)
{
    struct place place = {.position = {line, column}, .path = path};
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = add(errors, place, format, arguments);
    va_end(arguments);
    return r;
}

/* Whether an error stands at the first `n` bytes of `path`, taken as a path. */
static bool has(const struct config_errors *errors, const char *path, size_t n)
{
    for (size_t i = 0; i < errors->n; i++) {
        const char *const places[] = {errors->list[i].path, errors->list[i].meant};

        for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++)
            if (places[j] != NULL && strlen(places[j]) == n && strncmp(places[j], path, n) == 0)
                return true;
    }
    return false;
}

bool config_errors_has(const struct config_errors *errors, const char *path)
{
    return has(errors, path, strlen(path));
}

bool config_errors_doubt(const struct config_errors *errors, const char *path)
{
    for (size_t n = strlen(path); n > 0; n--)
        if ((path[n] == '\0' || path[n] == '.' || path[n] == '[') && has(errors, path, n))
            return true;
    return false;
}

int config_error_format(const struct config_error *error, const char *file, char **ret_line)
{
    bool of_flag = error->path != NULL && error->path[0] == '-';
    _cleanup_text_ struct text line = {0};
    int r = 0;

    if (!of_flag && file != NULL)
        r = error->line == 0
                ? text_appendf(&line, "%s: ", file)
                : text_appendf(&line, "%s:%u:%u: ", file, error->line, error->column);
    if (r == 0 && error->path != NULL)
        r = text_appendf(&line, "%s: ", error->path);
    if (r == 0)
        r = text_append_string(&line, error->text);
    return r < 0 ? r : text_take(&line, ret_line);
}
