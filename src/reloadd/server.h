/* The control socket's methods: io.reloadd (docs/io.reloadd.varlink) on this app.
 *
 * Each client has one call at a time. Most are answered at once; those that stream (Reload,
 * Follow, Logs, Events) stay open as a conversation, which hears of everything published.
 */
#pragma once

#include "core/update.h"
#include "reloadd/output.h"

struct app;
struct process;
struct server;

/* Serves `fd`, a listening unix stream socket, and owns it on success. Returns 0 or -errno. */
MUST_CHECK int server_new_take(struct app *app, int fd, struct server **ret_server);
void server_free(struct server *server);

/* What the conversations are told; `server` may be NULL. line: the record as a line of the
 * journal, `size` bytes. */
void server_publish(struct server *server, const struct record *record, const char *line,
                    size_t size);
void server_outcome(struct server *server, const struct effect *outcome);

/* Tells of a worker that drains and whose connections have been counted, where somebody watches
 * a rollout: if the picture is another than the last one, and that was a second ago. */
void server_drains(struct server *server, struct process *process);

/* Whether somebody watches a rollout. */
bool server_is_watched(const struct server *server);
void server_line(struct server *server, const struct output_line *line);
