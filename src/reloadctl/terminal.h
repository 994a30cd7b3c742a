/* What is known of the place where output goes.
 *
 * Colours and redrawing are for terminals alone; NO_COLOR (no-color.org) and TERM=dumb are
 * heard.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct terminal {
    bool is_terminal;
    bool has_colour;
    bool can_redraw;
    size_t columns; /* SIZE_MAX: no limit */
    size_t rows;
};

/* Looks at the stream's descriptor and at the environment. Called again after each wait, it
 * sees a changed size. */
struct terminal terminal_look(FILE *stream);

enum colour {
    COLOUR_NONE,
    COLOUR_GOOD,
    COLOUR_BUSY,
    COLOUR_BAD,
    COLOUR_FAINT,
    COLOUR_STRONG,
};

/* The sequences that begin and end a colour; "" without colours. Static. */
const char *terminal_colour(const struct terminal *terminal, enum colour colour);
const char *terminal_colour_end(const struct terminal *terminal, enum colour colour);
