#include "wire/tree.h"

#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const uint64_t exact_max = UINT64_C(1) << 53;

/* How many bytes the UTF-8 sequence at `text` has, or 0 where there is none (RFC 3629: no
 * overlong forms, no surrogates, nothing beyond U+10FFFF). Never reads past the closing NUL. */
static size_t utf8_length(const unsigned char *text)
{
    unsigned char first = text[0];
    unsigned char low = 0x80, high = 0xBF;
    size_t length;

    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (first == 0xE0)
        low = 0xA0;
    else if (first == 0xED)
        high = 0x9F;
    else if (first == 0xF0)
        low = 0x90;
    else if (first == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i < length; i++) {
        if (text[i] < low || text[i] > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

static bool utf8_is_valid(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at) {
        size_t length = utf8_length(at);

        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* `text` with U+FFFD for every byte that belongs to no sequence, or NULL: out of memory. */
static char *utf8_repair(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    const unsigned char *from = (const unsigned char *)text;
    char *repaired = malloc(strlen(text) * (sizeof(replacement) - 1) + 1);
    char *to = repaired;

    if (!repaired)
        return NULL;
    while (*from) {
        size_t length = utf8_length(from);

        if (length > 0) {
            memcpy(to, from, length);
            to += length;
            from += length;
        } else {
            memcpy(to, replacement, sizeof(replacement) - 1);
            to += sizeof(replacement) - 1;
            from++;
        }
    }
    *to = 0;
    return repaired;
}

json_t *tree_text(const char *text)
{
    _cleanup_free_ char *repaired = NULL;

    assert(text);
    if (utf8_is_valid(text))
        return json_string_nocheck(text);
    repaired = utf8_repair(text);
    return repaired ? json_string_nocheck(repaired) : NULL;
}

json_t *tree_number(uint64_t number)
{
    char digits[24];

    if (number <= exact_max)
        return json_integer((json_int_t)number);
    (void)snprintf(digits, sizeof(digits), "%" PRIu64, number);
    return json_string_nocheck(digits);
}

/* The number that `digits` spells, or 0 where it does not fit or is none. */
static uint64_t number_of_digits(const char *digits)
{
    uint64_t number = 0;

    for (; *digits; digits++)
        if (*digits < '0' || *digits > '9' || __builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*digits - '0'), &number))
            return 0;
    return number;
}

int tree_to_number(const json_t *value, uint64_t *ret_number)
{
    const char *digits = json_string_value(value);
    json_int_t integer = json_integer_value(value);
    uint64_t number;

    if (json_is_integer(value)) {
        if (integer < 0 || (uint64_t)integer > exact_max)
            return 1;
        *ret_number = (uint64_t)integer;
        return 0;
    }
    if (!digits || digits[0] == '0')
        return 1;
    number = number_of_digits(digits);
    if (number <= exact_max)
        return 1;
    *ret_number = number;
    return 0;
}

int tree_set_consume(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new_nocheck(object, key, value) == 0 ? 0 : -ENOMEM;
}

int tree_append_consume(json_t *array, json_t *value)
{
    return json_array_append_new(array, value) == 0 ? 0 : -ENOMEM;
}

int tree_parse(const char *text, size_t size, json_t **ret_object, struct fault *ret_fault)
{
    json_error_t error;
    json_t *value = NULL;
    int r = value_parse(text, size, JSON_REJECT_DUPLICATES, &value, &error);

    if (r == 1)
        fault_say(ret_fault, "no JSON: %.100s at byte %d", error.text, error.position);
    if (r != 0)
        return r;
    if (!json_is_object(value)) {
        json_decref(value);
        fault_say(ret_fault, "no JSON object");
        return 1;
    }
    *ret_object = value;
    return 0;
}

/* Where a value is being written. */
struct writing {
    struct text text;
    bool failed;
};

/* jansson 2.14 forgets that a key could not be written (do_dump() ignores dump_string()) and
 * goes on without it: so this remembers. */
static int write_part(const char *data, size_t size, void *context)
{
    struct writing *writing = context;

    if (!writing->failed && text_append(&writing->text, data, size) < 0)
        writing->failed = true;
    return writing->failed ? -1 : 0;
}

int tree_write_indented(const json_t *value, unsigned indent, char **ret_text)
{
    /* 16 digits keep a time of this century to the microsecond, and write 0.1 as 0.1. */
    size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(16) |
                   (indent ? JSON_INDENT(indent) : JSON_COMPACT);
    struct writing writing = {0};
    int r = -ENOMEM;

    if (json_dump_callback(value, write_part, &writing, flags) == 0 && !writing.failed)
        r = text_take(&writing.text, ret_text);
    text_release(&writing.text);
    return r;
}

int tree_write(const json_t *value, char **ret_text)
{
    return tree_write_indented(value, 0, ret_text);
}
