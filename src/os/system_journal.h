/* The system journal (systemd-journald), as the place that workers write to.
 *
 * A worker's output is a stream socket to journald, made by the primary and then the worker's
 * own: it goes on when the primary is dead, and journald keeps it over a restart of its own.
 * Whose line it is stands in its SYSLOG_IDENTIFIER, which is made when the stream is, and is
 * the only thing of ours in it:
 *
 *     web-r3-w12-s2     app web, revision 3, worker 12, which is in slot 2
 *
 * All else journald sees by itself: _PID is who wrote the line, _SYSTEMD_UNIT and
 * _SYSTEMD_CGROUP are its. docs/LOGS.md tells what follows from that.
 *
 * Not the state journal of an app: that is os/journal_file.h.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SYSTEM_JOURNAL_IDENTIFIER_SIZE =
        128, /* "-r", "-w", "-s", their numbers, 64 bytes of name */
    SYSTEM_JOURNAL_APP_SIZE = 65,
    SYSTEM_JOURNAL_STREAM_NAME_SIZE = 44,
};

/* What an identifier tells. */
struct system_journal_source {
    char app[SYSTEM_JOURNAL_APP_SIZE];
    uint64_t revision;
    uint64_t worker;
    uint32_t slot;
};

/* The identifier of a worker. `app` is a valid name of an app (os/directories.h). */
void system_journal_identifier(const char *app, uint64_t revision, uint64_t worker,
                               uint32_t slot,
                               char identifier[static SYSTEM_JOURNAL_IDENTIFIER_SIZE]);

/* The inverse, strictly: only what system_journal_identifier() writes is one. Returns 0, or 1
 * where it is none. */
MUST_CHECK int system_journal_parse(const char *identifier,
                                    struct system_journal_source *ret_source);

/* Opens a stream: each line that is written to it is an entry of that identifier, of priority
 * "info" unless it begins with "<3>" or the like, which is taken off (sd-daemon(3)). One does
 * for stdout and stderr, as for any unit: so their lines stay in order. *ret_fd is the
 * caller's, and close-on-exec.
 *
 * Waits for nobody: journald takes a connection before it looks at it, and one whose queue of
 * these is full counts as an error. A journald that hangs is the writer's affair, who then
 * waits in write(2).
 *
 * Returns 0; 1 where there is no journald (no socket, or nobody listens on it); -EAGAIN where
 * it hangs; -errno. */
MUST_CHECK int system_journal_stream(const char *identifier, int *ret_fd);

/* What $JOURNAL_STREAM says of a stream, "DEVICE:INODE", by which a program sees that its
 * stderr is the journal (systemd.exec(5)). Returns 0 or -errno. */
MUST_CHECK int system_journal_stream_name(int fd,
                                          char name[static SYSTEM_JOURNAL_STREAM_NAME_SIZE]);
