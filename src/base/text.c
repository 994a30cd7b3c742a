#include "base/text.h"

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_CAPACITY_FIRST = 64 };

void text_release(struct text *text)
{
    if (!text)
        return;
    free(text->data);
    *text = (struct text){0};
}

const char *text_string(const struct text *text)
{
    return text->data ? text->data : "";
}

int text_reserve(struct text *text, size_t size)
{
    /* One more for the NUL. The half keeps the doubling below from overflowing. */
    if (size >= SIZE_MAX / 2 - text->size)
        return -ENOMEM;
    size_t needed = text->size + size + 1;
    if (needed <= text->capacity)
        return 0;
    size_t capacity = text->capacity ? text->capacity : TEXT_CAPACITY_FIRST;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data)
        return -ENOMEM;
    data[text->size] = '\0';
    text->data = data;
    text->capacity = capacity;
    return 0;
}

int text_append(struct text *text, const char *data, size_t size)
{
    if (size == 0)
        return 0;
    int r = text_reserve(text, size);
    if (r < 0)
        return r;
    memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = '\0';
    return 0;
}

int text_append_string(struct text *text, const char *string)
{
    return text_append(text, string, strlen(string));
}

int text_appendv(struct text *text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    int r = length < 0 ? error_from_errno() : text_reserve(text, (size_t)length);
    if (r == 0) {
        (void)vsnprintf(text->data + text->size, (size_t)length + 1, format, again);
        text->size += (size_t)length;
    }
    va_end(again);
    return r;
}

int text_appendf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int r = text_appendv(text, format, arguments);
    va_end(arguments);
    return r;
}

/* Writes the visible form of one byte to `ret_form`; returns its length. */
static size_t visible_form(unsigned char byte, char ret_form[static 4])
{
    static const char digits[] = "0123456789abcdef";
    char letter = byte == '\n' ? 'n' : byte == '\t' ? 't' : byte == '\\' ? '\\' : '\0';
    if (letter) {
        ret_form[0] = '\\';
        ret_form[1] = letter;
        return 2;
    }
    if (byte < 0x20 || byte == 0x7f) {
        ret_form[0] = '\\';
        ret_form[1] = 'x';
        ret_form[2] = digits[byte >> 4];
        ret_form[3] = digits[byte & 0xf];
        return 4;
    }
    ret_form[0] = (char)byte;
    return 1;
}

int text_append_visible(struct text *text, const char *data, size_t size)
{
    if (size > SIZE_MAX / 8)
        return -ENOMEM;
    int r = text_reserve(text, 4 * size); /* the longest form is "\x1b" */
    if (r < 0)
        return r;
    for (size_t i = 0; i < size; i++)
        text->size += visible_form((unsigned char)data[i], text->data + text->size);
    text->data[text->size] = '\0';
    return 0;
}

void text_truncate(struct text *text, size_t size)
{
    if (size >= text->size)
        return;
    text->size = size;
    text->data[size] = '\0';
}

void text_drop_front(struct text *text, size_t size)
{
    if (size == 0)
        return;
    if (size > text->size)
        size = text->size;
    if (!text->data)
        return;
    text->size -= size;
    memmove(text->data, text->data + size, text->size + 1);
}

int text_take(struct text *text, char **ret_string)
{
    int r = text_reserve(text, 0);
    if (r < 0)
        return r;
    *ret_string = take_ptr(text->data);
    *text = (struct text){0};
    return 0;
}
