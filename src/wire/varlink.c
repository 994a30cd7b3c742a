#include "wire/varlink.h"

#include "base/error.h"
#include "wire/call_shape.h"

#include <stdio.h>
#include <string.h>

void varlink_call_release(struct varlink_call *call)
{
    if (!call)
        return;
    free(call->release);
    free(call->interface);
    *call = (struct varlink_call){0};
}

const char *method_name(enum method method)
{
    return method_shape(method)->name;
}

int varlink_call_encode(const struct varlink_call *call, char **ret_text)
{
    struct call_parameters parameters = {
        .release = call->release,
        .conflict = call->conflict,
        .revision = call->revision,
        .workers = call->workers,
        .hurry = call->hurry,
        .lines = call->lines,
        .slot = call->slot,
        .only_revision = call->only_revision,
        .since = call->since,
        .follow = call->follow,
        .interface = call->interface,
    };
    struct call_envelope envelope = {
        .method = method_name(call->method), .more = call->more, .oneway = call->oneway};
    _cleanup_json_ json_t *object = NULL;
    json_t *members = NULL;
    int r = shape_encode(&envelope_shape, &envelope, &object);

    if (r == 0)
        r = shape_encode(method_shape(call->method), &parameters, &members);
    if (r == 0)
        r = tree_set_consume(object, "parameters", members);
    return r == 0 ? tree_write(object, ret_text) : r;
}

static int refuse(struct varlink_refusal *ret_refusal, enum error_kind kind,
                  const char *subject)
{
    ret_refusal->kind = kind;
    (void)snprintf(ret_refusal->subject, sizeof(ret_refusal->subject), "%s", subject);
    return VARLINK_REFUSED;
}

/* The envelope: what every call has. */
static int decode_envelope(const json_t *object, struct call_envelope *ret_envelope,
                           struct fault *ret_fault)
{
    const json_t *parameters = json_object_get(object, "parameters");
    const char *stranger = shape_stranger(&envelope_shape, object);
    struct arena arena = {0}; /* an envelope has no arrays: stays empty */
    const struct member *wrong = NULL;
    int r;

    /* "parameters" is looked at by the method's own shape. */
    if (stranger && strcmp(stranger, "parameters") != 0) {
        fault_say(ret_fault, "no Varlink call: \"%.40s\" is not known", stranger);
        return VARLINK_GARBAGE;
    }
    if (parameters && !json_is_object(parameters) && !json_is_null(parameters)) {
        fault_say(ret_fault, "no Varlink call: \"parameters\" is no object");
        return VARLINK_GARBAGE;
    }
    r = shape_decode(&envelope_shape, object, &arena, ret_envelope, &wrong);
    if (r != 1)
        return r;
    shape_explain(wrong, ret_fault);
    return VARLINK_GARBAGE;
}

static int decode_method(const char *name, enum method *ret_method,
                         struct varlink_refusal *ret_refusal)
{
    const char *dot = strrchr(name, '.');
    size_t size = dot ? (size_t)(dot - name) : 0;
    char interface[64];

    for (enum method method = 0; method < METHOD_N; method++)
        if (strcmp(name, method_name(method)) == 0) {
            *ret_method = method;
            return 0;
        }
    if ((size == strlen(INTERFACE_NAME) && memcmp(name, INTERFACE_NAME, size) == 0) ||
        (size == strlen(INTERFACE_SERVICE_NAME) &&
         memcmp(name, INTERFACE_SERVICE_NAME, size) == 0))
        return refuse(ret_refusal, ERROR_METHOD_NOT_FOUND, name);
    (void)snprintf(interface, sizeof(interface), "%.*s", (int)(size < 63 ? size : 63), name);
    return refuse(ret_refusal, ERROR_INTERFACE_NOT_FOUND, interface);
}

