#include "reloadctl/render.h"

#include "reloadctl/printable.h"
#include "reloadctl/words.h"

#include <string.h>

void render_text(const struct rendering *rendering, const char *text)
{
    printable_write(rendering->stream, text, strlen(text), ESCAPE_TEXT);
}

enum colour colour_of_outcome(const char *outcome)
{
    if (strcmp(outcome, "complete") == 0)
        return COLOUR_GOOD;
    if (strcmp(outcome, "failed") == 0 || strcmp(outcome, "refused") == 0)
        return COLOUR_BAD;
    return COLOUR_BUSY;
}

enum colour colour_of_app(const struct app_view *app)
{
    if (app->admitted < app->desired)
        return COLOUR_BAD;
    return strcmp(app->rollout.state, "steady") == 0 ? COLOUR_GOOD : COLOUR_BUSY;
}

enum colour colour_of_worker(const char *state)
{
    return strcmp(state, "admitted") == 0 ? COLOUR_GOOD : COLOUR_BUSY;
}

void render_line(const struct rendering *rendering, const struct line_view *line)
{
    const struct terminal *terminal = &rendering->terminal;
    char when[WORDS_SIZE];

    (void)fprintf(rendering->stream, "%s%s%s ", terminal_colour(terminal, COLOUR_FAINT),
                  words_time(line->at, when), terminal_colour_end(terminal, COLOUR_FAINT));
    (void)fputs(terminal_colour(terminal, COLOUR_STRONG), rendering->stream);
    if (line->slot.present)
        (void)fprintf(rendering->stream, "%lld", (long long)line->slot.value);
    else if (line->worker.present)
        (void)fprintf(rendering->stream, "worker %lld", (long long)line->worker.value);
    else if (line->source)
        render_text(rendering, line->source);
    else
        (void)fputs("primary", rendering->stream);
    (void)fprintf(rendering->stream, "%s | ", terminal_colour_end(terminal, COLOUR_STRONG));
    if (terminal->is_terminal)
        render_text(rendering, line->text);
    else
        (void)fputs(line->text, rendering->stream);
    (void)fputc('\n', rendering->stream);
}

void render_outcome(const struct rendering *rendering, const char *app,
                    const struct outcome_view *outcome)
{
    const enum colour colour = colour_of_outcome(outcome->outcome);
    char span[WORDS_SIZE];

    (void)fprintf(rendering->stream, "%s: revision %lld", app, (long long)outcome->revision);
    if (outcome->release) {
        (void)fputs(" (", rendering->stream);
        render_text(rendering, outcome->release);
        (void)fputc(')', rendering->stream);
    }
    (void)fprintf(rendering->stream, " %s", terminal_colour(&rendering->terminal, colour));
    render_text(rendering, outcome->outcome);
    (void)fprintf(rendering->stream, "%s after %s",
                  terminal_colour_end(&rendering->terminal, colour),
                  words_span(outcome->seconds, span));
    if (outcome->cut.present)
        (void)fprintf(rendering->stream, ", with %lld connection%s cut off",
                      (long long)outcome->cut.value, outcome->cut.value == 1 ? "" : "s");
    (void)fputc('\n', rendering->stream);
}
