#include "reloadd/state_journal.h"

#include "base/error.h"
#include "base/text.h"
#include "os/boot_id.h"
#include "os/journal_file.h"
#include "os/text_file.h"
#include "reloadd/clock.h"
#include "wire/journal.h"
#include "wire/line.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
    JOURNAL_READ_MAX = 256 * 1024 * 1024,
    JOURNAL_LONG = 512 * 1024, /* bytes; and at least four times its last snapshot */
};

struct state_journal {
    struct journal_file file;
    char *app;
    char boot[BOOT_ID_SIZE];
    uint64_t seq;       /* of the last line */
    uint64_t compacted; /* the file's size after its last snapshot */
    int error;          /* -errno since it is behind; 0: it is not */
};

static struct record_stamp next_stamp(struct state_journal *journal, struct wall at)
{
    struct record_stamp stamp = {.seq = ++journal->seq, .time = at};

    memcpy(stamp.boot, journal->boot, sizeof(stamp.boot));
    return stamp;
}

/* Recovery. */

struct replay {
    struct rollout *rollout;
    struct revisions *revisions;
    struct recovery *recovery;
    const char *app;
    const char *text;
    size_t size;
    char boot[BOOT_ID_SIZE]; /* of this machine's start */
    uint64_t seq;            /* of the last line that was read */
    bool torn;               /* the last line is half written, and begins at this byte */
    size_t torn_at;
};

static int replay_accepted(struct replay *replay, struct journal_item *item)
{
    struct spec spec = {0};
    int r;

    if (!item->spec_text)
        return 1;
    r = spec_decode(item->spec_text, strlen(item->spec_text), &spec);
    if (r == 0)
        r = revisions_pin_take(replay->revisions, item->record.revision, item->stamp.time,
                               &spec, &item->spec_text);
    spec_release(&spec);
    return r;
}

/* Returns 0, 1 where the record can't follow, -ENOMEM. */
static int replay_record(struct replay *replay, struct journal_item *item)
{
    const struct record *record = &item->record;

    if (rollout_replay(replay->rollout, record) != 0)
        return 1;
    replay->recovery->records++;
    if (record->kind == RECORD_REVISION_ACCEPTED)
        return replay_accepted(replay, item);
    if (record->kind == RECORD_REVISION_FORGOTTEN)
        revisions_forget(replay->revisions, record->revision);
    if (record->kind == RECORD_ROLLOUT_ENDED)
        revisions_end(replay->revisions, record->revision, item->stamp.time, record->outcome,
                      &record->reason);
    return 0;
}

static void say_damage(struct recovery *recovery, const struct journal_item *item,
                       const char *why)
{
    (void)snprintf(recovery->damage, sizeof(recovery->damage), "line %zu (byte %zu): %s",
                   item->line, item->offset, why);
}

/* Nothing is wrong with it, but it isn't ours to read. */
static int replay_foreign(struct replay *replay, const char *why)
{
    (void)snprintf(replay->recovery->damage, sizeof(replay->recovery->damage), "%s", why);
    return -EEXIST;
}

static int replay_header(struct replay *replay, const struct journal_item *item)
{
    char why[128];

    if (strcmp(item->header.app, replay->app) == 0)
        return 0;
    (void)snprintf(why, sizeof(why), "it belongs to the app \"%s\"", item->header.app);
    return replay_foreign(replay, why);
}

/* A header that can't be read though its checksum is right was not damaged: it is of another
 * format. */
static bool header_is_sealed(const struct replay *replay)
{
    const char *end = memchr(replay->text, '\n', replay->size);

    return end && line_is_sealed(replay->text, (size_t)(end - replay->text));
}

static uint64_t newest_revision(const struct revisions *revisions)
{
    return revisions->n > 0 ? revisions->items[revisions->n - 1].history.revision : 0;
}

/* Whether there are revisions that the core has not counted: history stands before the snapshot
 * that counts them. */
static bool is_uncounted(const struct replay *replay)
{
    return newest_revision(replay->revisions) > replay->rollout->last_revision;
}

/* No number is used twice, also where the damage has swallowed the snapshot. */
static int count_on(struct replay *replay)
{
    const struct record record = {.kind = RECORD_SNAPSHOT,
                                  .last_revision = newest_revision(replay->revisions)};

    return is_uncounted(replay) && rollout_replay(replay->rollout, &record) != 0 ? -EUCLEAN : 0;
}

