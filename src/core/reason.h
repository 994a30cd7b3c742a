/* Why something ended: one small value that travels from the worker that failed through the
 * journal to the exit code and the sentence a person reads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum cause {
    CAUSE_NONE,
    CAUSE_EXITED,       /* code: exit status */
    CAUSE_SIGNALED,     /* code: signal */
    CAUSE_OOM_KILLED,   /* the kernel's OOM killer ended it */
    CAUSE_VANISHED,     /* ended, and nobody could say how */
    CAUSE_SPAWN_FAILED, /* code: errno; no process came to be, or exec failed */
    CAUSE_NOT_READY,    /* not ready within readiness_timeout */
    CAUSE_WATCHDOG,     /* WATCHDOG=1 did not come in time, or WATCHDOG=trigger did */
    CAUSE_NO_PROGRESS,  /* progress_deadline passed with nothing admitted */
    CAUSE_SUPERSEDED,   /* a newer reload took its place */
    CAUSE_BUSY,         /* a rollout was under way, and the caller asked to be refused then */
    CAUSE_STOPPED,      /* the app was stopped */
    CAUSE_JOURNAL,      /* the state journal could not be written; code: errno, 0: unknown */
    CAUSE_PRIMARY,      /* the primary itself ended before */
    CAUSE_AGE,          /* older than recycle.max_age_seconds */
    CAUSE_MEMORY,       /* uses more than recycle.memory_bytes */
    CAUSE_UNHEALTHY,    /* answered its probe badly; code: HTTP status */
    CAUSE_UNANSWERED,   /* did not answer its probe; code: errno (probe_describe()) */
    CAUSE_N,
};

struct reason {
    enum cause cause;
    int32_t code;
    uint64_t worker; /* 0: no worker in particular */
    uint32_t slot;
    uint64_t revision;
};

/* The name as the journal and JSON output have it, such as "not_ready". Static. */
const char *cause_name(enum cause cause);

/* The cause of that name, or CAUSE_N where there is none. */
enum cause cause_from_name(const char *name);

/* What a probe came to, by cause and code of UNHEALTHY or UNANSWERED: "answered 500" or "no
 * answer in time" (ETIMEDOUT), "its answer is not HTTP" (EBADMSG), "its answer broke off"
 * (ENODATA), no way to ask this worker alone (EOPNOTSUPP), and the errors of connect(2),
 * send(2) and recv(2). Writes at most `size` bytes, always terminated. Returns text. */
const char *probe_describe(const struct reason *reason, char *text, size_t size);

/* A sentence without a full stop, such as "worker 12 (slot 0, revision 3) exited with status
 * 1". Writes at most `size` bytes, always terminated. Returns text. */
const char *reason_describe(const struct reason *reason, char *text, size_t size);
