#include "disk.h"

#include "wire/journal.h"
#include "wire/record_shape.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A simulator without memory has nothing to say. */
static void must(int r)
{
    if (r < 0)
        abort();
}

static size_t member_size(const struct member *member)
{
    switch (member->type) {
    case MEMBER_BOOL:
        return sizeof(bool);
    case MEMBER_U32:
    case MEMBER_I32:
    case MEMBER_ENUM:
        return sizeof(uint32_t);
    case MEMBER_U64:
    case MEMBER_INT:
    case MEMBER_INSTANT:
        return sizeof(uint64_t);
    case MEMBER_SHARE:
        return sizeof(struct share);
    case MEMBER_OBJECT:
        return member->shape->size;
    case MEMBER_FLOAT:
    case MEMBER_OPTIONAL_INT:
    case MEMBER_OPTIONAL_FLOAT:
    case MEMBER_WALL:
    case MEMBER_TEXT:
    case MEMBER_TEXTS:
    case MEMBER_INTS:
    case MEMBER_OBJECT_AT:
    case MEMBER_OBJECTS:
        break;
    }
    assert(!"a record has no such member");
    return 0;
}

struct record disk_kept(const struct record *record)
{
    uint32_t fields = record_fields(record->kind);
    struct record kept = {.kind = record->kind};

    /* The codec's own table, so that a member it has forgotten is lost here, too. */
    for (size_t i = 0; i < record_shape.member_n; i++) {
        const struct member *member = &record_shape.members[i];

        if (member_is_chosen(member, fields))
            memcpy((char *)&kept + member->offset, (const char *)record + member->offset,
                   member_size(member));
    }
    if (fields & FIELD_STATE)
        kept.state = record->state;
    return kept;
}

void disk_blank(struct rollout *rollout)
{
    const struct record empty = {.kind = RECORD_SNAPSHOT};
    int r = rollout_replay(rollout, &empty);

    assert(r == 0);
    rollout->now = (struct instant){0};
}

static struct record_stamp stamp_of(const struct disk *disk, uint64_t seq)
{
    return (struct record_stamp){
        .seq = seq, .time = {disk->wall}, .boot = "01234567-89ab-cdef-0123-456789abcdef"};
}

static void write_header(struct disk *disk)
{
    _cleanup_free_ char *line = NULL;
    struct record_stamp stamp = stamp_of(disk, disk->first - 1);

    must(journal_header_encode("sim", &stamp, &line));
    text_truncate(&disk->bytes, 0);
    must(text_append_string(&disk->bytes, line));
    disk->header = disk->bytes.size;
}

void disk_format(struct disk *disk, bool wire)
{
    disk->wire = wire;
    disk->failing = false;
    disk->behind = false;
    disk->seq = 1;
    disk->first = 2;
    disk->synced = 1;
    disk->wall = 1700000000000000;
    disk->n = 0;
    if (wire)
        write_header(disk);
}

void disk_release(struct disk *disk)
{
    free(disk->records);
    free(disk->ends);
    text_release(&disk->bytes);
}

static void grow(struct disk *disk)
{
    size_t capacity = disk->capacity ? 2 * disk->capacity : 256;

    disk->records = reallocarray(disk->records, capacity, sizeof(*disk->records));
    disk->ends = reallocarray(disk->ends, capacity, sizeof(*disk->ends));
    must(disk->records && disk->ends ? 0 : -ENOMEM);
    disk->capacity = capacity;
}

static char *encode(const struct disk *disk, const struct record *record, uint64_t seq)
{
    struct record_stamp stamp = stamp_of(disk, seq);
    char *line = NULL;

    must(record_encode(record, &stamp, NULL, &line));
    return line;
}

void disk_append(struct disk *disk, const struct record *record)
{
    if (disk->n == disk->capacity)
        grow(disk);
    disk->seq++;
    if (disk->wire) {
        _cleanup_free_ char *line = encode(disk, record, disk->seq);

        must(text_append_string(&disk->bytes, line));
        disk->ends[disk->n] = disk->bytes.size;
    }
    disk->records[disk->n++] = disk_kept(record);
}

void disk_tear(struct disk *disk, const struct record *record)
{
    _cleanup_free_ char *line = NULL;

    if (!disk->wire)
        return; /* what would be cut is not there at all */
    line = encode(disk, record, disk->seq + 1);
    must(text_append(&disk->bytes, line, strlen(line) / 2));
}

void disk_sync(struct disk *disk)
{
    disk->synced = disk->seq;
}

void disk_lose_unsynced(struct disk *disk)
{
    disk->n -= (size_t)(disk->seq - disk->synced);
    disk->seq = disk->synced;
    if (disk->wire)
        text_truncate(&disk->bytes, disk->n > 0 ? disk->ends[disk->n - 1] : disk->header);
}

void disk_replace(struct disk *disk, const struct update *snapshot)
{
    disk->first = disk->seq + 2;
    disk->seq++;
    disk->n = 0;
    if (disk->wire)
        write_header(disk);
    for (size_t i = 0; i < snapshot->record_n; i++)
        disk_append(disk, &snapshot->records[i]);
    disk->behind = false;
    disk_sync(disk);
}

static const char *replay_bytes(struct disk *disk, struct rollout *rollout)
{
    struct journal_reader reader;
    size_t n = 0;

    journal_reader_init(&reader, disk->bytes.data, disk->bytes.size);
    for (;;) {
        _cleanup_(journal_item_release) struct journal_item item = {0};

        must(journal_next(&reader, &item));
        if (item.kind == JOURNAL_END || item.kind == JOURNAL_TORN) {
            text_truncate(&disk->bytes, item.offset);
            return n == disk->n ? NULL : "durable: the journal has lost records";
        }
        if (item.kind == JOURNAL_DAMAGED)
            return "durable: the journal can't be read";
        if (item.kind != JOURNAL_RECORD)
            continue;
        n++;
        if (rollout_replay(rollout, &item.record) != 0)
            return "durable: a record does not replay";
    }
}

const char *disk_replay(struct disk *disk, struct rollout *rollout)
{
    disk_blank(rollout);
    if (disk->wire)
        return replay_bytes(disk, rollout);
    for (size_t i = 0; i < disk->n; i++)
        if (rollout_replay(rollout, &disk->records[i]) != 0)
            return "durable: a record does not replay";
    return NULL;
}
