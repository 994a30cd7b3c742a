#include "reloadctl/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *words_span(double seconds, char text[static WORDS_SIZE])
{
    if (!(seconds > 0))
        seconds = 0;
    if (seconds > 1e10)
        return "very long";
    long long whole = (long long)seconds;
    if (seconds < 9.95)
        (void)snprintf(text, WORDS_SIZE, "%.1f s", seconds);
    else if (whole < 120)
        (void)snprintf(text, WORDS_SIZE, "%.0f s", seconds);
    else if (whole < 2 * 3600)
        (void)snprintf(text, WORDS_SIZE, "%lld min %lld s", whole / 60, whole % 60);
    else if (whole < 2 * 86400)
        (void)snprintf(text, WORDS_SIZE, "%lld h %lld min", whole / 3600, whole / 60 % 60);
    else
        (void)snprintf(text, WORDS_SIZE, "%lld d %lld h", whole / 86400, whole / 3600 % 24);
    return text;
}

const char *words_time(double since_epoch, char text[static WORDS_SIZE])
{
    struct tm calendar;
    time_t whole = isfinite(since_epoch) && fabs(since_epoch) < 1e11 ? (time_t)since_epoch : 0;

    if (!localtime_r(&whole, &calendar) ||
        strftime(text, WORDS_SIZE, "%Y-%m-%d %H:%M:%S", &calendar) == 0)
        (void)snprintf(text, WORDS_SIZE, "@%lld", (long long)whole);
    return text;
}

const char *words_bytes(int64_t bytes, char text[static WORDS_SIZE])
{
    const double mebibyte = 1024.0 * 1024.0;

    if (bytes < 1024 * 1024)
        (void)snprintf(text, WORDS_SIZE, "%lld KiB", (long long)(bytes / 1024));
    else if ((double)bytes < 1024 * mebibyte)
        (void)snprintf(text, WORDS_SIZE, "%.1f MiB", (double)bytes / mebibyte);
    else
        (void)snprintf(text, WORDS_SIZE, "%.1f GiB", (double)bytes / mebibyte / 1024.0);
    return text;
}

/* A count with its word, where it is not 0. */
static size_t add_count(char *text, size_t used, int64_t count, const char *word)
{
    int length = 0;

    if (count > 0 && used < WORDS_CONNECTIONS_SIZE)
        length = snprintf(text + used, WORDS_CONNECTIONS_SIZE - used, "%s%lld %s",
                          used > 0 ? ", " : "", (long long)count, word);
    return used + (length > 0 ? (size_t)length : 0);
}

const char *words_connections(const struct connections_view *connections,
                              char text[static WORDS_CONNECTIONS_SIZE])
{
    char span[WORDS_SIZE];
    size_t used = add_count(text, 0, connections->active, "active");

    used = add_count(text, used, connections->idle, "idle");
    used = add_count(text, used, connections->open - connections->active - connections->idle,
                     "on a unix socket");
    used = add_count(text, used, connections->queued.present ? connections->queued.value : 0,
                     "queued");
    if (used == 0)
        (void)snprintf(text, WORDS_CONNECTIONS_SIZE, "no connections");
    else if (connections->oldest_seconds.present && used < WORDS_CONNECTIONS_SIZE)
        (void)snprintf(text + used, WORDS_CONNECTIONS_SIZE - used, " (oldest %s)",
                       words_span(connections->oldest_seconds.value, span));
    return text;
}

const char *words_worker_state(const char *state)
{
    static const char *const words[][2] = {
        {"spawning", "starting"},
        {"admitted", "ready"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i][0], state) == 0)
            return words[i][1];
    return state;
}

/* How a steady app is doing. */
static const char *steady_words(const struct app_view *app)
{
    if (app->admitted >= app->desired)
        return "running";
    return app->admitted == 0 ? "down" : "degraded";
}

const char *words_rollout(const struct app_view *app, char *text, size_t size)
{
    const struct rollout_view *rollout = &app->rollout;
    long long target = (long long)rollout->target;

    if (strcmp(rollout->state, "steady") == 0)
        (void)snprintf(text, size, "%s", steady_words(app));
    else if (strcmp(rollout->state, "forward") == 0)
        (void)snprintf(text, size, "rolling out revision %lld", target);
    else if (strcmp(rollout->state, "settling") == 0)
        (void)snprintf(text, size, "revision %lld serves, the old workers drain", target);
    else if (strcmp(rollout->state, "reverting") == 0)
        (void)snprintf(text, size, "reverting to revision %lld", target);
    else
        (void)snprintf(text, size, "%s", rollout->state);
    return text;
}
