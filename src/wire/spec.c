#include "wire/spec.h"

#include "base/error.h"
#include "wire/expect.h"
#include "wire/json.h"
#include "wire/names.h"
#include "wire/record_shape.h"
#include "wire/strings.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

enum {
    MODE_MOST = 07777,
};

static const char *const workers_names[] = {
    [WORKERS_COUNT] = "count",
    [WORKERS_MAX_OF_PROCESSORS] = "max",
    [WORKERS_MAX_OF_PROCESSORS_BUT_1] = "max-1",
};

static const char *const listener_type_names[LISTENER_TYPE_N] = {
    [LISTENER_TCP] = "tcp",
    [LISTENER_UNIX] = "unix",
};

/* A string or a vector of strings in a struct; left out of the JSON where it is NULL. */
struct text_member {
    const char *name;
    size_t offset;
    bool vector;
};

#define OF_SPEC(member)     #member, offsetof(struct spec, member)
#define OF_LISTENER(member) #member, offsetof(struct listener_spec, member)

static const struct text_member spec_members[] = {
    {OF_SPEC(left_out), true},
    {OF_SPEC(exec), true},
    {OF_SPEC(working_directory), false},
    {OF_SPEC(environment), true},
    {OF_SPEC(environment_file), false},
    {OF_SPEC(user), false},
    {OF_SPEC(group), false},
    {OF_SPEC(check), true},
    {OF_SPEC(release), false},
    {OF_SPEC(pinned_executable), false},
    {OF_SPEC(pinned_directory), false},
    {OF_SPEC(pinned_environment), true},
    {"rlimits", offsetof(struct spec, limits.rlimits), true},
};

/* Written with the numbers of `probe`, and where there is a probe alone. */
static const struct text_member probe_texts[] = {
    {"path", offsetof(struct spec, probe.path), false},
    {"expect", offsetof(struct spec, probe.expect), false},
    {"host", offsetof(struct spec, probe.host), false},
    {"listener", offsetof(struct spec, probe.listener), false},
};

static const struct text_member listener_members[] = {
    {OF_LISTENER(name), false},  {OF_LISTENER(address), false},
    {OF_LISTENER(host), false},  {OF_LISTENER(owner), false},
    {OF_LISTENER(group), false}, {OF_LISTENER(configured), false},
};

#define LIMIT(member, kind)                                                                    \
    {                                                                                          \
        .name = #member, .type = (kind), .optional = true,                                     \
        .offset = offsetof(struct limits, member), .max = UINT32_MAX                           \
    }

/* But for the rlimits, which stand beside them as `check` does. */
static const struct member limits_members[] = {
    LIMIT(memory_max, MEMBER_U64), LIMIT(memory_high, MEMBER_U64),
    LIMIT(cpu_weight, MEMBER_U32), LIMIT(cpu_percent, MEMBER_U32),
    LIMIT(tasks_max, MEMBER_U32),
};

static const struct shape limits_shape = {
    .name = "limits", SHAPE_MEMBERS(limits_members), .size = sizeof(struct limits)};

static const char *drain_wait_of(uint32_t value)
{
    return drain_wait_name((enum drain_wait)value);
}

/* What came later of the section `drain`. */
static const struct member drain_members[] = {
    {.name = "wait",
     .offset = offsetof(struct spec, drain_wait),
     .type = MEMBER_ENUM,
     .max = DRAIN_WAIT_N - 1,
     .enum_name = drain_wait_of},
    {.name = "idle_ns", .offset = offsetof(struct spec, drain_idle), .type = MEMBER_INSTANT},
};

static const struct shape drain_shape = {
    .name = "drain", SHAPE_MEMBERS(drain_members), .size = sizeof(struct spec)};
#define PROBE(member) .offset = offsetof(struct probe_spec, member)

