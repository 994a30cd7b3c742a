#include "wire/verdict.h"

#include "base/error.h"

#include <jansson.h>

static json_t *place(unsigned number)
{
    return number > 0 ? json_integer(number) : json_null();
}

static json_t *encode_errors(const struct config_errors *errors)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < errors->n; i++) {
        const struct config_error *error = &errors->list[i];
        json_t *entry =
            json_pack("{s:o, s:o, s:s?, s:s}", "line", place(error->line), "column",
                      place(error->column), "path", error->path, "text", error->text);

        if (json_array_append_new(list, entry) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

int verdict_encode(const char *file, const struct config_errors *errors, char **ret_text)
{
    json_t *object = json_pack("{s:s, s:b, s:o}", "file", file, "valid", errors->n == 0,
                               "errors", encode_errors(errors));
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    if (!text)
        return -ENOMEM;
    *ret_text = text;
    return 0;
}
