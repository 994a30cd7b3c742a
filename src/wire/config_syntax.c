#include "wire/config_syntax.h"

#include "base/error.h"
#include "wire/config.h"
#include "wire/locate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int found_duplicate(void *context, const char *path, struct position position,
                           unsigned first_line)
{
    struct config_errors *errors = context;
    int r =
        config_errors_add_at(errors, position.line, position.column, path,
                             "expected each key once, found it on line %u already", first_line);

    if (r < 0)
        return r;
    return errors->n == CONFIG_ERRORS_MAX ? 1 : 0;
}

/* The byte where the token begins that jansson stumbled over: it tells the one behind it, and
 * the token itself at the end of its sentence where it is short ("… near 'TOKEN'"). */
static size_t token_start(const json_error_t *error)
{
    /* A byte that is not UTF-8 is no part of the token before it. */
    bool in_token = json_error_code(error) != json_error_invalid_utf8;
    const char *near = in_token ? strstr(error->text, " near '") : NULL;
    size_t n = near != NULL ? strlen(near) : 0;
    size_t around = strlen(" near ''");
    size_t position = (size_t)error->position;

    return n > around && n - around <= position ? position - (n - around) : position;
}

static const char *syntax_hint(const char *text, size_t size, size_t at)
{
    size_t before = at;

    while (before > 0 && isspace((unsigned char)text[before - 1]))
        before--;
    if (at < size && (text[at] == '/' || text[at] == '#'))
        return " (JSON has no comments)";
    if (at < size && (text[at] == '}' || text[at] == ']') && before > 0 &&
        text[before - 1] == ',')
        return " (no comma behind the last one)";
    return "";
}

static int add_syntax_error(const struct config_reader *reader, json_error_t *error)
{
    size_t at = token_start(error);
    struct position position = position_at(reader->text, reader->size, at);

    if (json_error_code(error) == json_error_null_character)
        (void)snprintf(error->text, JSON_ERROR_TEXT_LENGTH - 1, "a NUL character (\\u0000)");
    for (char *c = error->text; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    return config_errors_add_at(reader->errors, position.line, position.column, "$",
                                "expected JSON, found a mistake: %s%s", error->text,
                                syntax_hint(reader->text, reader->size, at));
}

/* What no parser needs to see. Returns 0, 1 where an error was added, or -ENOMEM. */
static int check_text(const struct config_reader *reader)
{
    const char *text = reader->text;
    const char *nul = memchr(text, '\0', reader->size);
    struct position position = {1, 1};
    const char *found;
    int r;

    if (reader->size > CONFIG_SIZE_MAX) {
        r = config_errors_add_at(reader->errors, 1, 1, "$",
                                 "expected at most %d bytes, found %zu", CONFIG_SIZE_MAX,
                                 reader->size);
        return r < 0 ? r : 1;
    }
    if (reader->size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        found = "a byte order mark";
    } else if (nul != NULL) {
        found = "a NUL byte";
        position = position_at(text, reader->size, (size_t)(nul - text));
    } else {
        for (size_t i = 0; i < reader->size; i++)
            if (!isspace((unsigned char)text[i]))
                return 0;
        found = "an empty file";
    }
    r = config_errors_add_at(reader->errors, position.line, position.column, "$",
                             "expected JSON in UTF-8, found %s", found);
    return r < 0 ? r : 1;
}

int config_parse(const struct config_reader *reader, json_t **ret_value)
{
    json_auto_t *value = NULL;
    json_error_t error;
    int r = check_text(reader);

    if (r != 0)
        return r;
    /* Not JSON_REJECT_DUPLICATES: it would stop at the first one. */
    r = value_parse(reader->text, reader->size, JSON_DECODE_ANY, &value, &error);
    if (r > 0) {
        r = add_syntax_error(reader, &error);
        return r < 0 ? r : 1;
    }
    if (r == 0)
        r = locate_duplicates(reader->text, reader->size, found_duplicate, reader->errors);
    if (r < 0)
        return r;
    *ret_value = take_ptr(value);
    return reader->errors->n > 0 ? 1 : 0;
}
