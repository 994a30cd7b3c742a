/* What the service manager is told over NOTIFY_SOCKET (sd_notify(3)).
 *
 *   READY                once the first revision serves; at once where workers were adopted
 *   RELOADING, READY     around every later rollout
 *   STOPPING             from the first wish to stop on
 *   STATUS               a line that reads well in `systemctl status`
 *   WATCHDOG             twice as often as WatchdogSec= asks, by the loop's own timer: a loop
 * that hangs says nothing EXTEND_TIMEOUT_USEC  while a start, a reload or a stop is under way:
 * the app's own deadlines decide how long these may take, and TimeoutStartSec= and
 * TimeoutStopSec= only how long the primary may be silent
 *
 * MAINPID never changes: an upgrade executes the new program in place. Without a service
 * manager all of it does nothing.
 */
#pragma once

#include "base/own.h"

struct app;
struct manager;

/* Begins to speak; app->loop is there. *ret_manager is the caller's (manager_free). Returns 0,
 * -ENOMEM, or the -errno of timerfd_create(2). */
MUST_CHECK int manager_new(struct app *app, struct manager **ret_manager);

/* NULL is ignored. */
void manager_free(struct manager *manager);

/* Compares what was said last with how things are, and says what has changed. NULL is ignored.
 */
void manager_update(struct manager *manager);

/* To be called before something that may keep the loop for long, such as writing a snapshot:
 * WATCHDOG=1 may be overdue when it is done. NULL is ignored. */
void manager_alive(struct manager *manager);
