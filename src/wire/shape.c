#include "wire/shape.h"

#include "base/error.h"
#include "core/policy.h"
#include "wire/optional.h"
#include "wire/wall.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The struct's bytes as what they are: a table's offset and type are one claim, and these casts
 * are the only place that believes it. */
#define OF(type, base) (*(type const *)(base))

/* A pointer of any type: copied, for no type may be read as another. */
static const void *pointer_of(const char *at)
{
    const void *pointer;

    memcpy(&pointer, at, sizeof(pointer));
    return pointer;
}

/* Whether an optional member has nothing to say. */
static bool is_absent(const struct member *member, const char *at)
{
    switch (member->type) {
    case MEMBER_BOOL:
        return !OF(bool, at);
    case MEMBER_U32:
    case MEMBER_ENUM:
        return OF(uint32_t, at) == 0;
    case MEMBER_I32:
        return OF(int32_t, at) == 0;
    case MEMBER_U64:
        return OF(uint64_t, at) == 0;
    case MEMBER_INSTANT:
        return OF(uint64_t, at) == (member->never ? UINT64_MAX : 0);
    case MEMBER_INT:
    case MEMBER_WALL:
        return OF(int64_t, at) == 0;
    case MEMBER_FLOAT:
        return OF(double, at) == 0;
    case MEMBER_OPTIONAL_INT:
        return !OF(struct optional_int, at).present;
    case MEMBER_OPTIONAL_FLOAT:
        return !OF(struct optional_float, at).present;
    case MEMBER_SHARE:
    case MEMBER_OBJECT:
        return false;
    case MEMBER_TEXT:
    case MEMBER_TEXTS:
    case MEMBER_INTS:
    case MEMBER_OBJECT_AT:
    case MEMBER_OBJECTS:
        return pointer_of(at) == NULL;
    }
    return false;
}

static json_t *encode_instant(uint64_t nanoseconds)
{
    return nanoseconds == UINT64_MAX ? json_null() : tree_number(nanoseconds);
}

static json_t *encode_wall(struct wall wall)
{
    char text[WALL_TEXT_SIZE];

    /* A clock set beyond the year 9999 is told as the epoch rather than not at all. */
    if (wall_format(wall, text) != 0 && wall_format((struct wall){0}, text) != 0)
        return NULL;
    return json_string_nocheck(text);
}

static json_t *encode_share(struct share share)
{
    char text[16];

    if (!share.percent)
        return json_integer(share.value);
    (void)snprintf(text, sizeof(text), "%" PRIu32 "%%", share.value);
    return json_string_nocheck(text);
}

static json_t *encode_float(double number)
{
    assert(isfinite(number));
    return json_real(number);
}

static json_t *encode_object(const struct shape *shape, const void *from)
{
    json_t *object = NULL;

    return shape_encode(shape, from, &object) == 0 ? object : NULL;
}

static json_t *encode_array(const struct member *member, const char *at, size_t n)
{
    _cleanup_json_ json_t *array = json_array();
    const void *items = pointer_of(at);

    for (size_t i = 0; array && i < n; i++) {
        json_t *item = NULL;

        if (member->type == MEMBER_TEXTS)
            item = tree_text(((const char *const *)items)[i]);
        else if (member->type == MEMBER_INTS)
            item = json_integer(((const int64_t *)items)[i]);
        else
            item = encode_object(member->shape, (const char *)items + i * member->shape->size);
        if (tree_append_consume(array, item) != 0)
            return NULL;
    }
    return take_ptr(array);
}

