#include "reloadctl/region.h"

#include "reloadctl/printable.h"

#include <string.h>

/* The bytes of a colour's sequence at `text`, 0: there is none. */
static size_t sequence_length(const char *text, size_t size)
{
    if (size < 2 || text[0] != '\033' || text[1] != '[')
        return 0;
    for (size_t i = 2; i < size; i++)
        if (text[i] == 'm')
            return i + 1;
    return 0;
}

/* Writes at most `columns` characters of the line; colours count as none, and all of them are
 * written, so that the last one's end is too. */
static void write_cut(FILE *stream, const char *line, size_t size, size_t columns)
{
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        uint32_t character;
        size_t length = sequence_length(line + i, size - i);
        if (length > 0) {
            (void)fwrite(line + i, 1, length, stream);
        } else {
            length = printable_decode(line + i, size - i, &character);
            if (used++ < columns)
                (void)fwrite(line + i, 1, length, stream);
        }
        i += length;
    }
}

void region_erase(struct region *region, FILE *stream)
{
    /* Up, and everything below away (CPL, ED: ECMA-48, 8.3.13 and 8.3.39). */
    if (region->lines > 0)
        (void)fprintf(stream, "\033[%zuF\033[J", region->lines);
    region->lines = 0;
}

void region_draw(struct region *region, FILE *stream, const struct terminal *terminal,
                 const char *text)
{
    size_t lines = 0;

    region_erase(region, stream);
    for (const char *line = text; *line && lines + 1 < terminal->rows; lines++) {
        size_t size = strcspn(line, "\n");
        write_cut(stream, line, size, terminal->columns);
        (void)fputc('\n', stream);
        line += line[size] == '\n' ? size + 1 : size;
    }
    region->lines = lines;
    (void)fflush(stream);
}