static const struct member probe_members[] = {
    {.name = "interval_ns", PROBE(interval), .type = MEMBER_INSTANT},
    {.name = "timeout_ns", PROBE(timeout), .type = MEMBER_INSTANT},
    {.name = "failures", PROBE(failures), .type = MEMBER_U32, .min = 1, .max = UINT32_MAX},
    {.name = "liveness", PROBE(liveness), .type = MEMBER_BOOL},
};

static const struct shape probe_shape = {
    .name = "probe", SHAPE_MEMBERS(probe_members), .size = sizeof(struct probe_spec)};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void release_texts(const struct text_member *members, size_t n, void *from)
{
    for (size_t i = 0; i < n; i++) {
        void *at = (char *)from + members[i].offset;

        if (members[i].vector)
            strings_free(*(char ***)at);
        else
            free(*(char **)at);
    }
}

void listener_spec_release(struct listener_spec *listener)
{
    if (listener == NULL)
        return;
    release_texts(listener_members, LENGTH(listener_members), listener);
    *listener = (struct listener_spec){0};
}

const struct listener_spec *spec_probed_listener(const struct spec *spec)
{
    const char *name = spec->probe.listener;

    for (size_t i = 0; i < spec->listener_n; i++) {
        const struct listener_spec *listener = &spec->listeners[i];

        if (name != NULL ? strcmp(listener->name, name) == 0 : listener->type == LISTENER_TCP)
            return listener->type == LISTENER_TCP ? listener : NULL;
    }
    return NULL;
}

const char *spec_probe_path(const struct spec *spec)
{
    return spec->probe.path != NULL ? spec->probe.path : "/";
}

const char *spec_probe_expect(const struct spec *spec)
{
    return spec->probe.expect != NULL ? spec->probe.expect : "2xx";
}

void spec_release(struct spec *spec)
{
    if (spec == NULL)
        return;
    for (size_t i = 0; i < spec->listener_n; i++)
        listener_spec_release(&spec->listeners[i]);
    free(spec->listeners);
    release_texts(spec_members, LENGTH(spec_members), spec);
    release_texts(probe_texts, LENGTH(probe_texts), spec);
    *spec = (struct spec){0};
}

static json_t *encode_vector(char *const *vector)
{
    json_auto_t *array = json_array();

    for (; array != NULL && *vector != NULL; vector++)
        if (tree_append_consume(array, value_from_bytes(*vector)) < 0)
            return NULL;
    return take_ptr(array);
}

static int encode_texts(const struct text_member *members, size_t n, const void *from,
                        json_t *object)
{
    for (size_t i = 0; i < n; i++) {
        const void *at = (const char *)from + members[i].offset;
        char *const *text = at;
        char *const *const *vector = at;
        json_t *value;

        if (*text == NULL)
            continue;
        value = members[i].vector ? encode_vector(*vector) : value_from_bytes(*text);
        if (tree_set_consume(object, members[i].name, value) < 0)
            return -ENOMEM;
    }
    return 0;
}

static json_t *encode_listener(const struct listener_spec *listener)
{
    json_auto_t *object = json_object();

    if (object == NULL ||
        encode_texts(listener_members, LENGTH(listener_members), listener, object) < 0 ||
        tree_set_consume(object, "type", json_string(listener_type_names[listener->type])) <
            0 ||
        tree_set_consume(object, "port", json_integer(listener->port)) < 0 ||
        tree_set_consume(object, "mode", json_integer(listener->mode)) < 0 ||
        tree_set_consume(object, "backlog", json_integer(listener->backlog)) < 0)
        return NULL;
    /* As with encode_additions(): the text that it always had. */
    if (listener->polite_off && tree_set_consume(object, "polite", json_false()) < 0)
        return NULL;
    return take_ptr(object);
}

static json_t *encode_listeners(const struct spec *spec)
{
    json_auto_t *array = json_array();

    for (size_t i = 0; array != NULL && i < spec->listener_n; i++)
        if (tree_append_consume(array, encode_listener(&spec->listeners[i])) < 0)
            return NULL;
    return take_ptr(array);
}

