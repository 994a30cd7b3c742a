/* Environment files, as systemd.exec(5) has them under EnvironmentFile=:
 *
 *     # a comment; so is what begins with ";"
 *     NAME=value with spaces     (space around it is taken off)
 *     NAME="with \" and \\"      (in double quotes, \ goes before " \ ` $ alone)
 *     NAME='as it is'
 *     NAME=over \
 *     two lines
 *
 * Nothing is expanded. Where systemd passes over a mistake (a line without "=", a quote that is
 * not closed, a name that is none), this says so.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>

/* Told of each mistake; `line` from 1, `found` in words. An answer other than 0 stops the
 * reading and is returned. */
typedef int environment_file_complain(void *context, unsigned line, const char *found);

/* Reads `size` bytes. *ret_environment is the caller's (strings_free), NULL where no variable
 * is in there; of several values for one name, the last counts. Returns 0; 1 where there were
 * mistakes, all told; -ENOMEM; or what complain() answered. */
MUST_CHECK int environment_file_decode(const char *text, size_t size,
                                       environment_file_complain *complain, void *context,
                                       char ***ret_environment);
