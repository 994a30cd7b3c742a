/* What went wrong between fork and the worker's first instruction, as one line on a pipe.
 *
 * The write end of the pipe is close-on-exec in the child. So end of file means that the
 * program runs, and a line means that it never will:
 *
 *     reloadd-exec 1 STEP ERRNO DETAIL\n          reloadd-exec 1 directory 2 /srv/web/current
 *
 * The line is shorter than PIPE_BUF, so it arrives whole or not at all. Its writer may be a
 * child between fork and exec: exec_status_encode() is async-signal-safe.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>

enum exec_step {
    EXEC_STEP_DESCRIPTORS, /* moving them to their places */
    EXEC_STEP_LOADER,      /* running reloadd-exec itself; detail: its path */
    EXEC_STEP_OPTIONS,     /* reloadd-exec was called wrongly */
    EXEC_STEP_GROUP,       /* a process group of its own */
    EXEC_STEP_CGROUP,      /* detail: the folder */
    EXEC_STEP_LIMIT,       /* detail: NAME=VALUE */
    EXEC_STEP_CAPTURE,     /* a capture filter; detail: why not, and what to do */
    EXEC_STEP_USER,        /* detail: the name that is unknown or can't be taken on */
    EXEC_STEP_DIRECTORY,   /* detail: the folder */
    EXEC_STEP_PARENT,      /* the primary died meanwhile */
    EXEC_STEP_ENVIRONMENT, /* out of memory, in all likelihood */
    EXEC_STEP_EXEC,        /* detail: the program */
    EXEC_STEP_INTERPRETER, /* the program is there, what its #! line or ELF header names is not
                            */
    EXEC_STEP_N,
};

enum {
    EXEC_STATUS_DETAIL_MAX = 384, /* with the terminator; longer ones are cut */
    EXEC_STATUS_LINE_MAX = 512,   /* of an encoded line; below PIPE_BUF */
};

struct exec_status {
    enum exec_step step;
    int error; /* positive errno */
    char detail[EXEC_STATUS_DETAIL_MAX];
};

/* The step's name in the line, such as "directory". Static. */
const char *exec_step_name(enum exec_step step);

/* Writes the line, newline included, no terminator. `detail` may be NULL; control characters in
 * it become '?'. Returns its length, at most EXEC_STATUS_LINE_MAX. Async-signal-safe. */
size_t exec_status_encode(enum exec_step step, int error, const char *detail,
                          char line[static EXEC_STATUS_LINE_MAX]);

/* Reads one line of `size` bytes back. Returns 0, or 1 where it is no such line. */
MUST_CHECK int exec_status_decode(const char *line, size_t size,
                                  struct exec_status *ret_status);

/* A sentence without a full stop, such as "could not run /srv/web/app: Permission denied".
 * Writes at most `size` bytes, always terminated. Returns text. */
const char *exec_status_describe(const struct exec_status *status, char *text, size_t size);
