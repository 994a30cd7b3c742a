/* The page of `reloadctl status`: first how the app is, then what it waits for, then whom it
 * consists of, last what went wrong. What is as it should be takes no line.
 */
#include "reloadctl/render.h"

#include "base/own.h"
#include "reloadctl/table.h"
#include "reloadctl/words.h"

#include <string.h>

enum {
    LABEL_WIDTH = 11,
};

static void write_label(const struct rendering *rendering, const char *label)
{
    (void)fprintf(rendering->stream, "%*s: ", LABEL_WIDTH, label);
}

static void write_labelled(const struct rendering *rendering, const char *label,
                           const char *text)
{
    write_label(rendering, label);
    render_text(rendering, text);
    (void)fputc('\n', rendering->stream);
}

static void write_head(const struct rendering *rendering, const struct app_view *app)
{
    const enum colour colour = colour_of_app(app);
    const struct terminal *terminal = &rendering->terminal;
    char state[96];
    char span[WORDS_SIZE];

    (void)fputs(terminal_colour(terminal, COLOUR_STRONG), rendering->stream);
    render_text(rendering, app->name);
    (void)fprintf(rendering->stream, "%s: %s", terminal_colour_end(terminal, COLOUR_STRONG),
                  terminal_colour(terminal, colour));
    render_text(rendering, words_rollout(app, state, sizeof(state)));
    (void)fprintf(rendering->stream, "%s, %lld of %lld workers ready, for %s\n",
                  terminal_colour_end(terminal, colour), (long long)app->admitted,
                  (long long)app->desired,
                  words_span(rendering->now - app->rollout.since, span));
}

static void write_revision(const struct rendering *rendering, const struct app_view *app)
{
    write_label(rendering, "revision");
    (void)fprintf(rendering->stream, "%lld", (long long)app->revision);
    if (app->release) {
        (void)fputs(" (", rendering->stream);
        render_text(rendering, app->release);
        (void)fputc(')', rendering->stream);
    }
    if (app->rollout.trial.present && app->rollout.trial.value != app->revision)
        (void)fprintf(rendering->stream, ", on trial: %lld",
                      (long long)app->rollout.trial.value);
    for (size_t i = 0; i < app->rollout.queued_n; i++)
        (void)fprintf(rendering->stream, "%s%lld", i == 0 ? ", queued: " : ", ",
                      (long long)app->rollout.queued[i]);
    (void)fputc('\n', rendering->stream);
}

static void write_primary(const struct rendering *rendering, const struct app_view *app)
{
    char span[WORDS_SIZE];

    write_label(rendering, "primary");
    (void)fprintf(rendering->stream, "pid %lld, reloadd ", (long long)app->pid);
    render_text(rendering, app->version);
    (void)fprintf(rendering->stream, ", up for %s\n",
                  words_span(rendering->now - app->started, span));
}

static void write_recovered(const struct rendering *rendering,
                            const struct recovered_view *recovered)
{
    const long long went_on = recovered->adopted + recovered->found;
    char span[WORDS_SIZE];

    write_label(rendering, "recovered");
    (void)fprintf(rendering->stream, "%s ago: %lld worker%s went on",
                  words_span(rendering->now - recovered->at, span), went_on,
                  went_on == 1 ? "" : "s");
    if (recovered->found > 0)
        (void)fprintf(rendering->stream, ", %lld of them unknown to the journal",
                      (long long)recovered->found);
    if (recovered->vanished > 0)
        (void)fprintf(rendering->stream, ", %lld had ended", (long long)recovered->vanished);
    (void)fputc('\n', rendering->stream);
}

/* That workers outlive the primary is as it should be; that they do not, and why, is told. */
static void write_survival(const struct rendering *rendering, const struct app_view *app)
{
    if (app->recovered)
        write_recovered(rendering, app->recovered);
    if (!app->survives && app->survives_not)
        write_labelled(rendering, "no survival", app->survives_not);
    if (app->polite_not)
        write_labelled(rendering, "not polite", app->polite_not);
    if (app->limits_missing)
        write_labelled(rendering, "limits", app->limits_missing);
}

