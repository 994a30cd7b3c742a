/* The names that a configuration and a journal give to what C has as numbers: signals, the
 * dialects of delivery, the kinds of dispatch, the ways to be ready, and what a drain waits
 * for.
 */
#pragma once

#include "wire/spec.h"

#include <stdbool.h>

/* The number of "SIGTERM", "TERM", "SIGRTMIN+3" or "RTMAX-1", or 0 where it names no signal. */
MUST_CHECK int signal_from_name(const char *name);

/* All dialects' names, in the order of their bits; NULL-ended. */
extern const char *const dialect_names[];

/* The bit of a dialect, or 0 where the name is none. */
uint32_t dialect_from_name(const char *name);

/* DISPATCH_N where the name is none; the inverse is dispatch_names. */
enum dispatch dispatch_from_name(const char *name);
extern const char *const dispatch_names[DISPATCH_N];

/* "inherit", "auto", "capture". Static. */
const char *delivery_name(enum delivery delivery);

/* DELIVERY_N where the name is none. */
enum delivery delivery_from_name(const char *name);

/* READINESS_N where the name is none. */
enum readiness readiness_from_name(const char *name);

/* Static. */
const char *drain_wait_name(enum drain_wait wait);

/* DRAIN_WAIT_N where the name is none. */
enum drain_wait drain_wait_from_name(const char *name);
