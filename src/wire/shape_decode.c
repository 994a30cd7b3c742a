#include "wire/shape.h"

#include "base/error.h"
#include "core/policy.h"
#include "wire/optional.h"
#include "wire/wall.h"

#include <string.h>

/* As in shape.c: the one cast that believes the table. */
#define AT(type, base) (*(type *)(base))

static void put_pointer(char *at, const void *pointer)
{
    memcpy(at, &pointer, sizeof(pointer));
}

static bool is_counted(enum member_type type)
{
    return type == MEMBER_TEXTS || type == MEMBER_INTS || type == MEMBER_OBJECTS;
}

/* All decode_…() of one value return 0, or 1 where the value is not of this kind. */

static int decode_integer(const json_t *value, int64_t min, int64_t max, int64_t *ret)
{
    int64_t integer = json_integer_value(value);

    if (!json_is_integer(value) || integer < min || integer > max)
        return 1;
    *ret = integer;
    return 0;
}

static int decode_float(const json_t *value, double *ret)
{
    if (!json_is_number(value))
        return 1;
    *ret = json_number_value(value);
    return 0;
}

static int decode_instant(const json_t *value, uint64_t *ret)
{
    if (json_is_null(value)) {
        *ret = UINT64_MAX;
        return 0;
    }
    /* Never has one spelling. */
    return tree_to_number(value, ret) == 0 && *ret != UINT64_MAX ? 0 : 1;
}

static int decode_enum(const struct member *member, const json_t *value, uint32_t *ret)
{
    const char *name = json_string_value(value);

    for (uint32_t i = 0; name && i <= member->max; i++)
        if (strcmp(member->enum_name(i), name) == 0) {
            *ret = i;
            return 0;
        }
    return 1;
}

static int decode_share(const json_t *value, struct share *ret)
{
    const char *text = json_string_value(value);
    uint64_t number = 0;
    size_t i = 0;

    if (!text) {
        int64_t integer;

        if (decode_integer(value, 0, UINT32_MAX, &integer) != 0)
            return 1;
        *ret = (struct share){.value = (uint32_t)integer};
        return 0;
    }
    for (; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
        number = number * 10 + (uint64_t)(text[i] - '0');
    if (i == 0 || strcmp(text + i, "%") != 0 || number > UINT32_MAX)
        return 1;
    *ret = (struct share){.value = (uint32_t)number, .percent = true};
    return 0;
}

static int decode_text(const json_t *value, char *at)
{
    if (!json_is_string(value))
        return 1;
    put_pointer(at, json_string_value(value));
    return 0;
}

/* The members that are one value and need no memory. */
static int decode_scalar(const struct member *member, const json_t *value, char *at)
{
    int64_t integer = 0;

    switch (member->type) {
    case MEMBER_BOOL:
        AT(bool, at) = json_is_true(value);
        return json_is_boolean(value) ? 0 : 1;
    case MEMBER_U32:
        if (decode_integer(value, member->min, member->max, &integer) != 0)
            return 1;
        AT(uint32_t, at) = (uint32_t)integer;
        return 0;
    case MEMBER_I32:
        if (decode_integer(value, member->min, INT32_MAX, &integer) != 0)
            return 1;
        AT(int32_t, at) = (int32_t)integer;
        return 0;
    case MEMBER_U64:
        return tree_to_number(value, &AT(uint64_t, at));
    case MEMBER_INT:
        return decode_integer(value, INT64_MIN, INT64_MAX, &AT(int64_t, at));
    case MEMBER_FLOAT:
        return decode_float(value, &AT(double, at));
    case MEMBER_OPTIONAL_INT:
        AT(struct optional_int, at).present = true;
        return decode_integer(value, INT64_MIN, INT64_MAX, &AT(struct optional_int, at).value);
    case MEMBER_OPTIONAL_FLOAT:
        AT(struct optional_float, at).present = true;
        return decode_float(value, &AT(struct optional_float, at).value);
    case MEMBER_INSTANT:
        return decode_instant(value, &AT(uint64_t, at));
    case MEMBER_WALL:
        if (!json_is_string(value))
            return 1;
        return wall_parse(json_string_value(value), &AT(struct wall, at));
    case MEMBER_ENUM:
        return decode_enum(member, value, &AT(uint32_t, at));
    case MEMBER_SHARE:
        return decode_share(value, &AT(struct share, at));
    case MEMBER_TEXT:
        return decode_text(value, at);
    case MEMBER_TEXTS:
    case MEMBER_INTS:
    case MEMBER_OBJECT:
    case MEMBER_OBJECT_AT:
    case MEMBER_OBJECTS:
        break;
    }
    return 1;
}

static size_t item_size(const struct member *member)
{
    if (member->type == MEMBER_TEXTS)
        return sizeof(const char *);
    return member->type == MEMBER_INTS ? sizeof(int64_t) : member->shape->size;
}

static int decode_array(const struct member *member, const json_t *value, struct arena *arena,
                        char *base, const struct member **ret_wrong)
{
    size_t n = json_array_size(value);
    size_t size = item_size(member);
    char *items;
    int r = 0;

    if (!json_is_array(value))
        return 1;
    items = arena_allocate(arena, n, size);
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < n && r == 0; i++) {
        const json_t *item = json_array_get(value, i);
        char *at = items + i * size;

        if (member->type == MEMBER_TEXTS)
            r = decode_text(item, at);
        else if (member->type == MEMBER_INTS)
            r = decode_integer(item, INT64_MIN, INT64_MAX, &AT(int64_t, at));
        else
            r = shape_decode(member->shape, item, arena, at, ret_wrong);
    }
    put_pointer(base + member->offset, items);
    AT(size_t, base + member->count_offset) = n;
    return r;
}

static int decode_object_at(const struct member *member, const json_t *value,
                            struct arena *arena, char *at, const struct member **ret_wrong)
{
    void *object = arena_allocate(arena, 1, member->shape->size);

    if (!object)
        return -ENOMEM;
    put_pointer(at, object);
    return shape_decode(member->shape, value, arena, object, ret_wrong);
}

static int decode_member(const struct member *member, const json_t *object, struct arena *arena,
                         char *base, const struct member **ret_wrong)
{
    const json_t *value = json_object_get(object, member->name);

    if (member->optional && (!value || json_is_null(value))) {
        if (member->never)
            AT(uint64_t, base + member->offset) = UINT64_MAX;
        return 0;
    }
    *ret_wrong = member;
    if (!value)
        return 1;
    if (is_counted(member->type))
        return decode_array(member, value, arena, base, ret_wrong);
    if (member->type == MEMBER_OBJECT)
        return shape_decode(member->shape, value, arena, base + member->offset, ret_wrong);
    if (member->type == MEMBER_OBJECT_AT)
        return decode_object_at(member, value, arena, base + member->offset, ret_wrong);
    return decode_scalar(member, value, base + member->offset);
}

int shape_decode_some(const struct shape *shape, uint32_t bits, const json_t *object,
                      struct arena *arena, void *into, const struct member **ret_wrong)
{
    if (!json_is_object(object))
        return 1;
    for (size_t i = 0; i < shape->member_n; i++) {
        int r = 0;

        if (member_is_chosen(&shape->members[i], bits))
            r = decode_member(&shape->members[i], object, arena, into, ret_wrong);
        if (r != 0)
            return r;
    }
    return 0;
}

int shape_decode(const struct shape *shape, const json_t *object, struct arena *arena,
                 void *into, const struct member **ret_wrong)
{
    return shape_decode_some(shape, UINT32_MAX, object, arena, into, ret_wrong);
}
