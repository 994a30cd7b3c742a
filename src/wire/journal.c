#include "wire/journal.h"

#include "base/error.h"
#include "wire/line.h"
#include "wire/shape.h"

#include <inttypes.h>
#include <string.h>

/* Its members, borrowed. */
struct header_line {
    uint32_t format;
    const char *app;
};

static const struct member header_members[] = {
    {.name = "format",
     .type = MEMBER_U32,
     .offset = offsetof(struct header_line, format),
     .min = 1,
     .max = UINT32_MAX},
    {.name = "app", .type = MEMBER_TEXT, .offset = offsetof(struct header_line, app)},
};

static const struct shape header_shape = {
    .name = "header",
    SHAPE_MEMBERS(header_members),
    .size = sizeof(struct header_line),
};

int journal_header_encode(const char *app, const struct record_stamp *stamp, char **ret_line)
{
    const struct header_line header = {.format = JOURNAL_FORMAT, .app = app};
    _cleanup_json_ json_t *object = NULL;
    _cleanup_json_ json_t *members = NULL;
    int r = shape_encode(&header_shape, &header, &object);

    if (r < 0)
        return r;
    /* The format comes first, for it says how to read the rest. */
    members = line_begin(stamp);
    if (!members || json_object_update(object, members) != 0)
        return -ENOMEM;
    return line_seal(object, ret_line);
}

static int decode_header(const json_t *object, struct journal_item *item)
{
    struct header_line header = {0};
    struct arena arena = {0}; /* a header has no arrays: stays empty */
    const struct member *wrong = NULL;
    int r = shape_decode(&header_shape, object, &arena, &header, &wrong);

    if (r == 1)
        shape_explain(wrong, &item->fault);
    if (r != 0)
        return r;
    if (header.format != JOURNAL_FORMAT) {
        fault_say(&item->fault, "format %" PRIu32 "; this reloadd reads format %d",
                  header.format, JOURNAL_FORMAT);
        return 1;
    }
    item->kind = JOURNAL_HEADER;
    item->header.format = header.format;
    item->header.app = strdup(header.app);
    return item->header.app ? 0 : -ENOMEM;
}

/* One line whose seal is right. */
static int decode_line(struct journal_reader *reader, const char *line, size_t size,
                       struct journal_item *item)
{
    _cleanup_json_ json_t *object = NULL;
    bool is_first = reader->line == 0;
    int r = line_open(line, size, &object, &item->stamp, &item->fault);

    if (r != 0)
        return r;
    if (!is_first && (item->stamp.seq == 0 || item->stamp.seq - 1 != reader->seq)) {
        fault_say(&item->fault, "seq %" PRIu64 " follows %" PRIu64, item->stamp.seq,
                  reader->seq);
        return 1;
    }
    if (is_first)
        return decode_header(object, item);
    if (line_is_history(object)) {
        item->kind = JOURNAL_HISTORY;
        return line_to_history(object, &item->history, &item->fault);
    }
    item->kind = JOURNAL_RECORD;
    return line_to_record(object, &item->record, &item->spec_text, &item->fault);
}

/* Whether what begins at `line` was still being written, of a buffer that ends at `end`. */
static bool is_torn(const char *line, size_t size, const char *newline, const char *end,
                    struct fault *ret_fault)
{
    if (!newline) {
        fault_say(ret_fault, "the last line has no end");
        return true;
    }
    if (newline + 1 == end && !line_is_sealed(line, size)) {
        fault_say(ret_fault, "the last line's checksum is wrong or missing");
        return true;
    }
    return false;
}

void journal_reader_init(struct journal_reader *reader, const char *data, size_t size)
{
    *reader = (struct journal_reader){.data = data, .size = size};
}

int journal_next(struct journal_reader *reader, struct journal_item *ret_item)
{
    _cleanup_(journal_item_release) struct journal_item item = {
        .kind = JOURNAL_END, .line = reader->line + 1, .offset = reader->offset};
    int r = 0;

    if (reader->offset < reader->size) {
        const char *line = reader->data + reader->offset;
        const char *newline = memchr(line, '\n', reader->size - reader->offset);
        size_t size = newline ? (size_t)(newline - line) : reader->size - reader->offset;

        if (is_torn(line, size, newline, reader->data + reader->size, &item.fault)) {
            item.kind = JOURNAL_TORN;
        } else {
            r = decode_line(reader, line, size, &item);
            if (r == 1)
                item.kind = JOURNAL_DAMAGED;
            if (r < 0)
                return r;
        }
        if (item.kind != JOURNAL_TORN && item.kind != JOURNAL_DAMAGED) {
            reader->offset += size + 1;
            reader->line++;
            reader->seq = item.stamp.seq;
        }
    }
    *ret_item = item;
    item = (struct journal_item){0};
    return 0;
}

void journal_item_release(struct journal_item *item)
{
    if (!item)
        return;
    free(item->header.app);
    free(item->spec_text);
    history_entry_release(&item->history);
    *item = (struct journal_item){0};
}
