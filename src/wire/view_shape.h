/* The views as tables: private to this room. The shapes bear the names of the types in
 * docs/io.reloadd.varlink. */
#pragma once

#include "wire/shape.h"
#include "wire/view.h"

extern const struct shape listener_shape, failure_shape, connections_shape, worker_shape,
    slot_shape, rollout_shape, outcome_shape, recovered_shape, app_shape, entry_shape,
    step_shape, line_shape;

/* What methods answer. */
extern const struct shape status_shape, progress_shape, scale_shape, logs_shape, history_shape,
    info_shape, description_shape;

/* The parameters of an error, out of struct error_view. Not for NONE and UNKNOWN. */
const struct shape *error_shape(enum error_kind kind);
