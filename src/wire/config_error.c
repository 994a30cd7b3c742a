#include "wire/config_error.h"

#include "base/error.h"
#include "wire/locate.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void config_errors_release(struct config_errors *errors)
{
    if (errors == NULL)
        return;
    for (size_t i = 0; i < errors->n; i++) {
        free(errors->list[i].path);
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

__attribute__((format(printf, 4, 0))) static int add(struct config_errors *errors,
                                                     struct position position, const char *path,
                                                     const char *format, va_list arguments)
{
    _cleanup_free_ char *path_copy = NULL;
    _cleanup_free_ char *text = NULL;
    struct config_error error;
    int r;

    if (errors->n == CONFIG_ERRORS_MAX)
        return 0;
    if (errors->n == CONFIG_ERRORS_MAX - 1) {
        position = (struct position){0, 0};
        path = NULL;
        text = strdup("expected fewer errors; there are more, not shown");
    } else if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
    }
    path_copy = path != NULL ? strdup(path) : NULL;
    if (text == NULL || (path != NULL && path_copy == NULL))
        return -ENOMEM;

    error = (struct config_error){position.line, position.column, path_copy, text};
    r = insert_take(errors, &error);
    if (r == 0) {
        (void)take_ptr(path_copy);
        (void)take_ptr(text);
    }
    return r;
}

__attribute__((format(printf, 6, 0))) static int
add_located(struct config_errors *errors, const char *text, size_t size, const char *path,
            enum locate_part part, const char *format, va_list arguments)
{
    struct position position = {0, 0};

    if (text != NULL && path != NULL && errors->n < CONFIG_ERRORS_MAX) {
        int r = locate(text, size, path, part, &position);

        if (r < 0)
            return r;
    }
    return add(errors, position, path, format, arguments);
}

int config_errors_add(struct config_errors *errors, const char *text, size_t size,
                      const char *path, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = add_located(errors, text, size, path, LOCATE_VALUE, format, arguments);
    va_end(arguments);
    return r;
}

int config_errors_add_key(struct config_errors *errors, const char *text, size_t size,
                          const char *path, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = add_located(errors, text, size, path, LOCATE_KEY, format, arguments);
    va_end(arguments);
    return r;
}

int config_errors_add_at(struct config_errors *errors, unsigned line, unsigned column,
                         const char *path, const char *format, ...)
{
    va_list arguments;
    int r;

    va_start(arguments, format);
    r = add(errors, (struct position){line, column}, path, format, arguments);
    va_end(arguments);
    return r;
}

int config_error_format(const struct config_error *error, const char *file, char **ret_line)
{
    bool of_flag = error->path != NULL && error->path[0] == '-';
    _cleanup_free_ char *place = NULL;
    int r;

    if (of_flag || file == NULL)
        place = strdup("");
    else if (error->line == 0)
        place = asprintf(&place, "%s: ", file) < 0 ? NULL : place;
    else
        place =
            asprintf(&place, "%s:%u:%u: ", file, error->line, error->column) < 0 ? NULL : place;
    if (place == NULL)
        return -ENOMEM;
    r = asprintf(ret_line, "%s%s%s%s", place, error->path != NULL ? error->path : "",
                 error->path != NULL ? ": " : "", error->text);
    return r < 0 ? -ENOMEM : 0;
}
