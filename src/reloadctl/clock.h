/* The two clocks of reloadctl: one to wait by, one to say how long ago something was. */
#pragma once

#include "base/mono.h"
#include "base/own.h"

/* CLOCK_MONOTONIC: deadlines. */
struct instant clock_now(void);

/* CLOCK_REALTIME in seconds since the epoch, as the times of the control protocol are. */
double clock_wall(void);

/* The deadline as poll(2) wants it: milliseconds from now, rounded up; -1 for INSTANT_NEVER. */
MUST_CHECK int clock_poll_timeout(struct instant deadline);
