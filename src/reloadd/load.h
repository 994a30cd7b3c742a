/* From what the administrator wrote to what a revision runs: the configuration file, the flags
 * of the command line over it, a look at the outside (is the program there, does the user
 * exist), and all of it pinned, so that a worker started next week runs what was accepted
 * today.
 *
 * Everything that is wrong is told at once: a mistake in the file does not hide that a program
 * is missing. But nothing is told that may be the mere consequence of another mistake, and a
 * file that is no JSON ends it all.
 */
#pragma once

#include "wire/config_error.h"
#include "wire/spec.h"

/* All borrowed; all but `environment` may be NULL. */
struct load_request {
    const char *config_path;
    const char *const *listen;      /* --listen, NULL-ended; replaces `listen` of the file */
    const char *workers;            /* -i */
    char *const *command;           /* replaces `exec` */
    const char *const *environment; /* what workers get beside what the file says; NULL-ended */
    const char *release;            /* the user's label of the revision */
};

/* Reads, checks and pins. Reads files and may ask a directory service for users: blocks for so
 * long. *ret_spec is the caller's (spec_release). Errors of the file are told with their place,
 * those of flags under "--listen", "--workers" and, for the command, "--".
 * Returns 0; 1 where errors were added; -ENOMEM. */
MUST_CHECK int load_spec(const struct load_request *request, struct spec *ret_spec,
                         struct config_errors *errors);
