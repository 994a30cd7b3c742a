/* Text in columns: cells are collected, and written when the widths are known.
 *
 * A cell's text is made safe for a terminal as it is written. The last column is not padded. A
 * failed allocation is remembered and told at the end, so that filling a table reads like a
 * list.
 */
#pragma once

#include "reloadctl/terminal.h"

#include <stddef.h>

struct table_cell;

/* Zeroed but for `columns`: empty. */
struct table {
    size_t columns;
    struct table_cell *cells; /* row by row */
    size_t cell_n;
    int error;
};

/* Adds the next cell; a row is full after `columns` of them. NULL is an empty one. */
void table_add(struct table *table, enum colour colour, const char *text);
void table_add_format(struct table *table, enum colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes all rows, `indent` before each. Columns in which no row but the first (the headings)
 * has anything are left out. Nothing is written after a failed allocation: out of memory shows.
 */
void table_write(const struct table *table, FILE *stream, const struct terminal *terminal,
                 const char *indent);

void table_release(struct table *table);
