/* With which rights a thread would have made a call that somebody else makes for it: who binds
 * an address in the place of a program (os/capture.h) is not to give it more than it has.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rights {
    uid_t file_uid; /* as whom it is judged, and owns what it makes, in the file system */
    gid_t file_gid;
    mode_t umask;
    uint64_t capabilities; /* effective ones (capabilities(7)), one bit each */
};

/* Reads those of a thread (/proc/TID/status). Returns 0; 1 where there is no such thread;
 * -EBADMSG; -errno. */
MUST_CHECK int rights_read(pid_t thread, struct rights *ret_rights);

/* Whether it may bind this TCP port, in our own network namespace. */
bool rights_allow_port(const struct rights *rights, uint16_t port);

/* From here on this thread's work in the file system is judged, and owned, as the other's
 * (setfsuid(2), whose capabilities go along); `before` is what rights_return() takes it back
 * to. Supplementary groups stay ours. */
void rights_take_on(const struct rights *rights, struct rights *ret_before);
void rights_return(const struct rights *before);
