/* The load itself: a closed loop of connections over one epoll set, single-threaded.
 *
 * Each connection makes a request, waits for its answer, and begins the next one at once (or
 * after the pause that its shape or the rate asks for). Nothing is ever retried: a request that
 * got no whole, right answer is lost, its connection rests for 20 ms, and the next request
 * counts by itself.
 *
 * What is *not* a loss: that the server closes a kept connection while no request is on it.
 * Just before a kept connection is used again the client looks whether its end has come
 * already, as every careful client does. A request that was sent counts, also when it crossed
 * with the close.
 */
#pragma once

#include "options.h"
#include "tally.h"

/* Runs until the options or SIGTERM or SIGINT (which must be blocked, and come through
 * `signal_fd`, borrowed) end it, and then until the requests under way are finished; a second
 * signal changes nothing. Blocks. Returns 0 or -errno: the client itself failed, and the tally
 * says nothing. */
MUST_CHECK int client_run(const struct options *options, int signal_fd, struct tally *tally);
