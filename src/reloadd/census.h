/* Which worker has which connections (os/connections.h): one walk for all who are asked for,
 * its answer kept with each process (`connections`, `counted`).
 *
 * A walk holds the primary up while it lasts, so its processor time bounds how often it is
 * made: at most a twentieth of one core goes into looking, however many connections there are.
 * Only in the half second after workers have left their queue (DRAIN_READING), it may be half a
 * core.
 */
#pragma once

#include "base/mono.h"
#include "os/connections.h"

#include <stdbool.h>

struct app;
struct process;

struct census {
    struct instant all_at; /* when all were counted; 0: never */
    struct instant last;   /* the end of the last walk */
    struct span cost;      /* its processor time */
};

enum census_hurry {
    CENSUS_AT_LEISURE, /* a twentieth of a core */
    CENSUS_IN_HURRY,   /* half of one */
};

/* When another count is within the bound. */
struct instant census_next(const struct app *app, enum census_hurry hurry);

/* Counts those that drain. Where it can't be seen, they have no connections, and `hidden` says
 * so. */
void census_of_draining(struct app *app);

/* Counts all workers, unless that was done less than 200 ms ago, or is not due. */
void census_of_all(struct app *app);

/* Whether anything is known of the process's connections. */
bool census_knows(const struct process *process);

/* Most and least connections that an admitted worker has, the one divided by the other; 0 where
 * there are less than two of them, or one has none. */
double census_fairness(const struct app *app);
