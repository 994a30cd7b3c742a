/* Whether accept(2) on the listeners blocks, kept over the death of a primary.
 *
 * O_NONBLOCK belongs to the open file description, which all workers share with the service
 * manager, and a listening socket has no second one. Programs set it or leave it as they need
 * it; but systemd sets or clears it on the sockets of socket units whenever it starts the
 * service (NonBlocking=, systemd.service(5)), also under workers that are alive. An event loop
 * whose socket is made to block stands still in accept(2) until somebody connects; so the unit
 * says NonBlocking=yes, which changes nothing for nearly all programs, and where the workers'
 * accept(2) is to block, the next primary clears the flag first of all.
 *
 * What it was is known by an empty file in the runtime directory for each listener whose flag
 * is set.
 */
#pragma once

struct app;

/* Makes those that were handed over, and that no worker has yet, block, as every program
 * expects it (os/listener.h). */
void blocking_begin(struct app *app);

/* Writes down how the listeners are now: a worker that is ready has set them up as it needs
 * them. */
void blocking_remember(struct app *app);

/* Puts the flags of the sockets that were just handed over as they were, before anything else
 * is done that might fail: workers accept on them meanwhile. */
void blocking_restore(struct app *app);
