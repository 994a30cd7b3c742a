/* The shell's half of a worker: its process, and all that is heard of it. The core's half is
 * struct worker (core/worker.h); the two are joined by the worker's id.
 *
 * Heard of are: its end (pidfd), its READY=1 and the like (its own notify socket), what went
 * wrong before exec (the exec-status pipe), and in the foreground its output (a pipe). A
 * process is kept until it has ended and its output has, too, or the primary leaves.
 *
 * Where workers outlive their primary (app.survives), their output goes to the system journal
 * by itself, and both descriptors that can't be had again, pidfd and notify socket, are in the
 * service manager's store (fd_store.h): the socket before the worker is born, for what it says
 * must not be lost.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"
#include "core/update.h"
#include "core/worker.h"
#include "os/connections.h"
#include "reloadd/courtesy.h"
#include "reloadd/drain.h"
#include "reloadd/fd_store.h"

#include <stdbool.h>
#include <sys/types.h>

struct app;
struct capturing;
struct descriptor;
struct handshakes;
struct lines;
struct listener;
struct probe;

struct process {
    struct process *next;
    struct app *app;
    uint64_t worker;
    uint64_t revision;
    uint32_t slot;
    uint32_t lane;                 /* its seat (lanes.h); 0: also of all that share one queue */
    struct handshakes *handshakes; /* under way when it left the plan; NULL: it has not */
    size_t handshakes_n;
    struct instant handshakes_until; /* no longer than that are they waited for */
    pid_t pid;
    int pidfd;
    uint64_t start_time;
    bool ended;  /* reaped */
    bool silent; /* its output has ended */
    struct drain drain;
    struct courtesy_of_process courtesy;
    struct connections connections; /* at the last census (census.h) */
    struct instant counted;         /* when that was; 0: never */
    bool guarded;                   /* the guard knows of it (os/guard.h) */
    bool asked_to_go;
    bool looked_at;        /* wants to be seen accepting (readiness.h) */
    unsigned looks;        /* how often it was */
    struct probe *probe;   /* asks it (probe.h); NULL: nobody does */
    bool explained;        /* why it was never ready (readiness.h) */
    bool adopted;          /* of an earlier primary: not our child, perhaps */
    uint64_t memory_bytes; /* at the last weighing; 0: not weighed yet */
    unsigned heavy_looks;  /* weighings in a row at which it was too heavy (weigh.h) */
    char *status;          /* the last STATUS= it said; NULL: none */
    char *notify_path;
    char *cgroup; /* NULL: it has a process group alone */
    struct descriptor *pidfd_watch;
    struct descriptor *notify_watch;
    struct descriptor *exec_watch;
    int exec_fd;   /* owned by exec_watch */
    int notify_fd; /* owned by notify_watch */
    struct lines *output;
    struct capturing *capturing; /* NULL: its binds are its own */
};

/* Starts a worker and answers the core with SPAWNED or SPAWN_FAILED. */
void process_start(struct app *app, const struct effect *spawn);

/* Takes over the process of a worker that an earlier primary has started, and seated in this
 * lane, and that the core knows or is about to be told of. `pidfd` and `notify_fd` (-1: it has
 * got lost, and is made anew) are owned in any case. Returns 0 or -errno. */
MUST_CHECK int process_adopt_consume(struct app *app, const struct worker *worker,
                                     uint32_t lane, int pidfd, int notify_fd);

/* What its pidfd is called in the service manager's store. */
void process_store_name(const struct process *process, char name[static FD_NAME_SIZE]);

/* How the process of this pidfd, which has ended, ended: cause and code. A child of ours is
 * reaped. */
struct reason process_exit_reason(int pidfd);

/* NULL: there is none. Borrowed. */
struct process *process_find(const struct app *app, uint64_t worker);

/* Whether this pid is a worker's that has not been reaped yet. */
bool process_is_ours(const struct app *app, pid_t pid);

/* The pids of its processes, at most `max` (≥ 1): all of its group, or at least the first
 * one's. Without a cgroup they are found by a walk through /proc. Returns how many. */
size_t process_pids(const struct process *process, pid_t *pids, size_t max);

enum { PROCESS_LISTENERS_MAX = 128 };

/* The listeners that the worker may accept from, as far as they are open; borrowed until the
 * listeners change. Returns how many. */
size_t process_listeners(const struct process *process,
                         const struct listener *list[static PROCESS_LISTENERS_MAX]);

/* Sends a signal to the worker's main process. */
void process_signal(struct process *process, int signal_number);

/* Ends the worker with all its descendants, by SIGKILL. */
void process_kill(struct process *process);

/* Frees everything, and waits for nobody; kills what is left of the workers, unless they are
 * meant to outlive this primary. */
void process_release_all(struct app *app);
