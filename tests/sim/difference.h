/* Whether two states of the core are the same, but for what is not journaled. */
#pragma once

#include "core/rollout.h"

/* Returns NULL, or the name of the first member that differs. Static. */
const char *difference_find(const struct rollout *a, const struct rollout *b);
