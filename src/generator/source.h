/* What an app's configuration says at the time when units are made of it. A file that is wrong
 * now must not take the sockets away from an app that runs: what its primary accepted last
 * counts then.
 */
#pragma once

#include "wire/config_error.h"
#include "wire/spec.h"

enum source_kind {
    SOURCE_CONFIG,   /* the file is right */
    SOURCE_ACCEPTED, /* the file is wrong; the spec is what the running primary accepted last */
    SOURCE_NOTHING,  /* the file is wrong, and no primary runs: the spec has defaults alone */
};

/* Reads the configuration `path` of `app`, whose name is valid. *ret_spec is the caller's
 * (spec_release). `errors` gets what is wrong with the file. Never blocks on what is no regular
 * file. Returns 0; 1 where it is a folder, a pipe or the like, and *ret_spec is as it was;
 * -ENOMEM. */
MUST_CHECK int source_read(const char *app, const char *path, struct spec *ret_spec,
                           enum source_kind *ret_kind, struct config_errors *errors);
