/* What is below a control group, beyond what os/cgroup.h does to a single one. */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>

/* The groups directly below the folder; a NULL-ended vector, the caller's
 * (cgroup_children_free). Returns 0 or -errno; of a folder that is gone there are none. */
MUST_CHECK int cgroup_children(const char *folder, char ***ret_names);

void cgroup_children_free(char **names);

/* Waits until no live process is in the group or below it. Blocks for at most `limit`. Returns
 * 0; 1 where it is still populated then; -errno. A group that is gone is empty. */
MUST_CHECK int cgroup_wait_empty(const char *folder, struct span limit);

/* Takes all controllers away from the groups below: while they have any, no process can join
 * the folder itself (cgroups(7), "no internal processes"). Returns 0, also where none was on; 1
 * where a group further below has controllers of its own; -errno. */
MUST_CHECK int cgroup_release_controllers(const char *folder);