/* NULL: out of memory. */
static json_t *encode_member(const struct member *member, const char *base)
{
    const char *at = base + member->offset;

    switch (member->type) {
    case MEMBER_BOOL:
        return json_boolean(OF(bool, at));
    case MEMBER_U32:
        return json_integer(OF(uint32_t, at));
    case MEMBER_I32:
        return json_integer(OF(int32_t, at));
    case MEMBER_U64:
        return tree_number(OF(uint64_t, at));
    case MEMBER_INT:
        return json_integer(OF(int64_t, at));
    case MEMBER_FLOAT:
        return encode_float(OF(double, at));
    case MEMBER_OPTIONAL_INT:
        return json_integer(OF(struct optional_int, at).value);
    case MEMBER_OPTIONAL_FLOAT:
        return encode_float(OF(struct optional_float, at).value);
    case MEMBER_INSTANT:
        return encode_instant(OF(uint64_t, at));
    case MEMBER_WALL:
        return encode_wall(OF(struct wall, at));
    case MEMBER_ENUM:
        return json_string(member->enum_name(OF(uint32_t, at)));
    case MEMBER_SHARE:
        return encode_share(OF(struct share, at));
    case MEMBER_TEXT:
        return tree_text(pointer_of(at));
    case MEMBER_TEXTS:
    case MEMBER_INTS:
    case MEMBER_OBJECTS:
        return encode_array(member, at, OF(size_t, base + member->count_offset));
    case MEMBER_OBJECT:
        return encode_object(member->shape, at);
    case MEMBER_OBJECT_AT:
        return encode_object(member->shape, pointer_of(at));
    }
    return NULL;
}

static int encode_into(const struct member *member, const char *base, json_t *object)
{
    if (member->optional && is_absent(member, base + member->offset))
        return 0;
    return tree_set_consume(object, member->name, encode_member(member, base));
}

int shape_encode_some(const struct shape *shape, uint32_t bits, const void *from,
                      json_t *object)
{
    for (size_t i = 0; i < shape->member_n; i++) {
        int r = 0;

        if (member_is_chosen(&shape->members[i], bits))
            r = encode_into(&shape->members[i], from, object);
        if (r < 0)
            return r;
    }
    return 0;
}

int shape_encode(const struct shape *shape, const void *from, json_t **ret_object)
{
    _cleanup_json_ json_t *object = json_object();
    int r;

    if (!object)
        return -ENOMEM;
    r = shape_encode_some(shape, UINT32_MAX, from, object);
    if (r == 0)
        *ret_object = take_ptr(object);
    return r;
}

const char *shape_stranger(const struct shape *shape, const json_t *object)
{
    const char *key;
    const json_t *value;

    /* jansson's iterators want a value that they could change; they don't. */
    json_t *iterated = (json_t *)(uintptr_t)object;

    json_object_foreach(iterated, key, value)
    {
        size_t i = 0;

        while (i < shape->member_n && strcmp(shape->members[i].name, key) != 0)
            i++;
        if (i == shape->member_n)
            return key;
    }
    return NULL;
}

static const char *expected(enum member_type type)
{
    switch (type) {
    case MEMBER_BOOL:
        return "true or false";
    case MEMBER_U32:
    case MEMBER_I32:
    case MEMBER_INT:
    case MEMBER_OPTIONAL_INT:
        return "an integer";
    case MEMBER_U64:
        return "a natural number";
    case MEMBER_FLOAT:
    case MEMBER_OPTIONAL_FLOAT:
        return "a number";
    case MEMBER_INSTANT:
        return "nanoseconds or null";
    case MEMBER_WALL:
        return "a time as 2026-01-31T23:59:58.000001Z";
    case MEMBER_ENUM:
        return "one of its names";
    case MEMBER_SHARE:
        return "a count or a percentage";
    case MEMBER_TEXT:
        return "a string";
    case MEMBER_TEXTS:
        return "an array of strings";
    case MEMBER_INTS:
        return "an array of integers";
    case MEMBER_OBJECT:
    case MEMBER_OBJECT_AT:
        return "an object";
    case MEMBER_OBJECTS:
        return "an array of objects";
    }
    return "another value";
}

void shape_explain(const struct member *wrong, struct fault *ret_fault)
{
    if (wrong->type == MEMBER_U32)
        fault_say(ret_fault,
                  "\"%s\" is missing or wrong: expected an integer in %" PRIu32 " to %" PRIu32,
                  wrong->name, wrong->min, wrong->max);
    else
        fault_say(ret_fault, "\"%s\" is missing or wrong: expected %s", wrong->name,
                  expected(wrong->type));
}
