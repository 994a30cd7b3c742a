/* ExecStopPost=: what is to be done when a primary has ended, however it did.
 *
 *   a stop was asked for, or it will not be started again
 *       its workers, which outlive it (KillMode=process), are ended with all their descendants
 *   it will be started again
 *       its workers are left alone, for the next primary; should it not come after all, who
 *       stays behind ends them (reloadd/vigil.h)
 *
 * and nothing else; which of them it is, the service manager knows best, so it is asked. Where
 * it can't be asked, workers are ended only if the primary's own exit code says that it is done
 * (RELOADD(8)).
 *
 * Also here, as nobody else runs at that moment: a primary that was not ready yet is a little
 * later started again, so that one that can't start does not busy the machine; and before
 * systemd 254 the controllers of the workers' cgroups are taken back, or the next primary could
 * not join the unit's.
 */
#pragma once

#include "base/own.h"

/* Must be run by the service manager, with $SERVICE_RESULT and the like (systemd.exec(5)), in
 * the unit's own cgroup or its .control. Blocks for some seconds at most. Returns an exit code.
 */
MUST_CHECK int sweep_run(const char *app);
