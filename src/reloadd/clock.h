/* Wall time, for people: what the primary shows and writes down beside its instants. And the
 * time that it has spent itself. */
#pragma once

#include "base/mono.h"
#include "wire/wall.h"

struct wall clock_wall(void);

/* The wall time of an instant of this boot, seen from now. 0 for INSTANT_NEVER. A clock that
 * was set meanwhile moves it along. */
struct wall clock_wall_of(struct instant at);

/* Processor time that this thread has used. */
struct span clock_processor(void);
