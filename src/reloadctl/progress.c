#include "reloadctl/progress.h"

#include "base/error.h"
#include "reloadctl/words.h"

#include <string.h>

/* A worker is watched in two phases, coming and going, and each has its time. */
struct progress_worker {
    int64_t id;
    int64_t slot;
    int64_t revision;
    int64_t pid;
    char state[16];
    double began;                             /* of the phase */
    double changed;                           /* of the state */
    char *failure;                            /* owned; NULL: none */
    char connections[WORDS_CONNECTIONS_SIZE]; /* "": not told */
};

enum {
    ROWS_KEPT = 2, /* for the line under the cursor and the verdict */
};

static bool state_is(const struct progress_worker *worker, const char *state)
{
    return strcmp(worker->state, state) == 0;
}

static bool is_done(const struct progress_worker *worker)
{
    return state_is(worker, "admitted") || state_is(worker, "gone");
}

static struct progress_worker *find_worker(const struct progress *progress, int64_t id)
{
    for (size_t i = 0; i < progress->worker_n; i++)
        if (progress->workers[i].id == id)
            return &progress->workers[i];
    return NULL;
}

static struct progress_worker *add_worker(struct progress *progress,
                                          const struct step_view *step)
{
    struct progress_worker *grown =
        realloc(progress->workers, (progress->worker_n + 1) * sizeof(*grown));

    if (!grown)
        return NULL;
    progress->workers = grown;
    grown[progress->worker_n] = (struct progress_worker){
        .id = step->worker,
        .slot = step->slot,
        .revision = step->revision,
        .began = step->at,
    };
    return &grown[progress->worker_n++];
}

int progress_take(struct progress *progress, const struct step_view *step)
{
    struct progress_worker *worker = find_worker(progress, step->worker);

    if (!worker)
        worker = add_worker(progress, step);
    if (!worker)
        return -ENOMEM;
    if ((strcmp(step->state, "draining") == 0 && !state_is(worker, "draining")) ||
        state_is(worker, "admitted"))
        worker->began = step->at;
    if (!state_is(worker, step->state))
        worker->changed = step->at;
    (void)snprintf(worker->state, sizeof(worker->state), "%s", step->state);
    worker->connections[0] = '\0';
    if (step->connections)
        (void)words_connections(step->connections, worker->connections);
    if (step->pid > 0)
        worker->pid = step->pid;
    if (step->failure && !worker->failure) {
        worker->failure = strdup(step->failure->text);
        if (!worker->failure)
            return -ENOMEM;
    }
    return 0;
}

void progress_release(struct progress *progress)
{
    if (!progress)
        return;
    for (size_t i = 0; i < progress->worker_n; i++)
        free(progress->workers[i].failure);
    free(progress->workers);
    *progress = (struct progress){0};
}

static enum colour colour_of(const struct progress_worker *worker)
{
    if (worker->failure)
        return COLOUR_BAD;
    return is_done(worker) ? COLOUR_GOOD : COLOUR_BUSY;
}

static void render_worker(const struct progress_worker *worker,
                          const struct rendering *rendering)
{
    const struct terminal *terminal = &rendering->terminal;
    const char *state = words_worker_state(worker->state);
    double until = is_done(worker) ? worker->changed : rendering->now;
    char span[WORDS_SIZE];

    (void)fprintf(rendering->stream, "  slot %-3lld revision %-4lld pid %-8lld %s",
                  (long long)worker->slot, (long long)worker->revision, (long long)worker->pid,
                  terminal_colour(terminal, colour_of(worker)));
    render_text(rendering, state);
    (void)fprintf(rendering->stream, "%s%*s %s",
                  terminal_colour_end(terminal, colour_of(worker)),
                  (int)(strlen(state) < 9 ? 9 - strlen(state) : 0), "",
                  words_span(until - worker->began, span));
    if (worker->connections[0] != '\0')
        (void)fprintf(rendering->stream, "  %s", worker->connections);
    if (worker->failure) {
        (void)fputs("  ", rendering->stream);
        render_text(rendering, worker->failure);
    }
    (void)fputc('\n', rendering->stream);
}

void progress_render(const struct progress *progress, const struct rendering *rendering)
{
    size_t rows =
        rendering->terminal.rows > ROWS_KEPT ? rendering->terminal.rows - ROWS_KEPT : 0;
    size_t excess = progress->worker_n > rows ? progress->worker_n - rows : 0;

    for (size_t i = 0; i < progress->worker_n; i++) {
        const struct progress_worker *worker = &progress->workers[i];
        if (excess > 0 && is_done(worker))
            excess--;
        else
            render_worker(worker, rendering);
    }
}

/* Of one that drains still: "slot 2: worker 7 drains: 3 active, 12 idle (oldest 41 s)". */
static void render_picture(const struct rendering *rendering, const struct step_view *step)
{
    char words[WORDS_CONNECTIONS_SIZE];

    (void)fprintf(rendering->stream, "slot %lld: worker %lld drains: %s\n",
                  (long long)step->slot, (long long)step->worker,
                  words_connections(step->connections, words));
}

/* What was cut off with it, where it was killed. */
static void render_cut(const struct rendering *rendering, const struct step_view *step)
{
    const struct connections_view *connections = step->connections;
    char words[WORDS_CONNECTIONS_SIZE];

    if (connections && connections->open > 0)
        (void)fprintf(rendering->stream, " with %lld connection%s open: %s",
                      (long long)connections->open, connections->open == 1 ? "" : "s",
                      words_connections(connections, words));
}

void progress_render_step(const struct progress *progress, const struct rendering *rendering,
                          const struct step_view *step)
{
    const struct progress_worker *worker = find_worker(progress, step->worker);
    char span[WORDS_SIZE];

    if (step->connections && strcmp(step->state, "draining") == 0) {
        render_picture(rendering, step);
        return;
    }
    (void)fprintf(rendering->stream, "slot %lld: worker %lld (revision %lld",
                  (long long)step->slot, (long long)step->worker, (long long)step->revision);
    if (step->pid > 0)
        (void)fprintf(rendering->stream, ", pid %lld", (long long)step->pid);
    (void)fputs(") ", rendering->stream);
    render_text(rendering, words_worker_state(step->state));
    if (worker && worker->changed > worker->began && strcmp(step->state, "starting") != 0)
        (void)fprintf(rendering->stream, " after %s",
                      words_span(worker->changed - worker->began, span));
    render_cut(rendering, step);
    if (step->failure) {
        (void)fputs(": ", rendering->stream);
        render_text(rendering, step->failure->text);
    }
    (void)fputc('\n', rendering->stream);
}
