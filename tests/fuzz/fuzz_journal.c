/* Any bytes as a state journal: reading ends, stays within the buffer, and moves forward. */
#include "wire/journal.h"

#include "base/own.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct journal_reader reader;
    enum journal_item_kind kind;
    size_t offset = 0;

    journal_reader_init(&reader, (const char *)data, size);
    do {
        _cleanup_(journal_item_release) struct journal_item item = {0};

        if (journal_next(&reader, &item) != 0)
            abort();
        kind = item.kind;
        if (item.offset < offset || item.offset > size ||
            (kind == JOURNAL_END && item.offset != size))
            abort();
        offset = item.offset;
    } while (kind < JOURNAL_END);
    return 0;
}
