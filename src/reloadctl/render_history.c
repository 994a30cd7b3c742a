#include "reloadctl/render.h"

#include "base/own.h"
#include "reloadctl/table.h"
#include "reloadctl/words.h"

#include <string.h>

/* argv in one line, as it was given; for reading, not for a shell. */
static void add_command(struct table *table, const struct entry_view *entry)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 1;
    char *end;

    for (size_t i = 0; i < entry->exec_n; i++)
        size += strlen(entry->exec[i]) + 1;
    text = malloc(size);
    end = text;
    for (size_t i = 0; text && i < entry->exec_n; i++) {
        if (i > 0)
            *end++ = ' ';
        end = stpcpy(end, entry->exec[i]);
    }
    if (text)
        *end = '\0';
    table_add(table, COLOUR_NONE, text);
}

static void add_entry(struct table *table, const struct entry_view *entry)
{
    char text[WORDS_SIZE];

    table_add_format(table, COLOUR_NONE, "%lld", (long long)entry->revision);
    table_add(table, COLOUR_NONE, entry->release);
    table_add(table, COLOUR_NONE, words_time(entry->accepted, text));
    table_add(table, colour_of_outcome(entry->outcome), entry->outcome);
    table_add(table, COLOUR_NONE,
              entry->ended.present ? words_span(entry->ended.value - entry->accepted, text)
                                   : "");
    table_add(table, COLOUR_NONE, entry->stable ? "serves" : "");
    add_command(table, entry);
}

static void render_failures(const struct rendering *rendering,
                            const struct history_view *history)
{
    for (size_t i = 0; i < history->revision_n; i++) {
        const struct entry_view *entry = &history->revisions[i];
        if (!entry->failure)
            continue;
        (void)fprintf(rendering->stream, "revision %lld %s: ", (long long)entry->revision,
                      entry->outcome);
        render_text(rendering, entry->failure->text);
        (void)fputc('\n', rendering->stream);
    }
}

void render_history(const struct rendering *rendering, const struct history_view *history)
{
    static const char *const headings[] = {"REVISION", "RELEASE", "ACCEPTED", "OUTCOME",
                                           "AFTER",    "",        "COMMAND"};
    _cleanup_(table_release) struct table table = {
        .columns = sizeof(headings) / sizeof(headings[0]),
    };

    for (size_t i = 0; i < table.columns; i++)
        table_add(&table, COLOUR_STRONG, headings[i]);
    for (size_t i = 0; i < history->revision_n; i++)
        add_entry(&table, &history->revisions[i]);
    table_write(&table, rendering->stream, &rendering->terminal, "");
    render_failures(rendering, history);
}