/* Takes one item in. Returns 0 to go on, 1 at the end, -errno. */
static int replay_item(struct replay *replay, struct journal_item *item)
{
    int r = 0;

    switch (item->kind) {
    case JOURNAL_HEADER:
        return replay_header(replay, item);
    case JOURNAL_RECORD:
        r = replay_record(replay, item);
        if (r == 1)
            say_damage(replay->recovery, item, "this record can't follow from those before it");
        return r;
    case JOURNAL_HISTORY:
        return revisions_remember_take(replay->revisions, &item->history);
    case JOURNAL_END:
    case JOURNAL_TORN:
        if (is_uncounted(replay))
            say_damage(replay->recovery, item, "the snapshot is missing");
        return 1;
    case JOURNAL_DAMAGED:
        if (item->line == 1 && header_is_sealed(replay))
            return replay_foreign(replay, item->fault.text);
        say_damage(replay->recovery, item, item->fault.text);
        return 1;
    }
    return r;
}

static int replay_text(struct replay *replay)
{
    struct journal_reader reader;
    int r;

    journal_reader_init(&reader, replay->text, replay->size);
    do {
        _cleanup_(journal_item_release) struct journal_item item = {0};

        r = journal_next(&reader, &item);
        if (r < 0)
            return r;
        replay->seq = reader.seq;
        if (item.stamp.boot[0] != '\0')
            replay->recovery->same_boot = strcmp(item.stamp.boot, replay->boot) == 0;
        r = replay_item(replay, &item);
        if (r == 1 && item.kind == JOURNAL_TORN && replay->recovery->damage[0] == '\0') {
            replay->torn = true;
            replay->torn_at = item.offset;
        }
    } while (r == 0);
    return r < 0 ? r : 0;
}

static int write_header(struct state_journal *journal)
{
    _cleanup_free_ char *line = NULL;
    struct record_stamp stamp = next_stamp(journal, clock_wall());
    int r = journal_header_encode(journal->app, &stamp, &line);

    if (r == 0)
        r = journal_file_append(&journal->file, line, strlen(line));
    return r == 0 ? journal_file_sync(&journal->file) : r;
}

static int set_aside(struct state_journal *journal, struct recovery *recovery)
{
    int r = journal_file_set_aside(&journal->file, clock_wall().microseconds / 1000000,
                                   recovery->aside);

    /* What was kept is known here alone until the next snapshot. */
    journal->error = -EUCLEAN;
    return r;
}

/* Returns 0; 1 where the journal is not ours to read; -errno. */
static int replay_whole(struct replay *replay, const char *text, size_t size)
{
    int r;

    replay->text = text;
    replay->size = size;
    r = replay_text(replay);
    if (r == 0 && replay->recovery->damage[0] != '\0')
        r = count_on(replay);
    return r == -EEXIST ? 1 : r;
}

static int recover(struct state_journal *journal, struct rollout *rollout,
                   struct revisions *revisions, struct recovery *recovery)
{
    struct replay replay = {
        .rollout = rollout, .revisions = revisions, .recovery = recovery, .app = journal->app};
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = journal_file_read(&journal->file, JOURNAL_READ_MAX, &text, &size);

    memcpy(replay.boot, journal->boot, sizeof(replay.boot));
    if (r == 0)
        r = replay_whole(&replay, text, size);
    if (r != 0)
        return r;
    journal->seq = replay.seq;
    if (recovery->damage[0] != '\0')
        return set_aside(journal, recovery);
    if (replay.torn) {
        recovery->torn_bytes = replay.size - replay.torn_at;
        r = journal_file_cut(&journal->file, replay.torn_at);
        if (r < 0)
            return r;
    }
    if (journal->file.size == 0)
        return write_header(journal);
    /* The earlier primary may have died between its write and its sync. What it wrote is told
     * of from now on, and must not be lost with the machine. */
    return journal_file_sync(&journal->file);
}

int state_journal_check(const char *path, const char *app, struct recovery *ret_recovery)
{
    _cleanup_free_ struct rollout *rollout = calloc(1, sizeof(*rollout));
    struct revisions revisions = {0};
    struct replay replay = {
        .rollout = rollout, .revisions = &revisions, .recovery = ret_recovery, .app = app};
    _cleanup_free_ char *text = NULL;
    size_t size = 0;
    int r = rollout ? boot_id_read(replay.boot) : -ENOMEM;

    *ret_recovery = (struct recovery){0};
    if (r == 0)
        r = text_file_read_whole(AT_FDCWD, path, JOURNAL_READ_MAX, &text, &size);
    if (r == 0)
        r = replay_whole(&replay, text, size);
    revisions_release(&revisions);
    if (r == 0 && ret_recovery->damage[0] != '\0')
        return 1;
    return r == -ENOENT ? 0 : r;
}

