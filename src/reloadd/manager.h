/* What the service manager is told over NOTIFY_SOCKET (sd_notify(3)): READY once the first
 * revision serves, RELOADING while a rollout is under way, STOPPING, and a STATUS line that
 * reads well in `systemctl status`. Without a service manager all of it does nothing.
 */
#pragma once

struct app;

/* Compares what was said last with how things are, and says what has changed. */
void manager_update(struct app *app);