static void write_listeners(const struct rendering *rendering, const struct app_view *app)
{
    for (size_t i = 0; i < app->listener_n; i++) {
        const struct listener_view *listener = &app->listeners[i];
        write_label(rendering, i == 0 ? "listens" : "");
        render_text(rendering, listener->address);
        (void)fputs(" (", rendering->stream);
        if (strcmp(listener->name, listener->address) != 0) {
            render_text(rendering, listener->name);
            (void)fputs(", ", rendering->stream);
        }
        render_text(rendering, listener->source);
        if (listener->dispatch) {
            (void)fputs(", ", rendering->stream);
            render_text(rendering, listener->dispatch);
        }
        if (listener->shared_because) {
            (void)fputs(": ", rendering->stream);
            render_text(rendering, listener->shared_because);
        }
        (void)fputs(")\n", rendering->stream);
        if (listener->differs)
            write_labelled(rendering, "", listener->differs);
    }
}

/* Nothing where nobody is connected. */
static void write_connections(const struct rendering *rendering, const struct app_view *app)
{
    long long active = 0;
    long long open = 0;

    for (size_t i = 0; i < app->worker_n; i++)
        if (app->workers[i].connections) {
            active += app->workers[i].connections->active;
            open += app->workers[i].connections->open;
        }
    if (open == 0)
        return;
    write_label(rendering, "connections");
    (void)fprintf(rendering->stream, "%lld open, %lld of them active", open, active);
    if (app->fairness.present)
        (void)fprintf(rendering->stream,
                      "; the fullest worker has %.2f times those of the emptiest",
                      app->fairness.value);
    (void)fputc('\n', rendering->stream);
}

/* That descriptors are passed on is what everybody expects; that binds are captured is told. */
static void write_delivery(const struct rendering *rendering, const struct app_view *app)
{
    size_t captured = 0;

    for (size_t i = 0; i < app->worker_n; i++)
        captured +=
            app->workers[i].delivery && strcmp(app->workers[i].delivery, "capture") == 0;
    if (captured == 0)
        return;
    write_label(rendering, "delivery");
    render_text(rendering, app->delivery);
    (void)fprintf(rendering->stream, ": %zu of %zu workers by capture\n", captured,
                  app->worker_n);
}

static void write_last(const struct rendering *rendering, const struct outcome_view *last)
{
    const enum colour colour = colour_of_outcome(last->outcome);
    char text[WORDS_SIZE];

    write_label(rendering, "last");
    (void)fprintf(rendering->stream, "revision %lld ", (long long)last->revision);
    if (last->release) {
        (void)fputc('(', rendering->stream);
        render_text(rendering, last->release);
        (void)fputs(") ", rendering->stream);
    }
    (void)fputs(terminal_colour(&rendering->terminal, colour), rendering->stream);
    render_text(rendering, last->outcome);
    (void)fprintf(rendering->stream, "%s after %s, ",
                  terminal_colour_end(&rendering->terminal, colour),
                  words_span(last->seconds, text));
    (void)fprintf(rendering->stream, "%s ago\n", words_span(rendering->now - last->at, text));
    if (last->failure)
        write_labelled(rendering, "", last->failure->text);
    if (last->cut.present) {
        write_label(rendering, "");
        (void)fprintf(rendering->stream, "cut off %lld connection%s at the drain deadline\n",
                      (long long)last->cut.value, last->cut.value == 1 ? "" : "s");
    }
}

/* What stands in the last column: what is waited for, what is remarkable, what it says itself.
 */
static void add_note(struct table *table, const struct worker_view *worker)
{
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    const char *between = "";
    char connections[WORDS_CONNECTIONS_SIZE];

    if (!stream) {
        table_add(table, COLOUR_NONE, worker->status);
        return;
    }
    if (worker->waits_for) {
        (void)fprintf(stream, "waits for %s", worker->waits_for);
        between = "; ";
    }
    if (worker->connections &&
        (worker->connections->open > 0 ||
         (worker->connections->queued.present && worker->connections->queued.value > 0))) {
        (void)fprintf(stream, "%s%s", between,
                      words_connections(worker->connections, connections));
        between = "; ";
    }
    if (worker->expired) {
        bool sick = strcmp(worker->expired, "unhealthy") == 0 ||
                    strcmp(worker->expired, "unanswered") == 0; /* its probe tells */

        (void)fprintf(stream, "%sto be replaced%s%s", between, sick ? "" : " for its ",
                      sick ? "" : worker->expired);
        between = "; ";
    }
    if (worker->probe) {
        (void)fprintf(stream, "%sprobe: %s", between, worker->probe);
        between = "; ";
    }
    if (worker->adopted) {
        (void)fprintf(stream, "%sadopted", between);
        between = "; ";
    }
    if (worker->status)
        (void)fprintf(stream, "%s%s", between, worker->status);
    table_add(table, COLOUR_NONE, fclose(stream) == 0 ? text : "");
}

