/* The beginning of a primary whose predecessor has died, and whose workers have not.
 *
 * The journal says what there was, the service manager's store and the kernel what there is.
 * What both have is adopted; what has ended meanwhile, the core is told of; what was begun and
 * not written down is ended; what lives and was never written down (a damaged journal) is
 * found. Then EVENT_ADOPT goes on with the rollout that was under way. The configuration is not
 * read: it may be half of a deploy, and nobody has asked for a reload.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

struct app;

/* Whether there is anybody to adopt. After journal, store and place are there. */
bool recover_is_due(const struct app *app);

/* Whether there is somebody to adopt, and something that adopting needs is missing, as for the
 * want of a descriptor: to be tried again, for others must not be started beside them. */
bool recover_is_hindered(const struct app *app);

/* Opens the listeners of every revision in use, and takes back their lanes; listeners that
 * can't be had are said, and their revision's workers go on with theirs. Returns 0; -errno,
 * where the next primary must try again. */
MUST_CHECK int recover_listeners(struct app *app);

/* Takes over what workers of an earlier primary have bound, and no configuration has: until the
 * next rollout shows who binds it. Returns 0 or -ENOMEM. */
MUST_CHECK int recover_discovered(struct app *app);

/* Adopts, and posts what the core must hear. Returns 0; -errno, where the next primary must try
 * again: nothing was ended then. */
MUST_CHECK int recover_begin(struct app *app);
