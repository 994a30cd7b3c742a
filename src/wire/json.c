#include "wire/json.h"

#include "base/error.h"
#include "wire/format.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    DESCRIBE_MAX = 60, /* bytes of a value shown in a message */
};

static bool is_plain_key(const char *key)
{
    if (*key == '\0')
        return false;
    for (; *key != '\0'; key++)
        if (!isalnum((unsigned char)*key) && *key != '_' && *key != '-' && *key != '$')
            return false;
    return true;
}

static int step_format(const struct value_path *step, char **ret_text)
{
    json_auto_t *key = NULL;
    _cleanup_free_ char *quoted = NULL;

    if (step->key == NULL)
        return format_string(ret_text, "[%zu]", step->index);
    if (is_plain_key(step->key))
        return format_string(ret_text, ".%s", step->key);
    key = json_string(step->key);
    quoted = key != NULL ? json_dumps(key, JSON_ENCODE_ANY) : NULL;
    return quoted != NULL ? format_string(ret_text, "[%s]", quoted) : -ENOMEM;
}

int value_path_format(const struct value_path *path, char **ret_text)
{
    _cleanup_free_ char *text = NULL;

    for (; path != NULL && path->parent != NULL; path = path->parent) {
        _cleanup_free_ char *step = NULL;
        char *longer;
        int r = step_format(path, &step);

        if (r == 0)
            r = format_string(&longer, "%s%s", step, text != NULL ? text : "");
        if (r < 0)
            return r;
        free(text);
        text = longer;
    }
    return format_string(ret_text, "$%s", text != NULL ? text : "");
}

int value_parse(const char *text, size_t size, size_t flags, json_t **ret_value,
                json_error_t *ret_error)
{
    json_t *value;

    /* A failed allocation inside of jansson's lexer ends as "invalid token" (load.c,
     * lex_scan_string), so only errno tells it from a wrong text. */
    errno = 0;
    value = json_loadb(text, size, flags, ret_error);
    if (value != NULL) {
        *ret_value = value;
        return 0;
    }
    if (errno == ENOMEM || json_error_code(ret_error) == json_error_out_of_memory)
        return -ENOMEM;
    return 1;
}

static int describe_scalar(const json_t *value, char **ret_text)
{
    _cleanup_free_ char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    size_t end = DESCRIBE_MAX;

    if (text == NULL)
        return -ENOMEM;
    if (strlen(text) > DESCRIBE_MAX) {
        /* Cut between characters, not inside of one. */
        while (((unsigned char)text[end] & 0xc0) == 0x80)
            end--;
        return format_string(ret_text, "%.*s…", (int)end, text);
    }
    *ret_text = take_ptr(text);
    return 0;
}

int value_describe(const json_t *value, char **ret_text)
{
    const char *words;

    if (json_is_object(value))
        words = json_object_size(value) == 0 ? "an empty object" : "an object";
    else if (json_is_array(value))
        words = json_array_size(value) == 0 ? "an empty array" : "an array";
    else if (json_is_string(value) && json_string_length(value) == 0)
        words = "an empty string";
    else
        return describe_scalar(value, ret_text);

    *ret_text = strdup(words);
    return *ret_text == NULL ? -ENOMEM : 0;
}

static json_t *value_from_hex(const char *bytes)
{
    size_t n = strlen(bytes);
    _cleanup_free_ char *digits = malloc(2 * n + 1);

    if (digits == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(digits + 2 * i, 3, "%02x", (unsigned)(unsigned char)bytes[i]);
    digits[2 * n] = '\0';
    return json_pack("{s:s}", "hex", digits);
}

json_t *value_from_bytes(const char *bytes)
{
    json_t *value;

    /* json_string() answers NULL for both: bytes that are not UTF-8, and no memory. */
    errno = 0;
    value = json_string(bytes);
    if (value != NULL || errno == ENOMEM)
        return value;
    return value_from_hex(bytes);
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

static int hex_to_bytes(const char *digits, char **ret_bytes)
{
    size_t n = strlen(digits);
    _cleanup_free_ char *bytes = NULL;

    if (n % 2 != 0)
        return 1;
    bytes = calloc(1, n / 2 + 1);
    if (bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i += 2) {
        int high = hex_digit(digits[i]);
        int low = hex_digit(digits[i + 1]);

        if (high < 0 || low < 0 || (high == 0 && low == 0))
            return 1;
        bytes[i / 2] = (char)(high * 16 + low);
    }
    *ret_bytes = take_ptr(bytes);
    return 0;
}

int value_to_bytes(const json_t *value, char **ret_bytes)
{
    const char *text = json_string_value(value);

    if (text == NULL) {
        text = json_string_value(json_object_get(value, "hex"));
        return text != NULL ? hex_to_bytes(text, ret_bytes) : 1;
    }
    if (json_string_length(value) != strlen(text))
        return 1;
    *ret_bytes = strdup(text);
    return *ret_bytes == NULL ? -ENOMEM : 0;
}
