/* How many processors this process may use at once. */
#pragma once

#include "base/own.h"

/* Counts those of its affinity mask, and no more than the quota of its cgroup and of every one
 * above it allows (cpu.max; cpu.cfs_quota_us with the older kind), rounded up. At least 1; what
 * can't be read does not limit. */
MUST_CHECK int processors_available(void);
