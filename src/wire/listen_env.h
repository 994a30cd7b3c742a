/* How a worker is told of the sockets it inherits: the environment of its exec, and {fd:NAME}
 * in its argv. The listeners are descriptors 3, 4, … in their order, in every dialect alike.
 *
 *   LISTEN_FDS         LISTEN_FDS=2 LISTEN_FDNAMES=http:admin       sd_listen_fds(3)
 *   SERVER_STARTER     SERVER_STARTER_PORT=127.0.0.1:80=3;/run/x=4  Server::Starter's clients
 *   EINHORN            EINHORN_FD_COUNT=2 EINHORN_FD_0=3 …          einhorn's clients
 *   NGINX              NGINX=3;4;
 *   PHP_FPM            FPM_SOCKETS=127.0.0.1:80=3,/run/x=4
 *   UNICORN            UNICORN_FD=3,4
 *   PUMA               PUMA_INHERIT_0=3:tcp://127.0.0.1:80
 *   STDIN              no name: the spawner puts the first listener at descriptor 0 too
 *
 * Three names are known only between fork and exec (of whom, and by whom, it is started); they
 * are left out here, and listen_env_late_names() says which of them the chain loader must set.
 */
#pragma once

#include "wire/fault.h"
#include "wire/spec.h"

enum {
    LISTEN_FD_FIRST = 3, /* SD_LISTEN_FDS_START */
};

/* What one worker is given. All borrowed. */
struct handover {
    const struct listener_spec *listeners;
    size_t listener_n;
    uint32_t dialects; /* of enum dialect */
    const char *app;
    uint32_t slot;
    uint64_t revision;
    const char *release;        /* NULL: none */
    const char *notify_socket;  /* path, or "@abstract"; NULL: none */
    const char *journal_stream; /* "DEVICE:INODE" of its stderr (systemd.exec(5)); NULL: none */
    struct span watchdog;       /* 0: none is asked for */
    const char *einhorn_socket; /* path; NULL: none */
    const char *const *environment; /* "NAME=value", NULL-ended: of the pinned revision */
};

/* The worker's whole environment: what the handover says, then its `environment` without the
 * names that are said already, and without any LISTEN_*, NOTIFY_SOCKET, WATCHDOG_*, EINHORN_*,
 * SERVER_STARTER_* and RELOADD_*, which would speak of descriptors that this worker does not
 * have. *ret_environment is NULL-ended and the caller's (strings_free). Returns 0 or -ENOMEM.
 */
MUST_CHECK int listen_env_build(const struct handover *handover, char ***ret_environment);

enum late_name {
    LATE_LISTEN_PID = 1 << 0,         /* LISTEN_PID=getpid() */
    LATE_EINHORN_MASTER_PID = 1 << 1, /* EINHORN_MASTER_PID=getppid(), of the primary */
    LATE_WATCHDOG_PID = 1 << 2,       /* WATCHDOG_PID=getpid() */
};

/* Which names the chain loader sets, of enum late_name. */
uint32_t listen_env_late_names(const struct handover *handover);

/* argv with each {fd:NAME} replaced by the number of that listener's descriptor; a name that no
 * listener has may be its index from 0. *ret_argv is NULL-ended and the caller's
 * (strings_free). Returns 0, -ENOMEM, or 1 with the unknown name and the known ones in
 * `ret_fault`. */
MUST_CHECK int listen_env_expand(const char *const *argv, const struct listener_spec *listeners,
                                 size_t listener_n, char ***ret_argv, struct fault *ret_fault);

/* Whether listen_env_expand() would take it: before anything is started. Returns 0 or 1. */
MUST_CHECK int listen_env_check(const char *const *argv, const struct listener_spec *listeners,
                                size_t listener_n, struct fault *ret_fault);
