/* The look at the outside: what a spec names must be there, and is written into its pinned
 * members as it is at this moment.
 *
 * The spec may come from a file with mistakes. Then its members are looked at as far as they
 * were right, and nothing is said where the answer would hang on what is in doubt: a program is
 * not missing because the folder that it counts from is unknown.
 */
#pragma once

#include "wire/config_error.h"
#include "wire/spec.h"

/* What is being pinned, and where complaints go; all borrowed. */
struct pin_request {
    const char *text; /* of the configuration file, for the places of errors; NULL: none */
    size_t size;
    const char *file_directory;     /* relative paths of the file count from here */
    const char *exec_place;         /* where exec[0] was written: a JSON path or a flag */
    const char *const *environment; /* as in struct load_request */
    struct config_errors
        *errors; /* those of the file are in there: they tell what is in doubt */
};

/* Checks and pins; exec may be NULL where the file had none to read. Where it does not return
 * 0, some members may be pinned already; spec_release() ends them all. Returns 0; 1 where
 * errors were added; -ENOMEM. */
MUST_CHECK int pin_spec(const struct pin_request *request, struct spec *spec);
