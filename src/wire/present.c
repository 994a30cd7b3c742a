#include "wire/present.h"

#include "base/error.h"
#include "wire/interface.h"
#include "wire/view_shape.h"

#include <string.h>

/* The description that varlink.org gives for its own interface, without its comments. */
static const char service_text[] =
    "interface org.varlink.service\n"
    "\n"
    "method GetInfo() -> (\n"
    "  vendor: string, product: string, version: string, url: string, interfaces: []string\n"
    ")\n"
    "\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n"
    "\n"
    "error InterfaceNotFound (interface: string)\n"
    "\n"
    "error MethodNotFound (method: string)\n"
    "\n"
    "error MethodNotImplemented (method: string)\n"
    "\n"
    "error InvalidParameter (parameter: string)\n"
    "\n"
    "error PermissionDenied ()\n"
    "\n"
    "error ExpectedMore ()\n";

/* A reply with these parameters, which are consumed; NULL: out of memory. */
static int reply_consume(json_t *parameters, bool continues, char **ret_message)
{
    _cleanup_json_ json_t *message = json_object();
    int r;

    if (!message) {
        json_decref(parameters);
        return -ENOMEM;
    }
    r = tree_set_consume(message, "parameters", parameters);
    if (r == 0 && continues)
        r = tree_set_consume(message, "continues", json_true());
    return r == 0 ? tree_write(message, ret_message) : r;
}

static int reply(const struct shape *shape, const void *view, bool continues,
                 char **ret_message)
{
    json_t *parameters = NULL;
    int r = shape_encode(shape, view, &parameters);

    return r == 0 ? reply_consume(parameters, continues, ret_message) : r;
}

int present_status(const struct app_view *app, char **ret_message)
{
    const struct status_view status = {.app = *app};

    return reply(&status_shape, &status, false, ret_message);
}

int present_progress(const struct progress_view *progress, bool continues, char **ret_message)
{
    return reply(&progress_shape, progress, continues, ret_message);
}

int present_scale(const struct scale_view *scale, char **ret_message)
{
    return reply(&scale_shape, scale, false, ret_message);
}

int present_logs(const struct logs_view *logs, bool continues, char **ret_message)
{
    return reply(&logs_shape, logs, continues, ret_message);
}

int present_history(const struct history_view *history, char **ret_message)
{
    return reply(&history_shape, history, false, ret_message);
}

int present_event(const char *record_line, bool continues, char **ret_message)
{
    _cleanup_json_ json_t *parameters = json_object();
    json_t *event = NULL;
    int r;

    if (!parameters)
        return -ENOMEM;
    r = tree_parse(record_line, strlen(record_line), &event, NULL);
    if (r == 0) {
        (void)json_object_del(event, "spec");
        r = tree_set_consume(parameters, "event", event);
    }
    if (r != 0)
        return r == 1 ? -EINVAL : r;
    return reply_consume(take_ptr(parameters), continues, ret_message);
}

int present_done(bool continues, char **ret_message)
{
    return reply_consume(json_object(), continues, ret_message);
}

int present_info(char **ret_message)
{
    static const char *const interfaces[] = {INTERFACE_SERVICE_NAME, INTERFACE_NAME};
    const struct info_view info = {
        .vendor = "reloadd",
        .product = "reloadd",
        .version = RELOADD_VERSION,
        .url = "",
        .interfaces = interfaces,
        .interface_n = sizeof(interfaces) / sizeof(interfaces[0]),
    };

    return reply(&info_shape, &info, false, ret_message);
}

int present_description(const char *interface, char **ret_message)
{
    struct description_view description = {0};

    if (strcmp(interface, INTERFACE_NAME) == 0)
        description.description = interface_text;
    else if (strcmp(interface, INTERFACE_SERVICE_NAME) == 0)
        description.description = service_text;
    else
        return present_error(&(const struct error_view){.kind = ERROR_INTERFACE_NOT_FOUND,
                                                        .interface = interface},
                             ret_message);
    return reply(&description_shape, &description, false, ret_message);
}

int present_error(const struct error_view *error, char **ret_message)
{
    const struct shape *shape = error_shape(error->kind);
    _cleanup_json_ json_t *message = json_object();
    json_t *parameters = NULL;
    int r;

    assert(error->kind != ERROR_NONE && error->kind != ERROR_UNKNOWN);
    if (!message)
        return -ENOMEM;
    r = tree_set_consume(message, "error", json_string(shape->name));
    if (r == 0)
        r = shape_encode(shape, error, &parameters);
    if (r == 0)
        r = tree_set_consume(message, "parameters", parameters);
    return r == 0 ? tree_write(message, ret_message) : r;
}

int present_refusal(const struct varlink_refusal *refusal, char **ret_message)
{
    const struct error_view error = {
        .kind = refusal->kind,
        .interface = refusal->subject,
        .method = refusal->subject,
        .parameter = refusal->subject,
    };

    return present_error(&error, ret_message);
}
