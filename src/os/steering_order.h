/* Which place in its group does each lane have? The kernel tells nobody: not getsockopt(2), and
 * the order of sock_diag's answers is another one as soon as a socket has left. So it is tried.
 *
 * Each lane is marked, place by place a directed probe is sent (the plan in force goes on for
 * everybody else), and the answer shows the mark of the lane that it came from. The mark is the
 * greatest segment that the lane says it takes (TCP_MAXSEG), for that is in the SYN-ACK; it is
 * one that no real network reaches, so only connections over loopback within this millisecond
 * have segments of 16,000 bytes rather than 32,000. Our end holds its ACK back
 * (TCP_DEFER_ACCEPT on a socket that connects) and then resets: the handshake never ends, so
 * neither queue nor worker sees anything of it.
 *
 * About 20 µs a lane.
 */
#pragma once

#include "base/own.h"
#include "os/steering_program.h"

#include <stddef.h>
#include <stdint.h>

#define STEERING_INDEX_NONE UINT32_MAX

/* Finds the places of `count` lanes, at most STEERING_SHARES_MAX, all of one group: the place
 * of lanes[i] is ret_indexes[i], STEERING_INDEX_NONE where none is found. `plan` is in force
 * during it and afterwards, as steering_apply() would leave it, so it has to be one that is
 * right as far as can be known (of the journal); it has at most STEERING_PROBES_MAX − 1 probes.
 * Blocks for 100 ms for each lane that does not answer, its queue being full. SO_REUSEPORT is
 * set where a worker has taken it away; a lane's own TCP_MAXSEG is kept. Written only on 0 and
 * 1. Returns 0; 1 where not all were found (not in this group, shut down, silent); 2 where the
 * listener can't be probed (steering_probe_open()); -ENOTCONN where no lane listens, or one is
 * alone and there is no group yet; -EPERM where all filters are locked; -errno. */
MUST_CHECK int steering_order_learn(const int *lanes, size_t count,
                                    const struct steering_plan *plan, uint32_t *ret_indexes);
