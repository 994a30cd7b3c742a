/* What a primary has left behind in its unit's control group.
 *
 * First it is taken down who is there, and then they are ended, and nobody else: between the
 * two, the service manager can be asked once more, and whoever it starts from then on is not
 * among them. Workers are known by the names of their groups, which no later worker has; who
 * has no such group, by a descriptor each.
 *
 * The manager's own group, .control, is no part of it: the one who asks is in there.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>

struct leftovers {
    char *folder;   /* the unit's */
    char **groups;  /* below it, but ".control" and "primary"; NULL-ended */
    int *processes; /* pidfds of those in "primary" and in the folder itself */
    size_t process_n;
};

/* The hierarchies that units are in: cgroup2, or beside the older kind systemd's own. */
enum { LEFTOVERS_HIERARCHY_N = 2 };
extern const char *const leftovers_hierarchies[LEFTOVERS_HIERARCHY_N];

/* The unit's folder in a hierarchy (os/cgroup.h: NULL is cgroup2) that this process is in, or
 * that it is in the .control of; the caller's. Returns 0; 1 where it is in none of that name;
 * -errno. */
MUST_CHECK int leftovers_find_folder(const char *hierarchy, const char *unit,
                                     char **ret_folder);

/* Takes down who is in the folder and below it, but this process. Returns 0 or -errno. */
MUST_CHECK int leftovers_find(const char *folder, struct leftovers *ret_leftovers);

/* Kills them, waits until they are gone (for some seconds each at most), and removes what is
 * empty. Tells in the log whom it has ended, and whom it could not. */
void leftovers_end(const struct leftovers *leftovers);

void leftovers_release(struct leftovers *leftovers);

/* How many workers live in the folder. */
size_t leftovers_count_workers(const char *folder);
