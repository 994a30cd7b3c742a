/* The shell's side of revisions: what each one runs (its pinned spec, as long as the core has
 * it) and what became of it (for `reloadctl history`, the newest REVISIONS_HISTORY_MAX).
 */
#pragma once

#include "wire/history.h"
#include "wire/spec.h"

enum { REVISIONS_HISTORY_MAX = 50 };

struct revision_entry {
    bool pinned; /* spec and spec_text are there: the core has the revision */
    struct spec spec;
    char *spec_text;
    struct history_entry history;
};

struct revisions {
    struct revision_entry *items; /* ascending by history.revision */
    size_t n;
};

void revisions_release(struct revisions *revisions);

/* NULL: not known. Borrowed, valid until the next add. */
struct revision_entry *revisions_find(const struct revisions *revisions, uint64_t revision);

/* Adds a revision, or pins one of which only history was known. Takes `spec` and `spec_text`
 * (both are empty afterwards) on success. Returns 0 or -ENOMEM. */
MUST_CHECK int revisions_pin_take(struct revisions *revisions, uint64_t revision,
                                  struct wall accepted, struct spec *spec, char **spec_text);

/* Sets when it was accepted: as its record has it, so that a restart tells the same. */
void revisions_date(struct revisions *revisions, uint64_t revision, struct wall accepted);

/* Adds, or overwrites, what history says. Takes `history` on success. Returns 0 or -ENOMEM. */
MUST_CHECK int revisions_remember_take(struct revisions *revisions,
                                       struct history_entry *history);

/* The core has no use for its spec any more. */
void revisions_forget(struct revisions *revisions, uint64_t revision);

void revisions_end(struct revisions *revisions, uint64_t revision, struct wall ended,
                   enum outcome outcome, const struct reason *reason);

/* A revision that was not accepted after all. */
void revisions_remove(struct revisions *revisions, uint64_t revision);
