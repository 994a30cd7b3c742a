/* Readiness seen from outside: while workers of readiness "auto" start, each is looked at again
 * and again until it accepts on one of its listeners (os/accepting.h). Those of "http" and
 * "tcp" are asked from then on (probe.h).
 */
#pragma once

#include "core/worker.h"

#include <stdbool.h>

struct app;
struct process;

/* The program runs: begins to look at it, where its readiness asks for that. An app without a
 * listener has nothing to be seen at: running is ready. */
void readiness_of_started(struct process *process);

/* The same for one that an earlier primary has started, and that is in this state. */
void readiness_of_adopted(struct process *process, enum worker_state state);

/* It says itself that it is ready: it is, or is asked now. */
void readiness_of_said(struct process *process);

/* A call of the worker's was answered with a listener (capturing.h): begins to look at it. */
void readiness_of_captured(struct process *process);

/* Whether it has not even bound a listener yet, and is to. */
bool readiness_waits_for_bind(const struct process *process);

/* One that was not ready in time: says why among its own last lines, where there is more to say
 * than that. Once. */
void readiness_explain(struct process *process);

/* The timer's turn: looks at everybody that is to be looked at. */
void readiness_look(void *app);
