/* A stream whose text a test compares; and the terminals that a test may pretend to have. */
#pragma once

#include "reloadctl/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct captured {
    FILE *stream;
    char *text; /* after captured_close() */
    size_t size;
};

static const struct terminal no_terminal = {.columns = SIZE_MAX, .rows = SIZE_MAX};

static inline struct terminal coloured_terminal(size_t columns, size_t rows)
{
    return (struct terminal){
        .is_terminal = true,
        .has_colour = true,
        .can_redraw = true,
        .columns = columns,
        .rows = rows,
    };
}

static inline void captured_open(struct captured *captured)
{
    captured->stream = open_memstream(&captured->text, &captured->size);
    assert_non_null(captured->stream);
}

/* Compares all that was written with `expected`, and ends the capture. */
static inline void captured_assert(struct captured *captured, const char *expected)
{
    assert_int_equal(fclose(captured->stream), 0);
    assert_string_equal(captured->text, expected);
    free(captured->text);
}
