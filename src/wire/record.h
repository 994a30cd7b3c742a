/* The core's records as lines of the state journal, and back (docs/JOURNAL.md).
 *
 * The state journal is JSON Lines: a header, then one object a line, each with a checksum. This
 * file knows single lines; wire/journal.h reads a whole file of them. Members that a line has
 * beyond those of its kind are ignored, so that a later version of the same format may add
 * some; a kind that is not known is an error, for its effect on the state would be missed.
 */
#pragma once

#include "base/boot_id.h"
#include "core/update.h"
#include "wire/fault.h"
#include "wire/wall.h"

enum {
    JOURNAL_FORMAT = 1,
};

/* What the shell adds to a record. */
struct record_stamp {
    uint64_t seq;            /* one more than the line before it */
    struct wall time;        /* for people */
    char boot[BOOT_ID_SIZE]; /* whose monotonic clock the record's instants are of */
};

/* `record` as one line with its "\n"; *ret_line is the caller's (free).
 * spec_text: the revision's spec as spec_encode() writes it, for RECORD_REVISION_ACCEPTED; NULL
 * otherwise. Returns 0, -ENOMEM, or -EINVAL where spec_text is no JSON object. */
MUST_CHECK int record_encode(const struct record *record, const struct record_stamp *stamp,
                             const char *spec_text, char **ret_line);

/* The inverse. The line may end with "\n" or not. *ret_spec_text is the caller's (free), NULL
 * where the line has no spec; for spec_decode(). Members that its kind does not use are zero.
 * Returns 0, -ENOMEM, or 1: this is no record, and `ret_fault` (may be NULL) says why. */
MUST_CHECK int record_decode(const char *line, size_t size, struct record *ret_record,
                             struct record_stamp *ret_stamp, char **ret_spec_text,
                             struct fault *ret_fault);
