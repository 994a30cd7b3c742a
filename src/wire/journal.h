/* The state journal, read line by line out of a buffer (docs/JOURNAL.md).
 *
 * A journal is a header and then lines whose "seq" grows by one. There are three ways for a
 * file of it to be:
 *
 *   whole     every line is right
 *   torn      the last line is not: its newline is missing, or its checksum is wrong. It was
 * being written when the machine stopped, nobody was told of it: cut there, go on damaged
 * anything else is wrong: nothing that follows can be believed
 *
 * Every prefix of a whole journal is whole or torn. Pure: who cuts, and who sets a damaged file
 * aside, is the caller. Works on any bytes.
 */
#pragma once

#include "wire/history.h"
#include "wire/record.h"

struct journal_header {
    uint32_t format;
    char *app; /* owned */
};

enum journal_item_kind {
    JOURNAL_HEADER,  /* the first line: header */
    JOURNAL_RECORD,  /* record, spec_text */
    JOURNAL_HISTORY, /* history */
    JOURNAL_END,     /* whole */
    JOURNAL_TORN,    /* keep the bytes before `offset`; fault */
    JOURNAL_DAMAGED, /* fault */
};

/* What was found; what it owns, journal_item_release() frees. */
struct journal_item {
    enum journal_item_kind kind;
    size_t line;   /* from 1 */
    size_t offset; /* of its first byte */
    struct record_stamp stamp;
    struct journal_header header;
    struct record record;
    char *spec_text; /* NULL: none */
    struct history_entry history;
    struct fault fault;
};

struct journal_reader {
    const char *data; /* borrowed */
    size_t size;
    size_t offset; /* of the next line */
    size_t line;   /* lines read */
    uint64_t seq;  /* of the last line read */
};

/* An empty buffer is a whole journal without a header. */
void journal_reader_init(struct journal_reader *reader, const char *data, size_t size);

/* Reads one line. After JOURNAL_END, JOURNAL_TORN and JOURNAL_DAMAGED it stays there and says
 * the same again. *ret_item is the caller's (journal_item_release). Returns 0 or -ENOMEM. */
MUST_CHECK int journal_next(struct journal_reader *reader, struct journal_item *ret_item);

void journal_item_release(struct journal_item *item);

/* The header as one line with its "\n"; *ret_line is the caller's (free). stamp->seq is what
 * the first record's follows. Returns 0 or -ENOMEM. */
MUST_CHECK int journal_header_encode(const char *app, const struct record_stamp *stamp,
                                     char **ret_line);
