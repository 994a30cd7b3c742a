/* The shell's half of a worker: its process, and all that is heard of it. The core's half is
 * struct worker (core/worker.h); the two are joined by the worker's id.
 *
 * Heard of are: its end (pidfd), its output (a pipe), its READY=1 and the like (its own notify
 * socket), and what went wrong before exec (the exec-status pipe). A process is kept until it
 * has ended and its output has, too, or the primary leaves.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"
#include "core/update.h"

#include <stdbool.h>
#include <sys/types.h>

struct app;
struct descriptor;
struct lines;

struct process {
    struct process *next;
    struct app *app;
    uint64_t worker;
    uint64_t revision;
    uint32_t slot;
    pid_t pid;
    int pidfd;
    uint64_t start_time;
    bool ended;    /* reaped */
    bool silent;   /* its output has ended */
    bool quieting; /* on its way to its drain signal (drain.h) */
    unsigned quiet_looks;
    struct instant quiet_deadline;
    bool guarded; /* the guard knows of it (os/guard.h) */
    bool asked_to_go;
    bool looked_at; /* wants to be seen accepting (readiness.h) */
    unsigned looks; /* how often it was */
    char *status;   /* the last STATUS= it said; NULL: none */
    char *notify_path;
    char *cgroup; /* NULL: it has a process group alone */
    struct descriptor *pidfd_watch;
    struct descriptor *notify_watch;
    struct descriptor *exec_watch;
    int exec_fd; /* owned by exec_watch */
    struct lines *output;
};

/* Starts a worker and answers the core with SPAWNED or SPAWN_FAILED. */
void process_start(struct app *app, const struct effect *spawn);

/* NULL: there is none. Borrowed. */
struct process *process_find(const struct app *app, uint64_t worker);

/* Whether this pid is a worker's that has not been reaped yet. */
bool process_is_ours(const struct app *app, pid_t pid);

/* The pids of its processes, at most `max` (≥ 1): all of its group, or at least the first
 * one's. Without a cgroup they are found by a walk through /proc. Returns how many. */
size_t process_pids(const struct process *process, pid_t *pids, size_t max);

/* Sends a signal to the worker's main process. */
void process_signal(struct process *process, int signal_number);

/* Ends the worker with all its descendants, by SIGKILL. */
void process_kill(struct process *process);

/* Kills what is left of all workers, waits for nobody, and frees everything. */
void process_release_all(struct app *app);
