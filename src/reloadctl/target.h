/* Which app is meant, and where its control socket is. */
#pragma once

#include "base/own.h"

#include <stdbool.h>

struct target {
    char *name;
    char *path; /* of the control socket */
};

void target_release(struct target *target);

/* Finds the app `name`; NULL: the one that is there. *ret_target is the caller's. Returns 0, or
 * the exit code (positive) with the reason said on stderr: the name is none, or was left out
 * where there is none or more than one. Whether the app runs is not asked when it has a name.
 */
MUST_CHECK int target_find(const char *name, struct target *ret_target);

/* What became of an attempt to reach a control socket. */
enum reach {
    REACH_DONE,
    REACH_ABSENT, /* no such socket */
    REACH_STALE,  /* the socket's file is there, its primary is not */
    REACH_DENIED, /* permission denied */
    REACH_BUSY,   /* its backlog is full, and stayed so */
    REACH_FAILED, /* anything else */
};

/* Connects to the target; *ret_fd is the caller's. Waits for at most a few seconds. With
 * REACH_FAILED, *ret_error is the -errno. */
enum reach target_connect(const struct target *target, int *ret_fd, int *ret_error);

/* Says on stderr why the target was not reached. */
void target_complain(const struct target *target, enum reach reach, int error);

/* In two words, such as "not running"; NULL for REACH_DONE. Static. */
const char *reach_words(enum reach reach);
