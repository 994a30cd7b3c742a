/* Where the primary and its workers are among the control groups.
 *
 * In the foreground the app has a folder of its own, named after the primary, and removes it at
 * the end. As a service with workers that outlive it (--adopt) the unit's own, delegated cgroup
 * is the app's place; the primary sits in its sub-cgroup "primary", for a group that has
 * processes of its own can't hand controllers on ("no internal processes", cgroups(7)), and the
 * next primary finds the same place.
 */
#pragma once

#include "base/own.h"

#include <stdint.h>

struct app;

enum { PLACE_NAME_SIZE = 32 };

/* The name of a worker's folder. */
void place_name_worker(uint64_t worker, char name[static PLACE_NAME_SIZE]);

/* Finds app->cgroup; where none can be written, it stays NULL. Returns 0; -errno where another
 * try may find one (-EMFILE and the like), and workers are to outlive this primary. */
MUST_CHECK int place_find(struct app *app);

/* The folder of a worker below app->cgroup, the caller's; NULL: out of memory. */
char *place_of_worker(const struct app *app, uint64_t worker);

/* Ends whatever is in folders of workers that the app has no process of, and removes them: what
 * an earlier primary has begun and not written down, and descendants of its dead workers. Says
 * how many folders had somebody in them. */
unsigned place_sweep(struct app *app);
