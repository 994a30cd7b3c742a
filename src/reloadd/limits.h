/* The limits of a revision on the cgroups of its workers, and the naming of what the kernel's
 * out-of-memory killer did.
 *
 * A limit is as good as the controller behind it, and that may be missing: the host keeps it in
 * the older hierarchy, the unit was not given it, or nobody has a cgroup to write at all. Then
 * the worker runs without, and that is said: in the log once for each revision, and in `status`
 * as long as it is so. The rlimits need no controller; reloadd-exec sets them, and fails the
 * worker where the kernel refuses.
 *
 * Controllers are enabled when a revision needs them and not before: from then on the service
 * manager can't put a process into the unit's own cgroup, until they
 * are taken away again (sweep.c), and the next primary sets all limits anew.
 */
#pragma once

#include "core/reason.h"
#include "os/oom.h"

#include <stdbool.h>

struct app;
struct process;

enum { LIMITS_TEXT_SIZE = 512 };

/* Part of struct app; zeroed before the first worker, limits_release() at the end. */
struct limits_state {
    bool begun;
    uint32_t enabled;       /* of enum cgroup_controller: what workers' cgroups have */
    int trouble;            /* -errno of the last try to enable; 0: it was not there at all */
    uint64_t told_revision; /* the newest whose missing limits were said */
    char text[LIMITS_TEXT_SIZE];
    struct oom_watch oom;
};

/* Puts the limits of its revision on the worker's cgroup, which was just made or is found
 * again; may be called twice. What is not in force is said once for each revision. */
void limits_apply(struct process *process);

/* Which limits of the target revision are not in force, and why: a clause such as
 * "limits.memory_max is not in force: …". Borrowed until the next call; NULL: all are. */
const char *limits_missing(struct app *app);

/* Why a worker has really ended: a SIGKILL that is not ours may be the kernel's for want of
 * memory. To be asked once for each end, with what process_exit_reason() said. */
struct reason limits_judge_end(struct process *process, struct reason reason);

/* Looks at the kernel's count of OOM kills; every few seconds. */
void limits_look(struct app *app);

void limits_release(struct app *app);
