/* The state journal on a disk that can be full, torn and forgetful.
 *
 * Each record is kept as the journal would give it back, without the members that its kind does
 * not have. In a life with `wire`, all of it also is bytes, written by the real codec, and is
 * read back by the real reader; it costs some ten times as much, so that not every life has it.
 *
 * What a killed primary has written stays, synced or not; what was not synced is lost when the
 * machine goes down.
 */
#pragma once

#include "base/text.h"
#include "core/rollout.h"

struct disk {
    bool wire;
    bool failing;    /* nothing can be written now */
    bool behind;     /* the file is an older truth than the primary's */
    uint64_t seq;    /* of the last record */
    uint64_t first;  /* seq of records[0] */
    uint64_t synced; /* seq of the last one that is safe */
    int64_t wall;    /* microseconds; steps about, and must not matter */
    struct record *records;
    size_t n;
    size_t capacity;
    struct text bytes; /* wire: header and lines */
    size_t *ends;      /* wire: where each record's line ends */
    size_t header;     /* wire: where the header ends */
};

/* Makes it empty, for another life. */
void disk_format(struct disk *disk, bool wire);
void disk_release(struct disk *disk);

void disk_append(struct disk *disk, const struct record *record);

/* The first half of its line, and then the primary is no more. */
void disk_tear(struct disk *disk, const struct record *record);
void disk_sync(struct disk *disk);

/* The machine goes down. */
void disk_lose_unsynced(struct disk *disk);

/* The snapshot takes the file's place; synced. */
void disk_replace(struct disk *disk, const struct update *snapshot);

/* Empties `rollout` and replays the file into it, cut where it is torn. Returns NULL, or what
 * is wrong with it. Static. */
const char *disk_replay(struct disk *disk, struct rollout *rollout);

/* The record as it comes back from the journal. */
struct record disk_kept(const struct record *record);

/* Makes `rollout` as good as new. */
void disk_blank(struct rollout *rollout);
