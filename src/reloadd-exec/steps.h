/* The steps between fork and the program, in the only order that works. */
#pragma once

#include "base/exec_status.h"
#include "reloadd-exec/options.h"

/* Takes all steps, the last of which is exec. Returns only where one has failed; *ret_status
 * says which and why. */
void steps_take(struct options *options, struct exec_status *ret_status);
