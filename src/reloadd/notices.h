/* What the loop tells the app of by itself: its timers and signals. What is heard of workers is
 * in process.h, what clients say in server.h.
 */
#pragma once

#include "base/own.h"

struct app;

/* Begins to listen; app->loop is there. Returns 0 or -errno; notices_forget() in either case.
 */
MUST_CHECK int notices_watch(struct app *app);
void notices_forget(struct app *app);
