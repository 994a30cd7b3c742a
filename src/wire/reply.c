#include "wire/reply.h"

#include "base/error.h"
#include "wire/view_shape.h"

#include <string.h>

struct reply {
    json_t *message;
    json_t *parameters; /* borrowed from message, or empty and owned by it all the same */
    struct arena arena;
    struct error_view error;
};

static const char *const known_members[] = {"parameters", "error", "continues"};

static bool is_known(const char *key)
{
    for (size_t i = 0; i < sizeof(known_members) / sizeof(known_members[0]); i++)
        if (strcmp(known_members[i], key) == 0)
            return true;
    return false;
}

/* Fills reply->error, where there is one. */
static int decode_error(struct reply *reply)
{
    const char *name = json_string_value(json_object_get(reply->message, "error"));
    const struct member *wrong = NULL;
    struct error_view error = {.kind = ERROR_UNKNOWN, .name = name};
    int r;

    if (!name)
        return 0;
    reply->error = error;
    for (enum error_kind kind = ERROR_NONE + 1; kind < ERROR_UNKNOWN; kind++) {
        if (strcmp(error_kind_name(kind), name) != 0)
            continue;
        r = shape_decode(error_shape(kind), reply->parameters, &reply->arena, &error, &wrong);
        if (r < 0)
            return r;
        error.kind = kind;
        if (r == 0)
            reply->error = error;
    }
    return 0;
}

/* What every reply has, in reply->message. Returns 0, -ENOMEM or 1. */
static int decode_envelope(struct reply *reply, struct fault *ret_fault)
{
    const json_t *error = json_object_get(reply->message, "error");
    const json_t *continues = json_object_get(reply->message, "continues");
    const char *key;
    const json_t *value;

    json_object_foreach(reply->message, key, value)
    {
        if (!is_known(key)) {
            fault_say(ret_fault, "no Varlink reply: \"%.40s\" is not known", key);
            return 1;
        }
    }
    if ((error && !json_is_string(error)) || (continues && !json_is_boolean(continues))) {
        fault_say(ret_fault, "no Varlink reply: \"error\" or \"continues\" is wrong");
        return 1;
    }
    reply->parameters = json_object_get(reply->message, "parameters");
    if (!reply->parameters) {
        reply->parameters = json_object();
        if (tree_set_consume(reply->message, "parameters", reply->parameters) < 0)
            return -ENOMEM;
    }
    if (!json_is_object(reply->parameters)) {
        fault_say(ret_fault, "no Varlink reply: \"parameters\" is no object");
        return 1;
    }
    return decode_error(reply);
}

int reply_decode(const char *text, size_t size, struct reply **ret_reply,
                 struct fault *ret_fault)
{
    _cleanup_reply_ struct reply *reply = calloc(1, sizeof(*reply));
    int r;

    if (!reply)
        return -ENOMEM;
    r = tree_parse(text, size, &reply->message, ret_fault);
    if (r == 0)
        r = decode_envelope(reply, ret_fault);
    if (r == 0)
        *ret_reply = take_ptr(reply);
    return r;
}

void reply_free(struct reply *reply)
{
    if (!reply)
        return;
    json_decref(reply->message);
    arena_release(&reply->arena);
    free(reply);
}

bool reply_continues(const struct reply *reply)
{
    return json_is_true(json_object_get(reply->message, "continues"));
}

bool reply_error(const struct reply *reply, struct error_view *ret_error)
{
    if (reply->error.kind == ERROR_NONE)
        return false;
    *ret_error = reply->error;
    return true;
}

/* `view` is zeroed memory of the shape's size. */
static int decode_view(struct reply *reply, const struct shape *shape, void *view,
                       struct fault *ret_fault)
{
    const struct member *wrong = NULL;
    int r;

    if (reply->error.kind != ERROR_NONE) {
        fault_say(ret_fault, "the reply is the error %.80s", reply->error.name);
        return 1;
    }
    r = shape_decode(shape, reply->parameters, &reply->arena, view, &wrong);
    if (r == 1)
        shape_explain(wrong, ret_fault);
    return r;
}

int reply_app(struct reply *reply, struct app_view *ret_app, struct fault *ret_fault)
{
    struct status_view status = {0};
    int r = decode_view(reply, &status_shape, &status, ret_fault);

    if (r == 0)
        *ret_app = status.app;
    return r;
}

/* The other views are the parameters themselves. */
#define REPLY_VIEW(noun)                                                                       \
    int reply_##noun(struct reply *reply, struct noun##_view *ret, struct fault *ret_fault)    \
    {                                                                                          \
        struct noun##_view view = {0};                                                         \
        int r = decode_view(reply, &noun##_shape, &view, ret_fault);                           \
                                                                                               \
        if (r == 0)                                                                            \
            *ret = view;                                                                       \
        return r;                                                                              \
    }

REPLY_VIEW(progress)
REPLY_VIEW(scale)
REPLY_VIEW(logs)
REPLY_VIEW(history)
REPLY_VIEW(info)
REPLY_VIEW(description)

int reply_text(const struct reply *reply, const char *member, unsigned indent, char **ret_text)
{
    const json_t *value =
        member ? json_object_get(reply->parameters, member) : reply->parameters;

    return value ? tree_write_indented(value, indent, ret_text) : 1;
}
