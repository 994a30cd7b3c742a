/* The socket for einhorn's clients: a worker that speaks einhorn's protocol connects to it and
 * says that it is ready (wire/einhorn.h). Which worker it is, the kernel says: by the process
 * group of the peer.
 */
#pragma once

#include "base/own.h"

struct app;
struct einhorn;

/* Listens on RUNTIME/einhorn. Returns 0 or -errno. */
MUST_CHECK int einhorn_new(struct app *app, struct einhorn **ret_einhorn);
void einhorn_free(struct einhorn *einhorn);
