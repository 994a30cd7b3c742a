/* A few lines at the bottom of a terminal that are drawn again in place.
 *
 * Lines are cut to the terminal's width and their number to its height, for a line that wraps
 * or scrolls away can't be found again by moving up.
 */
#pragma once

#include "reloadctl/terminal.h"

/* Zeroed: nothing is drawn yet. */
struct region {
    size_t lines; /* drawn; the cursor is at the beginning of the line below them */
};

/* Replaces what is drawn by `text`: lines, each ended by "\n", with colours but no other
 * control characters. */
void region_draw(struct region *region, FILE *stream, const struct terminal *terminal,
                 const char *text);

/* Takes what is drawn away. */
void region_erase(struct region *region, FILE *stream);
