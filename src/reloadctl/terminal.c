#include "reloadctl/terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    COLUMNS_DEFAULT = 80,
    ROWS_DEFAULT = 24,
};

struct terminal terminal_look(FILE *stream)
{
    struct terminal terminal = {.columns = SIZE_MAX, .rows = SIZE_MAX};
    const char *kind = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    struct winsize size = {0};

    if (isatty(fileno(stream)) != 1)
        return terminal;
    bool is_capable = kind && strcmp(kind, "dumb") != 0 && kind[0] != '\0';
    terminal.is_terminal = true;
    terminal.can_redraw = is_capable;
    terminal.has_colour = is_capable && !(no_color && no_color[0] != '\0');
    (void)ioctl(fileno(stream), TIOCGWINSZ, &size); /* stays 0 where it fails */
    terminal.columns = size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
    terminal.rows = size.ws_row > 0 ? size.ws_row : ROWS_DEFAULT;
    return terminal;
}

const char *terminal_colour(const struct terminal *terminal, enum colour colour)
{
    /* ECMA-48, 8.3.117 (SGR) */
    static const char *const sequences[] = {
        [COLOUR_NONE] = "",          [COLOUR_GOOD] = "\033[32m", [COLOUR_BUSY] = "\033[33m",
        [COLOUR_BAD] = "\033[1;31m", [COLOUR_FAINT] = "\033[2m", [COLOUR_STRONG] = "\033[1m",
    };
    return terminal->has_colour ? sequences[colour] : "";
}

const char *terminal_colour_end(const struct terminal *terminal, enum colour colour)
{
    return terminal->has_colour && colour != COLOUR_NONE ? "\033[0m" : "";
}
