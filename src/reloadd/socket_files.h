/* The files of unix listeners that captured workers may remove (os/socket_file.h): each has a
 * second link, and is there again as soon as the kernel says that it went (inotify(7)).
 *
 * Between the two a client finds nobody, for as long as this process takes to be scheduled.
 */
#pragma once

struct app;
struct listener;
struct process;

/* Watches over a unix listener's file from now on; nothing happens for others. That it can't be
 * done is said. */
void socket_files_keep(struct app *app, const struct listener *listener);

/* The same for all listeners that a worker will be given. */
void socket_files_keep_for(struct process *process);

/* Puts those back that are missing. */
void socket_files_restore(struct app *app);

void socket_files_release(struct app *app);
