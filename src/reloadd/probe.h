/* The directed probe (readiness.type "http" and "tcp"): a worker is asked whether it serves, by
 * a connection that goes to it alone (lanes.h), also while it gets no other traffic yet.
 *
 * A candidate that was seen to accept is asked at once, then each interval: one good answer
 * makes it ready, `failures` bad ones in a row fail it. It is asked on while min_ready_seconds
 * pass; and with `liveness` as long as it serves: what then fails is the core's to replace
 * (core/recycle.c).
 *
 * A primary that ends takes its questions along, and the next one asks anew: whoever was
 * unhealthy has failed it `failures` times more before anything follows.
 */
#pragma once

#include "wire/spec.h"

#include <stddef.h>

struct app;
struct process;
struct reason;

enum { PROBE_WORDS_SIZE = 256 };

/* Begins to ask, where the worker's readiness wants it and nobody asks yet. */
void probe_begin(struct process *process);

/* The same for one that an earlier primary has begun to ask: each in its own part of the
 * interval. */
void probe_begin_adopted(struct process *process);

/* Ends it; a question that is under way is given up. */
void probe_end(struct process *process);

/* What is asked, such as "http://127.0.0.1:8080/healthz"; "" where that is nothing. Returns
 * text. */
const char *probe_target(const struct app *app, const struct spec *spec,
                         char text[static PROBE_WORDS_SIZE]);

/* What bad answers came to, such as "answered 500, expected 2xx (2 in a row)"; NULL where the
 * last one was good, or there is none. Returns text or NULL. */
const char *probe_words(const struct process *process, char text[static PROBE_WORDS_SIZE]);
