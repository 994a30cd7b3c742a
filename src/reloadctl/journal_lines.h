/* The lines of an app in the system journal, as line views: what `logs` shows of workers that
 * write there by themselves, whether their primary lives or not.
 *
 * Whose a line is, is told by its identifier (os/system_journal.h). A worker may also write
 * under another, by syslog(3) say: then its cgroup tells which worker it is, but neither its
 * slot nor its revision. All else in the unit is the primary's own, or that of who speaks of
 * it.
 */
#pragma once

#include "os/journal_reader.h"
#include "reloadctl/target.h"
#include "wire/view.h"
#include "wire/wall.h"

/* Which unit an app is. */
struct app_unit {
    char *name;
    bool is_user;
    uid_t uid;
};

void app_unit_release(struct app_unit *unit);

/* The unit of the app's primary, which is at the other end of `fd`; by its name where `fd` is
 * -1, or the primary is in no unit. *ret_unit is the caller's. Returns 0 or -ENOMEM. */
MUST_CHECK int app_unit_find(const struct target *target, int fd, struct app_unit *ret_unit);

/* Which lines are wanted. With a slot or a revision, only those of workers are. */
struct line_wish {
    const char *app;
    struct optional_int slot;
    struct optional_int revision;
    struct optional_int lines; /* the newest so many; absent: all */
    struct wall since;         /* not before this; 0: whenever */
};

/* Whether the entry is wanted, as a view that borrows from it. */
bool journal_line_take(const struct line_wish *wish, const struct journal_entry *entry,
                       struct line_view *ret_line);

/* The first of the wanted lines that are there, or the next one, as matched by the reader. The
 * line is valid until the next call. Return 0 with it, 1: there is none (yet), -errno. */
MUST_CHECK int journal_lines_first(struct journal_reader *reader, const struct line_wish *wish,
                                   struct line_view *ret_line);
MUST_CHECK int journal_lines_next(struct journal_reader *reader, const struct line_wish *wish,
                                  struct line_view *ret_line);
