#include "reloadctl/table.h"

#include "base/error.h"
#include "base/own.h"
#include "reloadctl/printable.h"

#include <stdarg.h>
#include <string.h>

struct table_cell {
    char *text;
    enum colour colour;
};

static const char gap[] = "  ";

void table_add(struct table *table, enum colour colour, const char *text)
{
    _cleanup_free_ char *copy = strdup(text ? text : "");
    struct table_cell *grown =
        copy ? realloc(table->cells, (table->cell_n + 1) * sizeof(*grown)) : NULL;

    if (!grown) {
        table->error = -ENOMEM;
        return;
    }
    table->cells = grown;
    table->cells[table->cell_n++] =
        (struct table_cell){.text = take_ptr(copy), .colour = colour};
}

void table_add_format(struct table *table, enum colour colour, const char *format, ...)
{
    _cleanup_free_ char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (text)
        table_add(table, colour, text);
    else
        table->error = -ENOMEM;
}

static size_t column_width(const struct table *table, size_t column)
{
    size_t width = 0;
    bool is_empty = true;

    for (size_t i = column; i < table->cell_n; i += table->columns) {
        size_t found = printable_width(table->cells[i].text);
        if (found > width)
            width = found;
        if (found > 0 && i >= table->columns)
            is_empty = false;
    }
    return is_empty ? 0 : width;
}

static void write_row(const struct table_cell *cells, const size_t *widths, size_t columns,
                      FILE *stream, const struct terminal *terminal)
{
    size_t padding = 0;

    for (size_t i = 0; i < columns; i++) {
        if (widths[i] == 0)
            continue;
        if (cells[i].text[0] != '\0') {
            (void)fprintf(stream, "%*s%s", (int)padding, "",
                          terminal_colour(terminal, cells[i].colour));
            printable_write(stream, cells[i].text, strlen(cells[i].text), ESCAPE_TEXT);
            (void)fputs(terminal_colour_end(terminal, cells[i].colour), stream);
            padding = 0;
        }
        padding += widths[i] - printable_width(cells[i].text) + strlen(gap);
    }
    (void)fputc('\n', stream);
}

void table_write(const struct table *table, FILE *stream, const struct terminal *terminal,
                 const char *indent)
{
    _cleanup_free_ size_t *widths = calloc(table->columns, sizeof(*widths));

    if (!widths || table->error < 0) {
        (void)fprintf(stream, "%s(out of memory)\n", indent);
        return;
    }
    for (size_t i = 0; i < table->columns; i++)
        widths[i] = column_width(table, i);
    for (size_t i = 0; i + table->columns <= table->cell_n; i += table->columns) {
        (void)fputs(indent, stream);
        write_row(table->cells + i, widths, table->columns, stream, terminal);
    }
}

void table_release(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->cell_n; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (struct table){0};
}
