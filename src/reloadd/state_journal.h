/* The state journal of an app: recovered at the start, appended to by every update, compacted
 * now and then (docs/JOURNAL.md).
 *
 * Where it can't be written, the primary goes on and the journal is `behind`: what is on disk
 * is an older truth. From then on nothing is appended, for lines after a gap would not follow
 * from those before it; the next state_journal_compact() that succeeds writes the whole truth
 * anew.
 */
#pragma once

#include "base/text.h"
#include "core/rollout.h"
#include "reloadd/revisions.h"

struct state_journal;

/* What recovery has to tell the administrator; each is 0 or "" where there is nothing to tell.
 */
struct recovery {
    uint64_t torn_bytes; /* of a last line that was half written: cut */
    char damage[256];    /* where and why; the file was set aside under `aside` */
    char aside[256];
    size_t records;
    bool same_boot; /* the last line was written since this machine was started */
};

/* Opens the journal at `path`, or makes it, and brings `rollout` and `revisions` (both empty)
 * to where it ends. A damaged journal is set aside; what stood before the damage is kept.
 * Returns 0; 1 where it is of another app or a newer format, said in ret_recovery->damage;
 * -errno. */
MUST_CHECK int state_journal_open(const char *path, const char *app, struct rollout *rollout,
                                  struct revisions *revisions,
                                  struct state_journal **ret_journal,
                                  struct recovery *ret_recovery);

/* Whether this program can go on from the journal at `path`; nothing is changed there. Returns
 * 0, also where there is no journal yet; 1 with the reason in ret_recovery->damage; -errno. */
MUST_CHECK int state_journal_check(const char *path, const char *app,
                                   struct recovery *ret_recovery);
void state_journal_free(struct state_journal *journal);

/* The records of an update, made `at` this time, as lines of the journal, each with its "\n",
 * added to `lines`. Returns 0 or -ENOMEM. */
MUST_CHECK int state_journal_encode(struct state_journal *journal, const struct update *update,
                                    const struct revisions *revisions, struct wall at,
                                    struct text *lines);

/* Appends lines; durable before it returns where `durable`. Returns 0, or -errno: it is then
 * behind. */
MUST_CHECK int state_journal_append(struct state_journal *journal, const struct text *lines,
                                    bool durable);

/* Makes durable what was appended. Returns 0, or -errno: it is then behind. */
MUST_CHECK int state_journal_sync(struct state_journal *journal);

/* Replaces the journal by a snapshot. `scratch` is overwritten. Returns 0 or -errno. */
MUST_CHECK int state_journal_compact(struct state_journal *journal,
                                     const struct rollout *rollout,
                                     const struct revisions *revisions, struct instant now,
                                     struct update *scratch);

/* Whether it has grown so much that a snapshot is worth its while. */
bool state_journal_is_long(const struct state_journal *journal);

/* NULL, or why it is behind (static). */
const char *state_journal_trouble(const struct state_journal *journal);
