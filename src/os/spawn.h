/* Births of workers: fork here, everything else by reloadd-exec (chain loading), exec of the
 * program.
 *
 * Between fork and exec of the loader the child does only what must be done there: default
 * signals, a process group, and its descriptors in their places: 0, 1, 2, the listeners from 3
 * on, behind them a capture filter's channel where there is one and the exec-status pipe,
 * nothing else. The flags of what it inherits are never touched, for O_NONBLOCK belongs to all
 * who share a socket.
 *
 * The status pipe then tells: a line (base/exec_status.h) says which step failed, end of file
 * that the program runs. A child that failed exits by itself.
 */
#pragma once

#include "base/exec_status.h"
#include "base/own.h"
#include "os/capture_filter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Everything is borrowed for the call. */
struct spawn_request {
    const char *loader; /* path of reloadd-exec */
    const char *file;   /* the program; looked up in PATH of `environment` without a '/' */
    char *const *argv;  /* NULL-ended, argv[0] first */
    char *const *environment;  /* NULL-ended "NAME=value"; the loader adds the pids to it */
    const char *directory;     /* NULL: the caller's */
    const char *cgroup;        /* folder; NULL: the caller's */
    const char *user;          /* name or number; NULL: the caller's */
    const char *group;         /* name or number; NULL: the user's */
    const char *const *limits; /* NULL-ended "nofile=1024:4096" (setrlimit(2)); may be NULL */
    const int *listeners;      /* become 3, 4 … */
    size_t listener_count;
    /* For a capture filter (os/capture_filter.h): the loader's end of the channel that its
     * descriptor is sent over, -1: there is none; and what it tells of. Optional: the program
     * runs also where it can't be installed, and the channel says why. */
    int capture_channel;
    enum capture_filter_scope capture_scope;
    bool capture_optional;
    int input;               /* becomes 0; -1: /dev/null */
    int output;              /* becomes 1; -1: the caller's own */
    int error;               /* becomes 2; -1: the caller's own */
    int parent_death_signal; /* 0: none */
};

struct spawned {
    pid_t pid; /* also its process group */
    int pidfd;
    int status_fd;       /* read end, nonblocking; see spawn_read_status() */
    uint64_t start_time; /* field 22 of /proc/PID/stat */
};

#define SPAWNED_NONE ((struct spawned){.pidfd = -1, .status_fd = -1})

/* Starts a worker. Does not wait for its exec. The caller owns both descriptors and reaps the
 * process (os/pidfd.h). Returns 0 or -errno; no process is left then. */
MUST_CHECK int spawn_worker(const struct spawn_request *request, struct spawned *ret_spawned);

/* Closes both descriptors; the process goes on. */
void spawned_release(struct spawned *spawned);

/* Reads how the exec went, once the descriptor is readable. Does not block. Returns 0: the
 * program runs (or the child was killed on the way, which its pidfd says); 1: it never will,
 * and *ret_status says why; -EAGAIN: not known yet; -EBADMSG: nonsense came, the program does
 * not run; -errno. */
MUST_CHECK int spawn_read_status(int status_fd, struct exec_status *ret_status);
