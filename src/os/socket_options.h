/* What is set on a listening socket beside its address: from one socket to another.
 *
 * systemd sets such options (systemd.socket(5)), and servers set them on their own listeners,
 * mostly for the sake of the connections that are accepted from it, which inherit them. A lane
 * has what its base has (os/steering.h); a listener that takes the place of a program's own
 * socket (os/capture.h) has what the program had set.
 */
#pragma once

#include "base/own.h"

/* Sets on `to` all that `from` has, O_NONBLOCK too; both stay the caller's. Options that one of
 * them does not know are passed over. Returns 0 or -errno. */
MUST_CHECK int socket_options_copy(int from, int to);

/* Sets on `to` what differs on `from` from a socket of its kind that was just opened: what a
 * program has chosen, and nothing else. What belongs to where it is bound stays as it is, and
 * so does O_NONBLOCK; what can't be set is passed over. Returns 0; -errno where nothing could
 * be compared. */
MUST_CHECK int socket_options_copy_chosen(int from, int to);
