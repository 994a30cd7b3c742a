/* The app as others see it: the views (wire/view.h) of what the primary knows now. */
#pragma once

#include "base/own.h"

#include <stdbool.h>

struct app;
struct connections_view;
struct process;
struct reason;
struct failure_view;

/* The reply of Status, as a whole message; *ret_message is the caller's. Returns 0 or -ENOMEM.
 */
MUST_CHECK int status_message(struct app *app, char **ret_message);

/* The reply of History, likewise. */
MUST_CHECK int history_message(struct app *app, char **ret_message);

enum { FAILURE_TEXT_SIZE = 512 };

/* What was counted last of a worker's connections, as a view. Returns whether anything is known
 * of them. */
bool connections_fill(const struct process *process, struct connections_view *ret_connections);

/* A reason with its words, and with the worker's last lines, as a view that borrows `text` and
 * what the app keeps. Returns whether there is a reason at all. */
bool failure_fill(struct app *app, const struct reason *reason,
                  char text[static FAILURE_TEXT_SIZE], struct failure_view *ret_failure);
