#include "wire/record.h"

#include "base/error.h"
#include "wire/line.h"
#include "wire/record_shape.h"

#include <string.h>

/* The spec travels as text through this interface, and as an object inside the line. */
static int set_spec(json_t *object, const char *spec_text)
{
    json_t *spec = NULL;
    int r = tree_parse(spec_text, strlen(spec_text), &spec, NULL);

    if (r != 0)
        return r == 1 ? -EINVAL : r;
    return tree_set_consume(object, "spec", spec);
}

int record_encode(const struct record *record, const struct record_stamp *stamp,
                  const char *spec_text, char **ret_line)
{
    uint32_t fields = record_fields(record->kind);
    const struct shape *state = record_state_shape(record->kind);
    _cleanup_json_ json_t *object = line_begin(stamp);
    int r;

    if (!object)
        return -ENOMEM;
    r = tree_set_consume(object, "event", json_string(record_name(record->kind)));
    if (r == 0)
        r = shape_encode_some(&record_shape, fields, record, object);
    if (r == 0 && state)
        r = shape_encode_some(state, fields, record, object);
    if (r == 0 && spec_text)
        r = set_spec(object, spec_text);
    return r == 0 ? line_seal(object, ret_line) : r;
}

static int decode_kind(const json_t *object, enum record_kind *ret_kind,
                       struct fault *ret_fault)
{
    const char *name = json_string_value(json_object_get(object, "event"));
    enum record_kind kind = name ? record_from_name(name) : RECORD_N;

    if (kind != RECORD_N) {
        *ret_kind = kind;
        return 0;
    }
    if (name)
        fault_say(ret_fault, "event \"%.40s\" is not known: written by a newer reloadd?", name);
    else
        fault_say(ret_fault, "\"event\" is missing or wrong: expected a string");
    return 1;
}

static int decode_members(const json_t *object, struct record *record, struct fault *ret_fault)
{
    uint32_t fields = record_fields(record->kind);
    const struct shape *state = record_state_shape(record->kind);
    const struct member *wrong = NULL;
    struct arena arena = {0}; /* a record has no arrays: stays empty */
    int r = shape_decode_some(&record_shape, fields, object, &arena, record, &wrong);

    if (r == 0 && state)
        r = shape_decode_some(state, fields, object, &arena, record, &wrong);
    if (r == 1)
        shape_explain(wrong, ret_fault);
    return r;
}

static int decode_spec(const json_t *object, char **ret_spec_text, struct fault *ret_fault)
{
    const json_t *spec = json_object_get(object, "spec");

    if (!spec) {
        *ret_spec_text = NULL;
        return 0;
    }
    if (!json_is_object(spec)) {
        fault_say(ret_fault, "\"spec\" is wrong: expected an object");
        return 1;
    }
    return tree_write(spec, ret_spec_text);
}

int line_to_record(const json_t *object, struct record *ret_record, char **ret_spec_text,
                   struct fault *ret_fault)
{
    struct record record = {0};
    int r = decode_kind(object, &record.kind, ret_fault);

    if (r == 0)
        r = decode_members(object, &record, ret_fault);
    if (r == 0)
        r = decode_spec(object, ret_spec_text, ret_fault);
    if (r == 0)
        *ret_record = record;
    return r;
}

int record_decode(const char *line, size_t size, struct record *ret_record,
                  struct record_stamp *ret_stamp, char **ret_spec_text, struct fault *ret_fault)
{
    _cleanup_json_ json_t *object = NULL;
    struct record_stamp stamp;
    int r;

    if (size > 0 && line[size - 1] == '\n')
        size--;
    r = line_open(line, size, &object, &stamp, ret_fault);
    if (r == 0)
        r = line_to_record(object, ret_record, ret_spec_text, ret_fault);
    if (r == 0)
        *ret_stamp = stamp;
    return r;
}
