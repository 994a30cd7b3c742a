/* What is remembered of a revision that the core has forgotten: a journal line of its own kind,
 * written when the journal is compacted, for `reloadctl history` alone. It changes no state.
 */
#pragma once

#include "core/update.h"
#include "wire/record.h"

/* All strings and the vector are owned. A zeroed entry is empty. */
struct history_entry {
    uint64_t revision;
    char *release; /* NULL: none */
    struct wall accepted;
    struct wall ended; /* 0: its rollout has not ended */
    enum outcome outcome;
    struct reason reason;
    char **exec; /* NULL-ended */
    char *working_directory;
    char *executable;
};

void history_entry_release(struct history_entry *entry);

/* `entry` (its three texts but `release` not NULL) as one line with its "\n"; *ret_line is the
 * caller's (free). Returns 0 or -ENOMEM. */
MUST_CHECK int history_encode(const struct history_entry *entry,
                              const struct record_stamp *stamp, char **ret_line);

/* The inverse. The line may end with "\n" or not. *ret_entry is the caller's
 * (history_entry_release). Returns 0, -ENOMEM, or 1: this is no such line, and `ret_fault` (may
 * be NULL) says why. */
MUST_CHECK int history_decode(const char *line, size_t size, struct history_entry *ret_entry,
                              struct record_stamp *ret_stamp, struct fault *ret_fault);