static json_t *encode_dialects(uint32_t dialects)
{
    json_auto_t *array = json_array();

    for (unsigned i = 0; array != NULL && dialect_names[i] != NULL; i++)
        if ((dialects & (UINT32_C(1) << i)) != 0 &&
            tree_append_consume(array, json_string(dialect_names[i])) < 0)
            return NULL;
    return take_ptr(array);
}

/* The policy as in records, but for the workers, which a policy must have and a spec that is
 * not pinned yet may lack: they stand beside it. */
static json_t *encode_policy(const struct policy *policy)
{
    struct policy whole = *policy;
    json_t *object;

    whole.workers = 1;
    return shape_encode(&policy_shape, &whole, &object) == 0 ? object : NULL;
}

static json_t *encode_probe(const struct spec *spec)
{
    json_auto_t *object = NULL;

    if (shape_encode(&probe_shape, &spec->probe, &object) != 0 ||
        encode_texts(probe_texts, LENGTH(probe_texts), spec, object) < 0)
        return NULL;
    return take_ptr(object);
}

/* What was added to the spec after the first format is left out where nothing is said of it: a
 * spec that says nothing has the text that it always had, and goes on as the same revision. */
static int encode_additions(const struct spec *spec, json_t *object)
{
    json_auto_t *limits = NULL;
    int r = shape_encode(&limits_shape, &spec->limits, &limits);

    if (r == 0 && json_object_size(limits) > 0)
        r = tree_set_consume(object, "limits", take_ptr(limits));
    if (r == 0 && spec->harden)
        r = tree_set_consume(object, "harden", json_true());
    if (r == 0 && readiness_probes(spec->policy.readiness))
        r = tree_set_consume(object, "probe", encode_probe(spec));
    if (r == 0 && spec->dispatch != DISPATCH_AUTO)
        r = tree_set_consume(object, "dispatch", json_string(dispatch_names[spec->dispatch]));
    if (r == 0 && spec->drain_polite_off)
        r = tree_set_consume(object, "polite", json_false());
    if (r == 0 && (spec->drain_wait != DRAIN_WAIT_AUTO ||
                   spec->drain_idle.nanoseconds != DRAIN_IDLE_DEFAULT.nanoseconds)) {
        json_t *drain = NULL;

        r = shape_encode(&drain_shape, spec, &drain);
        if (r == 0)
            r = tree_set_consume(object, "drain", drain);
    }
    if (r == 0 && spec->delivery != DELIVERY_INHERIT)
        r = tree_set_consume(object, "delivery", json_string(delivery_name(spec->delivery)));
    if (r == 0 && spec->discovers)
        r = tree_set_consume(object, "discovers", json_true());
    return r;
}

int spec_encode(const struct spec *spec, char **ret_text)
{
    json_auto_t *object = json_object();

    if (object == NULL || encode_texts(spec_members, LENGTH(spec_members), spec, object) < 0 ||
        tree_set_consume(object, "listeners", encode_listeners(spec)) < 0 ||
        tree_set_consume(object, "workers_type",
                         json_string(workers_names[spec->workers_type])) < 0 ||
        tree_set_consume(object, "workers", json_integer(spec->policy.workers)) < 0 ||
        tree_set_consume(object, "dialects", encode_dialects(spec->dialects)) < 0 ||
        tree_set_consume(object, "drain_signal", json_integer(spec->drain_signal)) < 0 ||
        tree_set_consume(object, "drain_detach", json_boolean(spec->drain_detach)) < 0 ||
        tree_set_consume(object, "policy", encode_policy(&spec->policy)) < 0 ||
        encode_additions(spec, object) < 0)
        return -ENOMEM;
    return tree_write(object, ret_text);
}

