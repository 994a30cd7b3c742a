#include "wire/config_check.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* One number that must keep a distance to another. */
struct relation {
    bool wrong;
    const char *path;
    const char *than_path;
    const char *expected;
    struct span than;
    struct span found;
};

static bool is_known(const struct config_reader *reader, const char *path)
{
    return !config_errors_doubt(reader->errors, path);
}

static int check_relation(const struct config_reader *reader, const struct relation *relation)
{
    int r;

    if (!relation->wrong || !is_known(reader, relation->path) ||
        !is_known(reader, relation->than_path))
        return 0;
    r = config_errors_add(reader->errors, reader->text, reader->size, relation->path,
                          "expected %s %s (%g), found %g", relation->expected,
                          relation->than_path + strlen("$."), span_to_seconds(relation->than),
                          span_to_seconds(relation->found));
    return r < 0 ? r : 1;
}

/* A rollout must be able to move. */
static int check_shares(const struct config_reader *reader, const struct policy *policy)
{
    static const char surge[] = "$.rollout.max_surge";
    int r;

    if (policy->max_surge.value != 0 || policy->max_unavailable.value != 0 ||
        !is_known(reader, surge) || !is_known(reader, "$.rollout.max_unavailable"))
        return 0;
    r = config_errors_add(reader->errors, reader->text, reader->size, surge,
                          "expected more than 0 here or in max_unavailable, or no rollout "
                          "could ever move, found 0 in both");
    return r < 0 ? r : 1;
}

/* What the kernel would end or slow down before, never comes to pass. */
static int check_memory(const struct config_reader *reader, const char *path, uint64_t bytes,
                        uint64_t most)
{
    static const char limit[] = "$.limits.memory_max";
    int r;

    if (bytes == 0 || most == 0 || bytes < most || !is_known(reader, path) ||
        !is_known(reader, limit))
        return 0;
    r = config_errors_add(reader->errors, reader->text, reader->size, path,
                          "expected less than limits.memory_max (%llu), found %llu",
                          (unsigned long long)most, (unsigned long long)bytes);
    return r < 0 ? r : 1;
}

int config_check_relations(const struct config_reader *reader, const struct spec *spec)
{
    const struct policy *policy = &spec->policy;
    const struct relation relations[] = {
        {policy->progress_deadline.nanoseconds <= policy->min_ready.nanoseconds,
         "$.rollout.progress_deadline_seconds", "$.rollout.min_ready_seconds", "more than",
         policy->min_ready, policy->progress_deadline},
        {policy->restart_max.nanoseconds < policy->restart_initial.nanoseconds,
         "$.restart.max_delay_seconds", "$.restart.initial_delay_seconds", "at least",
         policy->restart_initial, policy->restart_max},
        {policy->readiness == READINESS_DELAY && is_known(reader, "$.readiness.type") &&
             policy->readiness_timeout.nanoseconds <= policy->readiness_delay.nanoseconds,
         "$.readiness.timeout_seconds", "$.readiness.delay_seconds", "more than",
         policy->readiness_delay, policy->readiness_timeout},
    };
    int total = 0;

    for (size_t i = 0; i < sizeof(relations) / sizeof(relations[0]); i++)
        if (config_is_fatal(&total, check_relation(reader, &relations[i])))
            return total;
    if (config_is_fatal(&total, check_shares(reader, policy)) ||
        config_is_fatal(&total,
                        check_memory(reader, "$.limits.memory_high", spec->limits.memory_high,
                                     spec->limits.memory_max)))
        return total;
    (void)config_is_fatal(&total,
                          check_memory(reader, "$.recycle.memory_bytes", policy->recycle_memory,
                                       spec->limits.memory_max));
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
        r = config_errors_add(reader->errors, reader->text, reader->size,
                              reader->flag != NULL ? reader->flag : path,
                              "expected %s of its own, found %s of listen[%zu] again",
                              *what == 'a' ? "an address" : "a name",
                              *what == 'a' ? b->address : b->name, j);
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

static bool is_listener(const struct spec *spec, const char *name, size_t n)
{
    for (size_t i = 0; i < spec->listener_n; i++)
        if (strlen(spec->listeners[i].name) == n &&
            strncmp(spec->listeners[i].name, name, n) == 0)
            return true;
    return false;
}

/* Whether the names of all listeners are there, and as they were meant. */
static bool names_are_known(const struct spec *spec, const struct config_origin *origin,
                            const struct config_errors *errors)
{
    char path[64];

    if (origin->listen != NULL)
        return !config_errors_has(errors, origin->listen);
    if (config_errors_has(errors, "$.listen"))
        return false;
    for (size_t i = 0; i < spec->listener_n; i++) {
        (void)snprintf(path, sizeof(path), "$.listen[%zu].name", i);
        if (spec->listeners[i].name == NULL || config_errors_has(errors, path))
            return false;
    }
    return true;
}

/* A number of a descriptor that is not passed on. */
static int refuse_argument(size_t i, const struct config_origin *origin,
                           struct config_errors *errors)
{
    char path[64];
    int r;

    (void)snprintf(path, sizeof(path), "$.exec[%zu]", i);
    r = config_errors_add(
        errors, origin->exec != NULL ? NULL : origin->text, origin->size,
        origin->exec != NULL ? origin->exec : path,
        "expected no {fd:NAME} with delivery.type \"capture\", which passes no "
        "descriptors on (\"auto\" does)");
    return r < 0 ? r : 1;
}

/* Whether each {fd:NAME} of one argument has its listener. */
static int check_argument(const struct spec *spec, size_t i, const struct config_origin *origin,
                          struct config_errors *errors)
{
    const char *at = spec->exec[i];
    char path[64];
    int total = 0;

    (void)snprintf(path, sizeof(path), "$.exec[%zu]", i);
    while ((at = strstr(at, "{fd:")) != NULL) {
        size_t n = strcspn(at += strlen("{fd:"), "}");
        _cleanup_text_ struct text name = {0};
        int r;

        if (at[n] == '\0' || is_listener(spec, at, n))
            continue;
        r = text_append_visible(&name, at, n);
        if (r == 0)
            r = config_errors_add(errors, origin->exec != NULL ? NULL : origin->text,
                                  origin->size, origin->exec != NULL ? origin->exec : path,
                                  "expected the name of a listener in {fd:NAME}, found \"%s\"",
                                  text_string(&name));
        if (config_is_fatal(&total, r < 0 ? r : 1))
            return r;
    }
    return total;
}

int config_check_placeholders(const struct spec *spec, const struct config_origin *origin,
                              struct config_errors *errors)
{
    int total = 0;

    for (size_t i = 0; spec->delivery == DELIVERY_CAPTURE && spec->exec && spec->exec[i]; i++)
        if (strstr(spec->exec[i], "{fd:") != NULL)
            return refuse_argument(i, origin, errors);
    /* Without any, the listeners and their names come from the service manager. */
    if (spec->listener_n == 0 || spec->exec == NULL || !names_are_known(spec, origin, errors))
        return 0;
    for (size_t i = 0; spec->exec[i] != NULL; i++)
        if (config_is_fatal(&total, check_argument(spec, i, origin, errors)))
            break;
    return total;
}

/* What only some types of readiness look at. */
static int check_probe_keys(const struct spec *spec, const struct config_origin *origin,
                            struct config_errors *errors)
{
    const struct probe_spec *probe = &spec->probe;
    bool http = spec->policy.readiness == READINESS_HTTP;
    bool probes = readiness_probes(spec->policy.readiness);
    const struct {
        bool wrong;
        const char *path;
        const char *types;
    } rows[] = {
        {probe->path != NULL && !http, "$.readiness.path", "\"http\""},
        {probe->host != NULL && !http, "$.readiness.host", "\"http\""},
        {probe->expect != NULL && !http, "$.readiness.expect", "\"http\""},
        {probe->listener != NULL && !probes, "$.readiness.listener", "\"http\" or \"tcp\""},
        {probe->liveness && !probes, "$.readiness.liveness", "\"http\" or \"tcp\""},
    };
    int total = 0;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int r = 0;

        if (rows[i].wrong)
            r = config_errors_add_key(errors, origin->text, origin->size, rows[i].path, NULL,
                                      "expected readiness.type to be %s beside this key, found "
                                      "\"%s\"",
                                      rows[i].types, readiness_name(spec->policy.readiness));
        if (config_is_fatal(&total, r < 0 ? r : rows[i].wrong))
            return total;
    }
    return total;
}

