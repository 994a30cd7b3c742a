/* What a group may use: the controllers of cgroup2 and their files (cgroup-v2.rst of the
 * kernel).
 *
 * A group has a controller's files only where the group above it has that controller in its
 * cgroup.subtree_control, and a group that has one there may hold no process itself ("no
 * internal processes"; the mount's own root is exempt). Hence a process that wants to limit its
 * siblings first leaves for a group beside theirs. And hence nobody can be put into that group
 * above any more, also not by the service manager, until the controllers are taken away again
 * (cgroup_release_controllers() of os/cgroup_tree.h). With that the groups below lose their
 * settings and what was charged to them; so whoever enables again sets the limits again.
 */
#pragma once

#include "base/own.h"

#include <stdint.h>

/* A set of bits. */
enum cgroup_controller {
    CGROUP_MEMORY = 1 << 0,
    CGROUP_CPU = 1 << 1,
    CGROUP_PIDS = 1 << 2,
    CGROUP_HUGETLB = 1 << 3, /* sets no limit here: the one that a host with the older kind of
                                memory controller may still have, to try all this on */
    CGROUP_CONTROLLER_N = 4,
};

/* The kernel's name of one bit. Static. */
const char *cgroup_controller_name(enum cgroup_controller controller);

/* What a group is held to. 0: as the kernel has it. */
struct cgroup_limits {
    uint64_t memory_max;  /* bytes */
    uint64_t memory_high; /* bytes */
    uint32_t cpu_weight;  /* 1 … 10000 */
    uint32_t cpu_percent; /* of one processor */
    uint32_t tasks_max;
};

/* The controllers that these limits need. */
uint32_t cgroup_limits_need(const struct cgroup_limits *limits);

/* The controllers that groups below `folder` have now. Returns 0 or -errno. */
MUST_CHECK int cgroup_enabled_controllers(const char *folder, uint32_t *ret_controllers);

/* Enables what of `wanted` the folder has to give, each by itself: one that is refused keeps no
 * other back. *ret_got: those of `wanted` that groups below it have now. Returns 0; 1 where
 * some are not there at all; -EBUSY where a process in the folder itself stands in the way of
 * some; -errno. *ret_got is set for all of them. */
MUST_CHECK int cgroup_enable_controllers(const char *folder, uint32_t wanted,
                                         uint32_t *ret_got);

/* Writes the limits; those that are 0 stay as they are. All are tried. Returns 0; 1 where a
 * controller that is needed is not enabled for this group; -errno. */
MUST_CHECK int cgroup_limit(const char *folder, const struct cgroup_limits *limits);
