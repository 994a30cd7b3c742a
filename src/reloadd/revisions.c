#include "reloadd/revisions.h"

#include "base/error.h"
#include "wire/strings.h"

#include <string.h>

static void entry_unpin(struct revision_entry *entry)
{
    spec_release(&entry->spec);
    entry->spec = (struct spec){0};
    free(entry->spec_text);
    entry->spec_text = NULL;
    entry->pinned = false;
}

static void entry_release(struct revision_entry *entry)
{
    entry_unpin(entry);
    history_entry_release(&entry->history);
}

void revisions_release(struct revisions *revisions)
{
    for (size_t i = 0; i < revisions->n; i++)
        entry_release(&revisions->items[i]);
    free(revisions->items);
    *revisions = (struct revisions){0};
}

struct revision_entry *revisions_find(const struct revisions *revisions, uint64_t revision)
{
    for (size_t i = 0; i < revisions->n; i++)
        if (revisions->items[i].history.revision == revision)
            return &revisions->items[i];
    return NULL;
}

static void revisions_remove_at(struct revisions *revisions, size_t i)
{
    entry_release(&revisions->items[i]);
    revisions->n--;
    memmove(&revisions->items[i], &revisions->items[i + 1],
            (revisions->n - i) * sizeof(revisions->items[0]));
}

/* Makes room in the history; what is pinned stays, however old. */
static void revisions_trim(struct revisions *revisions)
{
    for (size_t i = 0; i < revisions->n && revisions->n >= REVISIONS_HISTORY_MAX;) {
        if (revisions->items[i].pinned)
            i++;
        else
            revisions_remove_at(revisions, i);
    }
}

/* A new, empty entry at its place in the order. NULL: out of memory. */
static struct revision_entry *revisions_insert(struct revisions *revisions, uint64_t revision)
{
    struct revision_entry *items;
    size_t i;

    revisions_trim(revisions);
    items = reallocarray(revisions->items, revisions->n + 1, sizeof(*items));
    if (!items)
        return NULL;
    revisions->items = items;
    for (i = revisions->n; i > 0 && items[i - 1].history.revision > revision; i--)
        items[i] = items[i - 1];
    revisions->n++;
    items[i] = (struct revision_entry){.history.revision = revision};
    return &items[i];
}

static int describe(struct history_entry *history, const struct spec *spec)
{
    history->executable = strdup(spec->pinned_executable ? spec->pinned_executable : "");
    history->working_directory = strdup(spec->pinned_directory ? spec->pinned_directory : "");
    if (spec->release)
        history->release = strdup(spec->release);
    if (!history->executable || !history->working_directory ||
        (spec->release && !history->release))
        return -ENOMEM;
    return strings_copy((const char *const *)spec->exec,
                        strings_count((const char *const *)spec->exec), &history->exec);
}

int revisions_pin_take(struct revisions *revisions, uint64_t revision, struct wall accepted,
                       struct spec *spec, char **spec_text)
{
    struct revision_entry *entry = revisions_find(revisions, revision);

    if (!entry) {
        int r;

        entry = revisions_insert(revisions, revision);
        if (!entry)
            return -ENOMEM;
        entry->history.accepted = accepted;
        r = describe(&entry->history, spec);
        if (r < 0) {
            revisions_remove(revisions, revision);
            return r;
        }
    }
    entry_unpin(entry);
    entry->pinned = true;
    entry->spec = *spec;
    *spec = (struct spec){0};
    entry->spec_text = take_ptr(*spec_text);
    return 0;
}

void revisions_date(struct revisions *revisions, uint64_t revision, struct wall accepted)
{
    struct revision_entry *entry = revisions_find(revisions, revision);

    if (entry)
        entry->history.accepted = accepted;
}

int revisions_remember_take(struct revisions *revisions, struct history_entry *history)
{
    struct revision_entry *entry = revisions_find(revisions, history->revision);

    if (!entry)
        entry = revisions_insert(revisions, history->revision);
    if (!entry)
        return -ENOMEM;
    history_entry_release(&entry->history);
    entry->history = *history;
    *history = (struct history_entry){0};
    return 0;
}

void revisions_forget(struct revisions *revisions, uint64_t revision)
{
    struct revision_entry *entry = revisions_find(revisions, revision);

    if (entry)
        entry_unpin(entry);
}

void revisions_end(struct revisions *revisions, uint64_t revision, struct wall ended,
                   enum outcome outcome, const struct reason *reason)
{
    struct revision_entry *entry = revisions_find(revisions, revision);

    if (!entry)
        return;
    entry->history.ended = ended;
    entry->history.outcome = outcome;
    entry->history.reason = *reason;
}

void revisions_remove(struct revisions *revisions, uint64_t revision)
{
    const struct revision_entry *entry = revisions_find(revisions, revision);

    if (entry)
        revisions_remove_at(revisions, (size_t)(entry - revisions->items));
}
