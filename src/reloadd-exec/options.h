/* The command line of reloadd-exec. */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    LIMITS_MAX = 32,
};

struct options {
    int status_fd; /* -1: by hand, errors go to standard error */
    bool own_group;
    const char *cgroup;
    const char *limits[LIMITS_MAX]; /* "NAME=SOFT[:HARD]" */
    size_t limit_count;
    const char *capture; /* "internet" or "all"; NULL: no filter */
    int capture_fd;      /* where its descriptor goes */
    bool capture_optional;
    const char *user;
    const char *group;
    const char *directory;
    int parent_death_signal; /* 0: none */
    pid_t parent;            /* 0: not asked */
    bool listen_pid;
    bool einhorn_pid;
    bool watchdog_pid;
    bool help;
    bool version;
    const char *argv0; /* NULL: the program as it was given */
    char **program;    /* NULL-ended: the rest of the command line */
};

/* Reads the command line; strings are borrowed from it. Says what is wrong with it on standard
 * error where no --status-fd came before. Returns 0, or 1 where it is wrong; *ret_wrong is then
 * the word or what is missing. */
MUST_CHECK int options_parse(int argc, char **argv, struct options *ret_options,
                             const char **ret_wrong);

/* The signal of a name or number ("KILL", "SIGKILL", "9"), or 0. */
MUST_CHECK int options_signal(const char *text);

extern const char options_help[];