static int decode_vector(const json_t *array, char ***ret_vector)
{
    size_t n = json_array_size(array);
    _cleanup_strings_ char **vector = NULL;

    if (!json_is_array(array))
        return 1;
    vector = calloc(n + 1, sizeof(*vector));
    if (vector == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        int r = value_to_bytes(json_array_get(array, i), &vector[i]);

        if (r != 0)
            return r;
    }
    *ret_vector = take_ptr(vector);
    return 0;
}

static int decode_texts(const struct text_member *members, size_t n, const json_t *object,
                        void *into)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(object, members[i].name);
        void *at = (char *)into + members[i].offset;
        int r = 0;

        if (value != NULL)
            r = members[i].vector ? decode_vector(value, at) : value_to_bytes(value, at);
        if (r != 0)
            return r;
    }
    return 0;
}

/* Returns 0, or 1 where there is no integer from `least` to `most`. */
MUST_CHECK static int decode_integer(const json_t *object, const char *name, json_int_t least,
                                     json_int_t most, json_int_t *ret_number)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return 1;
    *ret_number = json_integer_value(value);
    return 0;
}

/* The index of a name among `n`; `n` where it is none of them. */
static size_t decode_name(const json_t *object, const char *member, const char *const *names,
                          size_t n)
{
    const char *name = json_string_value(json_object_get(object, member));
    size_t i = 0;

    while (i < n && (name == NULL || strcmp(names[i], name) != 0))
        i++;
    return i;
}

static int decode_listener(const json_t *object, struct listener_spec *listener)
{
    size_t type = decode_name(object, "type", listener_type_names, LISTENER_TYPE_N);
    json_int_t port, mode, backlog;
    int r = decode_texts(listener_members, LENGTH(listener_members), object, listener);

    if (r != 0)
        return r;
    if (type == LISTENER_TYPE_N || listener->name == NULL || *listener->name == '\0' ||
        listener->address == NULL || (type == LISTENER_TCP && listener->host == NULL) ||
        decode_integer(object, "port", 0, UINT16_MAX, &port) != 0 ||
        decode_integer(object, "mode", 0, MODE_MOST, &mode) != 0 ||
        decode_integer(object, "backlog", 0, INT_MAX, &backlog) != 0)
        return 1;
    listener->type = (enum listener_type)type;
    listener->port = (uint16_t)port;
    listener->mode = (mode_t)mode;
    listener->backlog = (int)backlog;
    listener->polite_off = json_is_false(json_object_get(object, "polite"));
    return 0;
}

static int decode_listeners(const json_t *array, struct spec *spec)
{
    size_t n = json_array_size(array);

    if (!json_is_array(array))
        return 1;
    if (n == 0)
        return 0;
    spec->listeners = calloc(n, sizeof(*spec->listeners));
    if (spec->listeners == NULL)
        return -ENOMEM;
    spec->listener_n = n;
    for (size_t i = 0; i < n; i++) {
        int r = decode_listener(json_array_get(array, i), &spec->listeners[i]);

        if (r != 0)
            return r;
    }
    return 0;
}

static int decode_dialects(const json_t *array, uint32_t *ret_dialects)
{
    uint32_t dialects = 0;

    if (!json_is_array(array))
        return 1;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *name = json_string_value(json_array_get(array, i));
        uint32_t dialect = name != NULL ? dialect_from_name(name) : 0;

        if (dialect == 0)
            return 1;
        dialects |= dialect;
    }
    *ret_dialects = dialects;
    return 0;
}

/* For shapes without texts and arrays: nothing of the arena outlives the call. */
static int decode_numbers(const struct shape *shape, const json_t *object, void *into)
{
    struct arena arena = {0};
    const struct member *wrong;
    int r;

    if (!json_is_object(object))
        return 1;
    r = shape_decode(shape, object, &arena, into, &wrong);
    arena_release(&arena);
    return r;
}

