/* Readiness seen from outside: while workers of readiness "auto" start, each is looked at again
 * and again until it accepts on one of its listeners (os/accepting.h).
 */
#pragma once

struct app;
struct process;

/* The program runs: begins to look at it, where its readiness asks for that. An app without a
 * listener has nothing to be seen at: running is ready. */
void readiness_of_started(struct process *process);

/* The same for one that an earlier primary has started, and was not ready when that died. */
void readiness_of_adopted(struct process *process);

/* The timer's turn: looks at everybody that is to be looked at. */
void readiness_look(void *app);
