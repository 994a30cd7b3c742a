#include "reloadctl/printable.h"

#include <string.h>

static uint32_t least_of_length(size_t length)
{
    static const uint32_t least[] = {[1] = 0, [2] = 0x80, [3] = 0x800, [4] = 0x10000};
    return least[length];
}

size_t printable_decode(const char *text, size_t size, uint32_t *ret_character)
{
    unsigned char first = (unsigned char)text[0];
    size_t length = first < 0x80           ? 1
                    : (first >> 5) == 0x06 ? 2
                    : (first >> 4) == 0x0e ? 3
                    : (first >> 3) == 0x1e ? 4
                                           : 0;
    uint32_t character = length == 1 ? first : first & (0x7fu >> length);

    *ret_character = UINT32_MAX;
    if (length == 0 || length > size)
        return 1;
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[i];
        if ((next & 0xc0) != 0x80)
            return 1;
        character = character << 6 | (next & 0x3fu);
    }
    bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < least_of_length(length) || character > 0x10ffff || is_surrogate)
        return 1;
    *ret_character = character;
    return length;
}

bool printable_is_control(uint32_t character)
{
    bool is_c0_or_c1 = character < 0x20 || (character >= 0x7f && character < 0xa0);
    bool turns_direction = (character >= 0x202a && character <= 0x202e) ||
                           (character >= 0x2066 && character <= 0x2069) ||
                           character == 0x200e || character == 0x200f || character == 0x061c;
    bool ends_line = character == 0x2028 || character == 0x2029;
    return is_c0_or_c1 || turns_direction || ends_line;
}

static bool is_kept(uint32_t character, enum escape escape)
{
    if (character == UINT32_MAX)
        return false;
    if (character == '\t' || (escape == ESCAPE_JSON && character == '\r'))
        return true;
    return !printable_is_control(character);
}

/* The escape's text, at most 7 characters. Returns its length. */
static size_t escape_text(unsigned char byte, uint32_t character, enum escape escape,
                          char text[static 8])
{
    uint32_t shown = character == UINT32_MAX ? byte : character;
    bool is_wide = escape == ESCAPE_JSON || shown > 0xff;
    return (size_t)snprintf(text, 8, is_wide ? "\\u%04x" : "\\x%02x", shown & 0xffff);
}

void printable_write(FILE *stream, const char *text, size_t size, enum escape escape)
{
    for (size_t i = 0; i < size;) {
        uint32_t character;
        size_t length = printable_decode(text + i, size - i, &character);
        if (is_kept(character, escape)) {
            (void)fwrite(text + i, 1, length, stream);
        } else {
            char escaped[8];
            (void)escape_text((unsigned char)text[i], character, escape, escaped);
            (void)fputs(escaped, stream);
        }
        i += length;
    }
}

size_t printable_width(const char *text)
{
    size_t size = strlen(text);
    size_t width = 0;
    for (size_t i = 0; i < size;) {
        uint32_t character;
        char escaped[8];
        size_t length = printable_decode(text + i, size - i, &character);
        width += is_kept(character, ESCAPE_TEXT)
                     ? 1
                     : escape_text((unsigned char)text[i], character, ESCAPE_TEXT, escaped);
        i += length;
    }
    return width;
}
