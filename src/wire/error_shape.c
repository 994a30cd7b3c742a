/* The errors of struct error_view, each with its name and its parameters. */
#include "wire/view_shape.h"

#define ONE(member)         .name = #member, .offset = offsetof(struct error_view, member)
#define MANY(member, count) ONE(member), .count_offset = offsetof(struct error_view, count)

static const struct member messages_members[] = {
    {MANY(messages, message_n), .type = MEMBER_TEXTS},
};

static const struct member text_lines_members[] = {
    {ONE(text), .type = MEMBER_TEXT},
    {MANY(lines, line_n), .type = MEMBER_TEXTS},
};

static const struct member revision_text_members[] = {
    {ONE(revision), .type = MEMBER_INT},
    {ONE(text), .type = MEMBER_TEXT},
};

static const struct member text_members[] = {
    {ONE(text), .type = MEMBER_TEXT},
};

static const struct member revision_members[] = {
    {ONE(revision), .type = MEMBER_INT},
};

static const struct member interface_members[] = {
    {ONE(interface), .type = MEMBER_TEXT},
};

static const struct member method_members[] = {
    {ONE(method), .type = MEMBER_TEXT},
};

static const struct member parameter_members[] = {
    {ONE(parameter), .type = MEMBER_TEXT},
};

#define WITH(table) SHAPE_MEMBERS(table), .size = sizeof(struct error_view)
#define WITHOUT     .size = sizeof(struct error_view)

static const struct shape error_shapes[ERROR_N] = {
    [ERROR_NONE] = {.name = "", WITHOUT},
    [ERROR_CONFIG_INVALID] = {.name = "io.reloadd.ConfigInvalid", WITH(messages_members)},
    [ERROR_CHECK_FAILED] = {.name = "io.reloadd.CheckFailed", WITH(text_lines_members)},
    [ERROR_BUSY] = {.name = "io.reloadd.Busy", WITH(revision_text_members)},
    [ERROR_STOPPING] = {.name = "io.reloadd.Stopping", WITHOUT},
    [ERROR_JOURNAL_FAILED] = {.name = "io.reloadd.JournalFailed", WITH(text_members)},
    [ERROR_NO_SUCH_REVISION] = {.name = "io.reloadd.NoSuchRevision", WITH(revision_members)},
    [ERROR_NOT_ALLOWED] = {.name = "io.reloadd.NotAllowed", WITH(text_members)},
    [ERROR_UPGRADE_REFUSED] = {.name = "io.reloadd.UpgradeRefused", WITH(text_members)},
    [ERROR_INTERFACE_NOT_FOUND] = {.name = "org.varlink.service.InterfaceNotFound",
                                   WITH(interface_members)},
    [ERROR_METHOD_NOT_FOUND] = {.name = "org.varlink.service.MethodNotFound",
                                WITH(method_members)},
    [ERROR_METHOD_NOT_IMPLEMENTED] = {.name = "org.varlink.service.MethodNotImplemented",
                                      WITH(method_members)},
    [ERROR_INVALID_PARAMETER] = {.name = "org.varlink.service.InvalidParameter",
                                 WITH(parameter_members)},
    [ERROR_EXPECTED_MORE] = {.name = "org.varlink.service.ExpectedMore", WITHOUT},
    [ERROR_UNKNOWN] = {.name = "", WITHOUT},
};

const struct shape *error_shape(enum error_kind kind)
{
    return &error_shapes[kind];
}

const char *error_kind_name(enum error_kind kind)
{
    return error_shapes[kind].name;
}
