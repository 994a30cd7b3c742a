/* Reads the system journal back: what one unit wrote, or one worker, in the order of its
 * coming.
 *
 *     open -> match, once -> seek -> previous or next, until 1 -> wait -> next …
 *
 * Not the state journal of an app: that is os/journal_file.h.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct journal_reader;

/* A unit of the system's service manager, or of a user's. */
struct journal_unit {
    const char *name; /* "web.service" */
    bool is_user;
    uid_t uid; /* of that user */
};

/* One entry. Strings are the reader's, and valid until it moves. */
struct journal_entry {
    uint64_t at_microseconds; /* since the epoch, when journald got it */
    const char *identifier;   /* SYSLOG_IDENTIFIER; "" where it has none */
    const char *cgroup;       /* of who wrote it; "" where that is not known, as below */
    const char *command;      /* its process's name */
    const char *text;         /* a NUL in it has become "?" */
};

/* Opens this machine's journal files, or those in `directory` (NULL: this machine's), as far as
 * they may be read: see journal_reader_is_denied(). *ret_reader is the caller's. Returns 0;
 * -ENOENT where there is no such directory; -errno. */
MUST_CHECK int journal_reader_open(const char *directory, struct journal_reader **ret_reader);

/* NULL is ignored. */
void journal_reader_free(struct journal_reader *reader);

static inline void cleanup_journal_reader(struct journal_reader **reader)
{
    journal_reader_free(*reader);
}

#define _cleanup_journal_reader_ _cleanup_(cleanup_journal_reader)

/* From now on: what the processes of the unit wrote, and what others say of it: the service
 * manager (that it was killed and started again), and journald (that it dropped lines). Returns
 * 0 or -errno. */
MUST_CHECK int journal_reader_match_unit(struct journal_reader *reader,
                                         const struct journal_unit *unit);

/* From now on: what the processes of the unit wrote under this SYSLOG_IDENTIFIER. Anybody may
 * write under any, and not as any unit. Returns 0 or -errno. */
MUST_CHECK int journal_reader_match_identifier(struct journal_reader *reader,
                                               const struct journal_unit *unit,
                                               const char *identifier);

/* Goes behind the newest entry, for journal_reader_previous(); before the oldest one; or before
 * the oldest one since that time. Each returns 0 or -errno. */
MUST_CHECK int journal_reader_seek_end(struct journal_reader *reader);
MUST_CHECK int journal_reader_seek_begin(struct journal_reader *reader);
MUST_CHECK int journal_reader_seek_time(struct journal_reader *reader,
                                        uint64_t since_microseconds);

/* Goes one entry on, or back. Returns 0 with it; 1: there is none; -errno. A damaged entry is
 * passed over. */
MUST_CHECK int journal_reader_next(struct journal_reader *reader,
                                   struct journal_entry *ret_entry);
MUST_CHECK int journal_reader_previous(struct journal_reader *reader,
                                       struct journal_entry *ret_entry);

enum {
    JOURNAL_READER_TIMEOUT = 1,
    JOURNAL_READER_HUNG_UP = 2,
};

/* Waits until entries may have come, for at most timeout_ms (-1: without end), or until nobody
 * is at the other end of `hang_up_fd` any more (-1: nothing such). Returns at once the first
 * time. Returns 0, JOURNAL_READER_TIMEOUT, JOURNAL_READER_HUNG_UP or -errno. */
MUST_CHECK int journal_reader_wait(struct journal_reader *reader, int hang_up_fd,
                                   int timeout_ms);

/* How this machine's journal files are to the caller. */
enum journal_access {
    JOURNAL_ACCESS_ABSENT, /* there are none */
    JOURNAL_ACCESS_DENIED, /* there are some that may not be read: entries may be missing */
    JOURNAL_ACCESS_GRANTED,
};

enum journal_access journal_access_look(void);
