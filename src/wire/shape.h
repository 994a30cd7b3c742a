/* A struct as a table of its members: private to this room.
 *
 * Writing and reading a message both walk the same table, so that one can't learn a member
 * without the other; and a test compares the tables with the published interface.
 *
 * Reading borrows: texts stay in the JSON value, arrays and pointed-to objects lie in an arena.
 * Members that the table does not name are left alone by shape_decode(); who wants to be strict
 * asks shape_stranger().
 */
#pragma once

#include "wire/arena.h"
#include "wire/tree.h"

enum member_type {
    MEMBER_BOOL,           /* bool */
    MEMBER_U32,            /* uint32_t in min … max */
    MEMBER_I32,            /* int32_t in min … INT32_MAX */
    MEMBER_U64,            /* uint64_t; a string beyond 2^53 */
    MEMBER_INT,            /* int64_t */
    MEMBER_FLOAT,          /* double, finite */
    MEMBER_OPTIONAL_INT,   /* struct optional_int */
    MEMBER_OPTIONAL_FLOAT, /* struct optional_float */
    MEMBER_INSTANT,        /* struct instant or struct span; null: never, for ever */
    MEMBER_WALL,           /* struct wall */
    MEMBER_ENUM,           /* an enum of max + 1 values, by name */
    MEMBER_SHARE,          /* struct share: 1 or "25%" */
    MEMBER_TEXT,           /* const char * */
    MEMBER_TEXTS,          /* const char *const *, and a count */
    MEMBER_INTS,           /* const int64_t *, and a count */
    MEMBER_OBJECT,         /* a struct in its place */
    MEMBER_OBJECT_AT,      /* a pointer to a struct */
    MEMBER_OBJECTS,        /* a pointer to structs, and a count */
};

struct member {
    const char *name;
    enum member_type type;
    bool optional; /* left out where it is zero, NULL or not present */
    bool never;    /* an instant that is left out where it is INSTANT_NEVER instead */
    size_t offset;
    size_t count_offset; /* of the size_t that counts an array */
    uint32_t bit;        /* for shape_…_some(); 0: always there */
    uint32_t min;
    uint32_t max;
    const char *(*enum_name)(uint32_t value);
    const struct shape *shape; /* of objects */
};

static inline bool member_is_chosen(const struct member *member, uint32_t bits)
{
    return member->bit == 0 || (member->bit & bits) != 0;
}

struct shape {
    const char *name;
    const struct member *members;
    size_t member_n;
    size_t size; /* of the struct */
};

#define SHAPE_MEMBERS(table) .members = (table), .member_n = sizeof(table) / sizeof((table)[0])

/* The struct at `from` as a JSON object; *ret_object is the caller's reference.
 * Returns 0 or -ENOMEM. */
MUST_CHECK int shape_encode(const struct shape *shape, const void *from, json_t **ret_object);

/* Adds the members that have no bit, or one of `bits`, to `object`. Returns 0 or -ENOMEM. */
MUST_CHECK int shape_encode_some(const struct shape *shape, uint32_t bits, const void *from,
                                 json_t *object);

/* Reads `object` into the struct at `into`, which the caller has zeroed. Returns 0, -ENOMEM, or
 * 1 with the member that is missing or wrong in *ret_wrong (of an inner shape, where it is
 * there).
 */
MUST_CHECK int shape_decode(const struct shape *shape, const json_t *object,
                            struct arena *arena, void *into, const struct member **ret_wrong);
MUST_CHECK int shape_decode_some(const struct shape *shape, uint32_t bits, const json_t *object,
                                 struct arena *arena, void *into,
                                 const struct member **ret_wrong);

/* The first member of `object` that the shape does not name, or NULL. Borrowed from `object`.
 */
const char *shape_stranger(const struct shape *shape, const json_t *object);

/* Says which member is wrong, and what it should be. */
void shape_explain(const struct member *wrong, struct fault *ret_fault);
