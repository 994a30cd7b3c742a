/* How a worker is asked to go.
 *
 * All workers of an app accept from one queue, and a program that gets its drain signal may
 * close connections that it has accepted and not yet read from: uvicorn does. So the worker is
 * first taken off the queue (os/detach.h), then left to read what its clients have already sent
 * (os/unread.h), and only then signalled. The wait is short and bounded; the drain deadline
 * goes on meanwhile. A program that can't be detached is signalled at once.
 */
#pragma once

struct app;
struct process;

/* Begins, and at some point within DRAIN_QUIET_MAX_MS sends the drain signal. */
void drain_begin(struct process *process);

/* The timer's turn: looks at every worker that is on its way to its signal. */
void drain_look(void *app);

enum {
    DRAIN_QUIET_MAX_MS = 500,
};
