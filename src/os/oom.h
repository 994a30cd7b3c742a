/* Whether the kernel's out-of-memory killer has struck.
 *
 * A process that it kills looks like any other that got SIGKILL. What tells them apart is a
 * count that the kernel keeps for each memory cgroup: how many processes of it were killed by
 * any kind of OOM killer, that of the whole machine too ("oom_kill", cgroup-v2.rst). Where a
 * worker's own group has that count, it is about this worker alone. Elsewhere the count of the
 * group that all of them share has to do: it says how many were killed since the last look, and
 * so as many workers that died of SIGKILL in that time may be called its victims, and no more.
 *
 * Without any memory cgroup in sight there is the machine's own count in /proc/vmstat, which
 * tells of strangers too: that is a suspicion, and no more.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>

enum oom_verdict {
    OOM_NO,
    OOM_PERHAPS, /* it has struck on this machine at that time; whom, nobody can say here */
    OOM_YES,
};

/* A shared count, and what of it has not been ascribed to anybody yet. */
struct oom_watch {
    char *file;      /* NULL: there is none */
    bool of_machine; /* /proc/vmstat */
    uint64_t seen;
    uint64_t unclaimed;
    struct instant grown; /* when it was seen to have grown last */
};

/* Reads the count of one group ("memory.events", or "memory.oom_control" of the older kind).
 * Returns 0; 1 where the group has none; -errno. */
MUST_CHECK int oom_count(const char *folder, uint64_t *ret_kills);

/* Begins to watch the nearest shared count: that of `folder` (of cgroup2; may be NULL), of the
 * group that this process is in, or of the machine. What was counted before is not looked at.
 * Returns 0 or -ENOMEM; without any count the watch says no to everything. */
MUST_CHECK int oom_watch_begin(const char *folder, struct oom_watch *ret_watch);
void oom_watch_release(struct oom_watch *watch);

/* Looks again. A kill that nobody claimed for ten seconds was of something else than a worker's
 * main process. To be called every few seconds. */
void oom_watch_look(struct oom_watch *watch, struct instant now);

/* Why a process has ended by SIGKILL that nobody here sent. `folder` is its own cgroup2 group,
 * or NULL. */
enum oom_verdict oom_has_struck(struct oom_watch *watch, const char *folder,
                                struct instant now);
