#include "wire/config_check.h"

#include "base/error.h"
#include "wire/config.h"

#include <stdio.h>
#include <string.h>

/* What one number says of another. For a file without errors, so that no default stands in for
 * a wrong value. */
int config_check_relations(const struct config_reader *reader, const struct policy *policy)
{
    static const char format[] = "expected %s (%g), found %g";
    const struct {
        bool wrong;
        const char *path;
        const char *expected;
        struct span than;
        struct span found;
    } relations[] = {
        {policy->progress_deadline.nanoseconds <= policy->min_ready.nanoseconds,
         "$.rollout.progress_deadline_seconds", "more than rollout.min_ready_seconds",
         policy->min_ready, policy->progress_deadline},
        {policy->restart_max.nanoseconds < policy->restart_initial.nanoseconds,
         "$.restart.max_delay_seconds", "at least restart.initial_delay_seconds",
         policy->restart_initial, policy->restart_max},
        {policy->readiness == READINESS_DELAY &&
             policy->readiness_timeout.nanoseconds <= policy->readiness_delay.nanoseconds,
         "$.readiness.timeout_seconds", "more than readiness.delay_seconds",
         policy->readiness_delay, policy->readiness_timeout},
    };
    int total = 0;

    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++) {
        int r;

        if (!relations[i].wrong)
            continue;
        r = config_errors_add(reader->errors, reader->text, reader->size, relations[i].path,
                              format, relations[i].expected, span_to_seconds(relations[i].than),
                              span_to_seconds(relations[i].found));
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    if (policy->max_surge.value == 0 && policy->max_unavailable.value == 0) {
        int r =
            config_errors_add(reader->errors, reader->text, reader->size, "$.rollout.max_surge",
                              "expected more than 0 here or in max_unavailable, or no "
                              "rollout could ever move, found 0 in both");

        (void)config_is_fatal(&total, r < 0 ? r : 1);
    }
    return total;
}

/* Whether an earlier listener has this one's name or address. */
static int check_unique(const struct config_reader *reader, const struct spec *spec, size_t i)
{
    char path[64];
    int total = 0;

    (void)snprintf(path, sizeof(path), "$.listen[%zu]", i);
    for (size_t j = 0; j < i; j++) {
        const struct listener_spec *a = &spec->listeners[j], *b = &spec->listeners[i];
        const char *what = NULL;
        int r;

        if (a->address != NULL && b->address != NULL && strcmp(a->address, b->address) == 0)
            what = "address";
        else if (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0)
            what = "name";
        if (what == NULL)
            continue;
        r = config_errors_add(reader->errors, reader->text, reader->size, path,
                              "expected %s of its own, found %s of listen[%zu] again",
                              *what == 'a' ? "an address" : "a name",
                              *what == 'a' ? b->address : b->name, j);
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    return total;
}

static bool is_listener(const struct spec *spec, const char *name, size_t n)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (strlen(spec->listeners[i].name) == n &&
            strncmp(spec->listeners[i].name, name, n) == 0)
            return true;
    return false;
}

/* Whether each {fd:NAME} of one argument has its listener. */
static int check_placeholders(const struct config_reader *reader, const struct spec *spec,
                              size_t i)
{
    const char *at = spec->exec[i];
    char path[64];
    int total = 0;

    (void)snprintf(path, sizeof(path), "$.exec[%zu]", i);
    while ((at = strstr(at, "{fd:")) != NULL) {
        size_t n = strcspn(at += strlen("{fd:"), "}");
        int r;

        if (at[n] == '\0' || is_listener(spec, at, n))
            continue;
        r = config_errors_add(reader->errors, reader->text, reader->size, path,
                              "expected the name of a listener in {fd:NAME}, found \"%.*s\"",
                              (int)n, at);
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    return total;
}

int config_check_unique(const struct config_reader *reader, const struct spec *spec)
{
    int total = 0;

    for (size_t i = 0; i < spec->listener_n; i++)
        if (config_is_fatal(&total, check_unique(reader, spec, i)))
            return total;
    return total;
}

int config_check_listeners(const struct spec *spec, const char *text, size_t size,
                           struct config_errors *errors)
{
    struct config_reader reader = {.text = text, .size = size, .errors = errors};
    int total = config_check_unique(&reader, spec);

    /* Without any, the listeners and their names come from the service manager. */
    if (spec->listener_n == 0 || spec->exec == NULL)
        return total;
    for (size_t i = 0; total >= 0 && spec->exec[i] != NULL; i++)
        if (config_is_fatal(&total, check_placeholders(&reader, spec, i)))
            break;
    return total;
}