int state_journal_open(const char *path, const char *app, struct rollout *rollout,
                       struct revisions *revisions, struct state_journal **ret_journal,
                       struct recovery *ret_recovery)
{
    struct state_journal *journal = calloc(1, sizeof(*journal));
    int r = 0;

    *ret_recovery = (struct recovery){0};
    if (!journal)
        return -ENOMEM;
    journal->file = JOURNAL_FILE_CLOSED;
    journal->app = strdup(app);
    if (!journal->app)
        r = -ENOMEM;
    if (r == 0)
        r = boot_id_read(journal->boot);
    if (r == 0)
        r = journal_file_open(path, &journal->file);
    if (r == 0)
        r = recover(journal, rollout, revisions, ret_recovery);
    if (r != 0) {
        state_journal_free(journal);
        return r;
    }
    journal->compacted = journal->file.size;
    *ret_journal = journal;
    return 0;
}

void state_journal_free(struct state_journal *journal)
{
    if (!journal)
        return;
    journal_file_release(&journal->file);
    free(journal->app);
    free(journal);
}

/* Writing. */

static int add_record(struct state_journal *journal, const struct record *record,
                      const struct revisions *revisions, struct wall at, struct text *text)
{
    const struct revision_entry *entry = record->kind == RECORD_REVISION_ACCEPTED
                                             ? revisions_find(revisions, record->revision)
                                             : NULL;
    struct record_stamp stamp = next_stamp(journal, at);
    _cleanup_free_ char *line = NULL;
    int r = record_encode(record, &stamp, entry ? entry->spec_text : NULL, &line);

    return r < 0 ? r : text_append_string(text, line);
}

int state_journal_encode(struct state_journal *journal, const struct update *update,
                         const struct revisions *revisions, struct wall at, struct text *lines)
{
    for (size_t i = 0; i < update->record_n; i++) {
        int r = add_record(journal, &update->records[i], revisions, at, lines);

        if (r < 0)
            return r;
    }
    return 0;
}

int state_journal_append(struct state_journal *journal, const struct text *lines, bool durable)
{
    int r = 0;

    if (journal->error != 0)
        return journal->error;
    if (lines->size > 0)
        r = journal_file_append(&journal->file, lines->data, lines->size);
    if (r == 0 && durable)
        r = journal_file_sync(&journal->file);
    journal->error = r;
    return r;
}

int state_journal_sync(struct state_journal *journal)
{
    if (journal->error == 0)
        journal->error = journal_file_sync(&journal->file);
    return journal->error;
}

static int add_history(struct state_journal *journal, const struct revisions *revisions,
                       struct wall at, struct text *text)
{
    for (size_t i = 0; i < revisions->n; i++) {
        _cleanup_free_ char *line = NULL;
        struct record_stamp stamp = next_stamp(journal, at);
        int r = history_encode(&revisions->items[i].history, &stamp, &line);

        if (r == 0)
            r = text_append_string(text, line);
        if (r < 0)
            return r;
    }
    return 0;
}

int state_journal_compact(struct state_journal *journal, const struct rollout *rollout,
                          const struct revisions *revisions, struct instant now,
                          struct update *scratch)
{
    _cleanup_text_ struct text text = {0};
    _cleanup_free_ char *header = NULL;
    struct wall at = clock_wall();
    struct record_stamp stamp = next_stamp(journal, at);
    int r;

    rollout_snapshot(rollout, now, scratch);
    r = journal_header_encode(journal->app, &stamp, &header);
    if (r == 0)
        r = text_append_string(&text, header);
    if (r == 0)
        r = add_history(journal, revisions, at, &text);
    if (r == 0)
        r = state_journal_encode(journal, scratch, revisions, at, &text);
    if (r == 0)
        r = journal_file_replace(&journal->file, text.data, text.size);
    if (r == 0)
        journal->compacted = journal->file.size;
    journal->error = r;
    return r;
}

bool state_journal_is_long(const struct state_journal *journal)
{
    return journal->error == 0 && journal->file.size > JOURNAL_LONG &&
           journal->file.size / 4 > journal->compacted;
}

const char *state_journal_trouble(const struct state_journal *journal)
{
    return journal->error == 0 ? NULL : strerrordesc_np(-journal->error);
}
