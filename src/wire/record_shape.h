/* struct record and what is in it, as tables: private to this room. */
#pragma once

#include "core/update.h"
#include "wire/shape.h"

extern const struct shape reason_shape;
extern const struct shape policy_shape;

/* Every member of struct record but `kind` and `state`, with its FIELD_… as bit. The state is
 * of another enum in each kind of snapshot: see record_state_shape(). */
extern const struct shape record_shape;

/* The shape of FIELD_STATE alone, or NULL where this kind has no state. */
const struct shape *record_state_shape(enum record_kind kind);
