/* What a primary says, written for people: pure functions of a view, a moment and a terminal,
 * so that a test compares their text letter by letter.
 *
 * All texts that came from outside are made safe for a terminal.
 */
#pragma once

#include "reloadctl/terminal.h"
#include "wire/view.h"

struct rendering {
    FILE *stream;
    struct terminal terminal;
    double now; /* seconds since the epoch */
};

/* The whole of `reloadctl status`. */
void render_status(const struct rendering *rendering, const struct app_view *app);

/* The table of `reloadctl history`, oldest revision first, and why the failed ones failed. */
void render_history(const struct rendering *rendering, const struct history_view *history);

/* One line of a log: time, slot (or whoever else wrote it) and text. Lines are written raw
 * where the stream is no terminal. */
void render_line(const struct rendering *rendering, const struct line_view *line);

/* "complete", with its seconds: "web: revision 7 (abc) complete after 1.2 s". */
void render_outcome(const struct rendering *rendering, const char *app,
                    const struct outcome_view *outcome);

/* A text from outside, safe for a terminal. */
void render_text(const struct rendering *rendering, const char *text);

enum colour colour_of_outcome(const char *outcome);
enum colour colour_of_app(const struct app_view *app);
enum colour colour_of_worker(const char *state);
