/* The one thing that einhorn's clients say to their master: that they serve. A worker connects
 * to EINHORN_SOCK_PATH and writes the line
 *
 *     {"command":"worker:ack","pid":PID}
 */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <stdint.h>

/* Reads one line, with or without its "\n". Other members are ignored, as einhorn does. Returns
 * 0 with the pid (> 0), 1 where it is no acknowledgement, or -ENOMEM. */
MUST_CHECK int einhorn_ack_parse(const char *line, size_t size, int32_t *ret_pid);
