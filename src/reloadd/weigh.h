/* How much memory each worker uses: weighed every few seconds, for `status` and for
 * recycle.memory_bytes.
 *
 * The weight is that of its processes: resident memory, and where that is beyond the limit, the
 * proportional one (each shared page divided among those who share it), which is exact for a
 * sum but makes the kernel walk all pages. The cgroup's memory.current is not what is wanted
 * here: it counts the page cache of every file that the worker has read, and begins at zero
 * after the controller was enabled again (os/cgroup_limits.h).
 *
 * A worker is overweight when it was too heavy twice in a row, so that a short peak, such as a
 * fork before its exec, does not count. With a thousand workers, a few at a time have their
 * turn.
 */
#pragma once

#include "base/own.h"

struct app;

/* Begins; the loop is there. Returns 0 or -errno; weigh_stop() in either case. */
MUST_CHECK int weigh_start(struct app *app);
void weigh_stop(struct app *app);
