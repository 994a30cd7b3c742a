#include "generator/unit_text.h"

#include "base/error.h"

#include <ctype.h>
#include <string.h>

bool unit_value_is_plain(const char *value)
{
    size_t n = strlen(value);

    if (n == 0 || value[0] == ' ' || value[n - 1] == ' ' || value[n - 1] == '\\')
        return false;
    for (size_t i = 0; i < n; i++)
        if (iscntrl((unsigned char)value[i]))
            return false;
    return true;
}

int unit_text_set(struct text *text, const char *key, const char *value)
{
    int r = text_appendf(text, "%s=", key);

    assert(unit_value_is_plain(value));
    for (; *value != '\0' && r == 0; value++)
        r = *value == '%' ? text_append_string(text, "%%") : text_append(text, value, 1);
    return r == 0 ? text_append_string(text, "\n") : r;
}

static int add_quoted_byte(struct text *text, unsigned char byte)
{
    switch (byte) {
    case '"':
    case '\\':
        return text_appendf(text, "\\%c", byte);
    case '%':
    case '$':
        return text_appendf(text, "%c%c", byte, byte);
    default:
        return iscntrl(byte) ? text_appendf(text, "\\x%02x", byte)
                             : text_appendf(text, "%c", byte);
    }
}

static int add_word(struct text *text, const char *word)
{
    static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789/._-@:+,=";
    bool quotes = word[0] == '\0' || word[strspn(word, harmless)] != '\0';
    int r = quotes ? text_append_string(text, "\"") : 0;

    for (; *word != '\0' && r == 0; word++)
        r = add_quoted_byte(text, (unsigned char)*word);
    return r == 0 && quotes ? text_append_string(text, "\"") : r;
}

int unit_text_command(struct text *text, const char *key, const char *prefix,
                      const char *const *words)
{
    int r = text_appendf(text, "%s=%s", key, prefix);

    for (size_t i = 0; words[i] != NULL && r == 0; i++) {
        r = i > 0 ? text_append_string(text, " ") : 0;
        if (r == 0)
            r = add_word(text, words[i]);
    }
    return r == 0 ? text_append_string(text, "\n") : r;
}
