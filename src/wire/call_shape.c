#include "wire/call_shape.h"

static const char *conflict_of(uint32_t value)
{
    return conflict_name((enum conflict)value);
}

#define ENVELOPE(member) .name = #member, .offset = offsetof(struct call_envelope, member)

static const struct member envelope_members[] = {
    {ENVELOPE(method), .type = MEMBER_TEXT},
    {ENVELOPE(more), .type = MEMBER_BOOL, .optional = true},
    {ENVELOPE(oneway), .type = MEMBER_BOOL, .optional = true},
    {ENVELOPE(upgrade), .type = MEMBER_BOOL, .optional = true},
};

const struct shape envelope_shape = {
    .name = "call", SHAPE_MEMBERS(envelope_members), .size = sizeof(struct call_envelope)};

#define TAKES(member) .name = #member, .offset = offsetof(struct call_parameters, member)

static const struct member reload_members[] = {
    {TAKES(release), .type = MEMBER_TEXT, .optional = true},
    {TAKES(conflict), .type = MEMBER_ENUM, .max = CONFLICT_N - 1, .enum_name = conflict_of,
     .optional = true},
};

static const struct member follow_members[] = {
    {TAKES(revision), .type = MEMBER_U64},
};

static const struct member scale_members[] = {
    {TAKES(workers), .type = MEMBER_U32, .min = 1, .max = SLOT_MAX},
};

static const struct member stop_members[] = {
    {TAKES(hurry), .type = MEMBER_BOOL, .optional = true},
};

static const struct member logs_members[] = {
    {TAKES(lines), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {TAKES(slot), .type = MEMBER_OPTIONAL_INT, .optional = true},
    {.name = "revision",
     .offset = offsetof(struct call_parameters, only_revision),
     .type = MEMBER_OPTIONAL_INT,
     .optional = true},
    {TAKES(since), .type = MEMBER_OPTIONAL_FLOAT, .optional = true},
    {TAKES(follow), .type = MEMBER_BOOL, .optional = true},
};

static const struct member description_members[] = {
    {TAKES(interface), .type = MEMBER_TEXT},
};

#define WITH(table) SHAPE_MEMBERS(table), .size = sizeof(struct call_parameters)
#define WITHOUT     .size = sizeof(struct call_parameters)

static const struct shape method_shapes[METHOD_N] = {
    [METHOD_STATUS] = {.name = INTERFACE_NAME ".Status", WITHOUT},
    [METHOD_RELOAD] = {.name = INTERFACE_NAME ".Reload", WITH(reload_members)},
    [METHOD_FOLLOW] = {.name = INTERFACE_NAME ".Follow", WITH(follow_members)},
    [METHOD_SCALE] = {.name = INTERFACE_NAME ".Scale", WITH(scale_members)},
    [METHOD_STOP] = {.name = INTERFACE_NAME ".Stop", WITH(stop_members)},
    [METHOD_LOGS] = {.name = INTERFACE_NAME ".Logs", WITH(logs_members)},
    [METHOD_HISTORY] = {.name = INTERFACE_NAME ".History", WITHOUT},
    [METHOD_EVENTS] = {.name = INTERFACE_NAME ".Events", WITHOUT},
    [METHOD_UPGRADE] = {.name = INTERFACE_NAME ".Upgrade", WITHOUT},
    [METHOD_GET_INFO] = {.name = INTERFACE_SERVICE_NAME ".GetInfo", WITHOUT},
    [METHOD_GET_INTERFACE_DESCRIPTION] = {.name =
                                              INTERFACE_SERVICE_NAME ".GetInterfaceDescription",
                                          WITH(description_members)},
};

const struct shape *method_shape(enum method method)
{
    return &method_shapes[method];
}
