/* Varlink calls as tables: private to this room. */
#pragma once

#include "wire/interface.h"
#include "wire/shape.h"
#include "wire/varlink.h"

/* All but "parameters", borrowed. */
struct call_envelope {
    const char *method;
    bool more;
    bool oneway;
    bool upgrade;
};

/* What the methods take, borrowed. */
struct call_parameters {
    const char *release;
    enum conflict conflict;
    uint64_t revision;
    uint32_t workers;
    bool hurry;
    struct optional_int lines;
    struct optional_int slot;
    struct optional_int only_revision; /* "revision" of Logs, where it may be absent */
    struct optional_float since;
    bool follow;
    const char *interface;
};

extern const struct shape envelope_shape;

/* The parameters of a method, under the method's full name. */
const struct shape *method_shape(enum method method);
