/* Capture in the primary: binds and listens of a worker are answered with the app's listeners
 * (os/capture.h), so that a program that knows nothing of us shares them as others do.
 *
 *     channel-7   the end of a socket pair that worker 7's loader sends its filter to
 *     capture-7   that filter's descriptor, from which its calls are received
 *
 * The channel is in the service manager's store before the worker is born, and leaves it when
 * the filter's descriptor is there. So a worker that binds while there is no primary waits for
 * the next one, whenever the last one died.
 *
 * What is captured: bind(2) of one of the revision's listeners (binding.h); where its
 * configuration has no `listen`, of any TCP or unix stream address, which becomes a listener if
 * it is none yet; and listen(2) on a listener of ours, which is answered without a touch of its
 * backlog. In the latter case also listen(2) on a socket that was bound with port 0: the n-th
 * such listener of all workers is the same one. All else passes. A program gets no more rights
 * by it than it has: a discovered port below 1024 and the file of a discovered unix socket are
 * opened by the worker's rights.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"
#include "os/spawn.h"
#include "wire/spec.h"

#include <stdbool.h>

struct app;
struct capturing;
struct listener;
struct process;

/* Makes the channel of a worker that is about to be born and is to be captured, has it kept,
 * and says so in *spawn, whose end of it is the caller's to close; -1: it is not to be. Returns
 * 0 or -errno. */
MUST_CHECK int capturing_prepare(struct process *process, const struct spec *spec,
                                 struct spawn_request *spawn);

/* It is born: from now on its filter is waited for. Returns 0 or -errno. */
MUST_CHECK int capturing_begin(struct process *process);

/* Takes what an earlier primary has left of a worker's in the store. Its calls are answered
 * after capturing_resume(). Returns 0, also where nothing is left; -errno. */
MUST_CHECK int capturing_adopt(struct process *process);

/* All workers are adopted: answers what waits, and renews what the earlier primary had received
 * and not answered. */
void capturing_resume(struct app *app);

/* Frees it; where `ends`, the store forgets it, too. */
void capturing_release(struct process *process, bool ends);

/* Whether the worker's calls are told of: it has a filter, or is about to. */
bool capturing_is_on(const struct process *process);

/* How it got its sockets: "capture" where any call of its own was answered with one, else
 * "inherit". Static. */
const char *capturing_delivery(const struct process *process);

/* Whether it has bound a listener that its configuration does not have. */
bool capturing_has_bound(const struct process *process, const struct listener *listener);

/* Whether any call of its own was answered with a listener. */
bool capturing_was_used(const struct process *process);

/* When it called listen(2) on a listener for the first time; never: it did not. */
struct instant capturing_listened(const struct process *process);

/* The descriptors for an upgrade in place, borrowed; -1: there is none. */
MUST_CHECK int capturing_channel(const struct process *process);
MUST_CHECK int capturing_filter(const struct process *process);