/* All workers accept from one queue then, and nobody can be asked alone. */
static int check_probe_dispatch(const struct spec *spec, const struct config_origin *origin,
                                struct config_errors *errors)
{
    int r;

    if (!readiness_probes(spec->policy.readiness) || spec->dispatch != DISPATCH_SHARED ||
        config_errors_doubt(errors, "$.dispatch.type"))
        return 0;
    r = config_errors_add(errors, origin->text, origin->size, "$.readiness.type",
                          "expected \"auto\", \"notify\" or \"delay\" where dispatch.type is "
                          "\"shared\", found \"%s\"",
                          readiness_name(spec->policy.readiness));
    return r < 0 ? r : 1;
}

int config_check_probe(const struct spec *spec, const struct config_origin *origin,
                       struct config_errors *errors)
{
    const char *name = spec->probe.listener;
    int total = 0;
    int r;

    if (config_errors_doubt(errors, "$.readiness.type") ||
        config_is_fatal(&total, check_probe_keys(spec, origin, errors)) ||
        config_is_fatal(&total, check_probe_dispatch(spec, origin, errors)) ||
        !readiness_probes(spec->policy.readiness) || spec->listener_n == 0 ||
        config_errors_doubt(errors, "$.readiness.listener") ||
        !names_are_known(spec, origin, errors) || spec_probed_listener(spec) != NULL)
        return total;
    if (name != NULL)
        r = config_errors_add(errors, origin->text, origin->size, "$.readiness.listener",
                              "expected the name of a TCP listener to ask workers over, found "
                              "\"%s\"",
                              name);
    else
        r = config_errors_add(errors, origin->text, origin->size, "$.readiness.type",
                              "expected a TCP listener to ask workers over, found none");
    return r < 0 ? r : 1;
}

int config_check_flags(const struct spec *spec, const struct config_origin *origin,
                       struct config_errors *errors)
{
    const struct config_reader reader = {.flag = origin->listen, .errors = errors};
    int total = 0;

    if (origin->listen != NULL && config_is_fatal(&total, config_check_unique(&reader, spec)))
        return total;
    if (origin->listen != NULL || origin->exec != NULL)
        (void)config_is_fatal(&total, config_check_placeholders(spec, origin, errors));
    if (total >= 0 && origin->listen != NULL)
        (void)config_is_fatal(&total, config_check_probe(spec, origin, errors));
    return total;
}