/* The parameters that their types alone don't judge; NULL: all are right. */
static const char *out_of_range(const struct call_parameters *parameters)
{
    if (parameters->slot.present &&
        (parameters->slot.value < 0 || parameters->slot.value >= SLOT_MAX))
        return "slot";
    if (parameters->lines.present &&
        (parameters->lines.value < 0 || parameters->lines.value > LOG_LINES_MAX))
        return "lines";
    return NULL;
}

static int decode_parameters(enum method method, const json_t *object,
                             struct call_parameters *ret_parameters,
                             struct varlink_refusal *ret_refusal)
{
    _cleanup_json_ json_t *empty = json_object();
    const struct shape *shape = method_shape(method);
    struct arena arena = {0}; /* no method takes arrays: stays empty */
    const struct member *wrong = NULL;
    const char *name;
    int r;

    if (!empty)
        return -ENOMEM;
    if (!object || json_is_null(object))
        object = empty;
    name = shape_stranger(shape, object);
    if (name)
        return refuse(ret_refusal, ERROR_INVALID_PARAMETER, name);
    r = shape_decode(shape, object, &arena, ret_parameters, &wrong);
    if (r == 1)
        return refuse(ret_refusal, ERROR_INVALID_PARAMETER, wrong->name);
    if (r < 0)
        return r;
    name = out_of_range(ret_parameters);
    return name ? refuse(ret_refusal, ERROR_INVALID_PARAMETER, name) : 0;
}

/* The call that the borrowed parts make, with what it owns copied. */
static int compose(enum method method, const struct call_envelope *envelope,
                   const struct call_parameters *parameters, struct varlink_call *ret_call)
{
    _cleanup_(varlink_call_release) struct varlink_call call = {
        .method = method,
        .more = envelope->more,
        .oneway = envelope->oneway,
        .conflict = parameters->conflict,
        .revision = parameters->revision,
        .workers = parameters->workers,
        .hurry = parameters->hurry,
        .lines =
            parameters->lines.present ? parameters->lines : optional_int(LOG_LINES_DEFAULT),
        .slot = parameters->slot,
        .only_revision = parameters->only_revision,
        .since = parameters->since,
        .follow = parameters->follow,
    };

    if (parameters->release) {
        call.release = strdup(parameters->release);
        if (!call.release)
            return -ENOMEM;
    }
    if (parameters->interface) {
        call.interface = strdup(parameters->interface);
        if (!call.interface)
            return -ENOMEM;
    }
    *ret_call = call;
    call = (struct varlink_call){0};
    return 0;
}

/* A stream that nobody listens to makes no sense. */
static bool wants_more(enum method method, const struct call_parameters *parameters)
{
    return method == METHOD_EVENTS || (method == METHOD_LOGS && parameters->follow);
}

int varlink_call_decode(const char *text, size_t size, struct varlink_call *ret_call,
                        struct varlink_refusal *ret_refusal, struct fault *ret_fault)
{
    _cleanup_json_ json_t *object = NULL;
    struct call_envelope envelope = {0};
    struct call_parameters parameters = {0};
    enum method method;
    int r = tree_parse(text, size, &object, ret_fault);

    if (r != 0)
        return r == 1 ? VARLINK_GARBAGE : r;
    r = decode_envelope(object, &envelope, ret_fault);
    if (r != 0)
        return r;
    *ret_call = (struct varlink_call){.oneway = envelope.oneway};
    r = decode_method(envelope.method, &method, ret_refusal);
    if (r == 0 && envelope.upgrade)
        r = refuse(ret_refusal, ERROR_METHOD_NOT_IMPLEMENTED, envelope.method);
    if (r == 0)
        r = decode_parameters(method, json_object_get(object, "parameters"), &parameters,
                              ret_refusal);
    if (r == 0 && wants_more(method, &parameters) && !envelope.more)
        r = refuse(ret_refusal, ERROR_EXPECTED_MORE, "");
    return r == 0 ? compose(method, &envelope, &parameters, ret_call) : r;
}
