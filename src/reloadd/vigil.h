/* Who watches over workers while there is no primary.
 *
 * ExecStopPost= (reloadd/sweep.h) leaves them alone where the service manager is going to start
 * the primary again. If it then does not (somebody asks for a stop just then, a start limit is
 * reached, a dependency is gone), it runs nothing of the unit's any more, and they would live
 * for ever. So the sweep leaves a process behind, in the unit's .control, which waits:
 *
 *   the primary is ready                     it leaves
 *   the unit is stopped or failed for good   it ends what is left over, and leaves
 *   another primary has ended                its sweep leaves a watcher of its own, which ends
 *                                            this one
 *
 * So there is one of them at most, with nothing but its standard error and a lock.
 */
#pragma once

struct unit_view;

/* Forks it; it never returns from here. The caller does not wait for it. That it can't be had
 * is told in the log. */
void vigil_begin(const char *app, const struct unit_view *view);