static int decode_probe(const json_t *object, struct spec *spec)
{
    int r = decode_numbers(&probe_shape, object, &spec->probe);

    if (r == 0)
        r = decode_texts(probe_texts, LENGTH(probe_texts), object, spec);
    if (r == 0 && spec->probe.expect != NULL && !expect_is_valid(spec->probe.expect))
        r = 1;
    return r;
}

static int decode_additions(const json_t *object, struct spec *spec)
{
    const json_t *limits = json_object_get(object, "limits");
    const json_t *harden = json_object_get(object, "harden");
    const json_t *drain = json_object_get(object, "drain");
    const json_t *polite = json_object_get(object, "polite");
    const json_t *discovers = json_object_get(object, "discovers");
    const json_t *delivery = json_object_get(object, "delivery");
    const char *name = json_string_value(delivery);
    int r = 0;

    if ((harden != NULL && !json_is_boolean(harden)) ||
        (polite != NULL && !json_is_boolean(polite)) ||
        (discovers != NULL && !json_is_boolean(discovers)) ||
        (delivery != NULL && (name == NULL || delivery_from_name(name) == DELIVERY_N)))
        return 1;
    spec->drain_polite_off = json_is_false(polite);
    spec->harden = json_is_true(harden);
    spec->discovers = json_is_true(discovers);
    spec->delivery = name != NULL ? delivery_from_name(name) : DELIVERY_INHERIT;
    if (json_object_get(object, "dispatch") != NULL) {
        size_t dispatch = decode_name(object, "dispatch", dispatch_names, DISPATCH_N);

        if (dispatch == DISPATCH_N)
            return 1;
        spec->dispatch = (enum dispatch)dispatch;
    }
    spec->drain_idle = DRAIN_IDLE_DEFAULT;
    if (drain != NULL)
        r = decode_numbers(&drain_shape, drain, spec);
    if (r == 0 && limits != NULL)
        r = decode_numbers(&limits_shape, limits, &spec->limits);
    if (r == 0 && readiness_probes(spec->policy.readiness))
        r = decode_probe(json_object_get(object, "probe"), spec);
    return r;
}

static int decode_spec(const json_t *object, struct spec *spec)
{
    size_t type = decode_name(object, "workers_type", workers_names, LENGTH(workers_names));
    const json_t *detach = json_object_get(object, "drain_detach");
    json_int_t workers, drain_signal;
    int r = decode_texts(spec_members, LENGTH(spec_members), object, spec);

    if (r == 0)
        r = decode_listeners(json_object_get(object, "listeners"), spec);
    if (r == 0)
        r = decode_dialects(json_object_get(object, "dialects"), &spec->dialects);
    if (r == 0)
        r = decode_numbers(&policy_shape, json_object_get(object, "policy"), &spec->policy);
    if (r == 0)
        r = decode_additions(object, spec);
    if (r != 0)
        return r;
    if (type == LENGTH(workers_names) || spec->exec == NULL || spec->exec[0] == NULL ||
        decode_integer(object, "workers", type == WORKERS_COUNT ? 1 : 0, SLOT_MAX, &workers) !=
            0 ||
        decode_integer(object, "drain_signal", 1, SIGRTMAX, &drain_signal) != 0 ||
        !json_is_boolean(detach))
        return 1;
    spec->workers_type = (enum workers_type)type;
    spec->policy.workers = (uint32_t)workers;
    spec->drain_signal = (int)drain_signal;
    spec->drain_detach = json_is_true(detach);
    return 0;
}

int spec_decode(const char *text, size_t size, struct spec *ret_spec)
{
    json_auto_t *object = NULL;
    json_error_t error;
    struct spec spec = {0};
    int r = value_parse(text, size, JSON_REJECT_DUPLICATES, &object, &error);

    if (r == 0)
        r = decode_spec(object, &spec);
    if (r == 0)
        *ret_spec = spec;
    else
        spec_release(&spec);
    return r;
}