static void add_worker(struct table *table, const struct rendering *rendering,
                       const struct worker_view *worker)
{
    char text[WORDS_SIZE];

    table_add_format(table, COLOUR_NONE, "%lld", (long long)worker->slot);
    table_add_format(table, COLOUR_NONE, "%lld", (long long)worker->pid);
    table_add_format(table, COLOUR_NONE, "%lld", (long long)worker->revision);
    table_add(table, COLOUR_NONE, worker->release);
    table_add(table, colour_of_worker(worker->state), words_worker_state(worker->state));
    table_add(table, COLOUR_NONE, words_span(rendering->now - worker->since, text));
    table_add(table, COLOUR_NONE,
              worker->memory_bytes.present ? words_bytes(worker->memory_bytes.value, text)
                                           : "");
    add_note(table, worker);
}

static void write_workers(const struct rendering *rendering, const struct app_view *app)
{
    static const char *const headings[] = {"SLOT",  "PID", "REVISION", "RELEASE",
                                           "STATE", "FOR", "MEMORY",   "NOTE"};
    _cleanup_(table_release) struct table table = {
        .columns = sizeof(headings) / sizeof(headings[0]),
    };

    if (app->worker_n == 0)
        return;
    for (size_t i = 0; i < table.columns; i++)
        table_add(&table, COLOUR_STRONG, headings[i]);
    for (size_t i = 0; i < app->worker_n; i++)
        add_worker(&table, rendering, &app->workers[i]);
    (void)fputc('\n', rendering->stream);
    table_write(&table, rendering->stream, &rendering->terminal, "  ");
}

static void write_lines(const struct rendering *rendering, const struct failure_view *failure)
{
    for (size_t i = 0; i < failure->line_n; i++) {
        (void)fputs("    | ", rendering->stream);
        render_text(rendering, failure->lines[i]);
        (void)fputc('\n', rendering->stream);
    }
}

static void write_slot(const struct rendering *rendering, const struct slot_view *slot)
{
    const enum colour colour = slot->crash_loop ? COLOUR_BAD : COLOUR_BUSY;
    char span[WORDS_SIZE];

    (void)fprintf(rendering->stream, "\n  slot %lld: %s%s%s, %lld failure%s in a row",
                  (long long)slot->slot, terminal_colour(&rendering->terminal, colour),
                  slot->crash_loop ? "crash loop" : "waits",
                  terminal_colour_end(&rendering->terminal, colour), (long long)slot->failures,
                  slot->failures == 1 ? "" : "s");
    if (slot->retry.present)
        (void)fprintf(rendering->stream, ", next try in %s",
                      words_span(slot->retry.value - rendering->now, span));
    (void)fputc('\n', rendering->stream);
    if (!slot->last)
        return;
    (void)fputs("    ", rendering->stream);
    render_text(rendering, slot->last->text);
    (void)fputc('\n', rendering->stream);
    write_lines(rendering, slot->last);
}

void render_status(const struct rendering *rendering, const struct app_view *app)
{
    write_head(rendering, app);
    if (app->rollout.waits_for)
        write_labelled(rendering, "waits for", app->rollout.waits_for);
    if (app->rollout.failure)
        write_labelled(rendering, "because", app->rollout.failure->text);
    write_revision(rendering, app);
    if (app->scale.present) {
        write_label(rendering, "scaled to");
        (void)fprintf(rendering->stream, "%lld workers\n", (long long)app->scale.value);
    }
    write_primary(rendering, app);
    write_survival(rendering, app);
    if (app->config)
        write_labelled(rendering, "config", app->config);
    write_listeners(rendering, app);
    write_connections(rendering, app);
    write_delivery(rendering, app);
    if (app->last)
        write_last(rendering, app->last);
    for (size_t i = 0; i < app->warning_n; i++)
        write_labelled(rendering, "warning", app->warnings[i]);
    write_workers(rendering, app);
    for (size_t i = 0; i < app->slot_n; i++)
        if (strcmp(app->slots[i].state, "waiting") == 0 || app->slots[i].crash_loop)
            write_slot(rendering, &app->slots[i]);
}
