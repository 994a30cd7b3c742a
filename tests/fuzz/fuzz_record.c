/* Any bytes as lines of the state journal: what is taken can be written again, and is then
 * taken as the same. The checksum is put right first, or no input would ever come past it. */
#include "wire/history.h"
#include "wire/record.h"

#include "../wire/seal.h"
#include "base/own.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const char *line)
{
    _cleanup_free_ char *spec = NULL;
    _cleanup_free_ char *again = NULL;
    _cleanup_free_ char *once_more = NULL;
    _cleanup_free_ char *spec_again = NULL;
    struct record record, record_again;
    struct record_stamp stamp;

    if (record_decode(line, strlen(line), &record, &stamp, &spec, NULL) != 0)
        return;
    if (record_encode(&record, &stamp, spec, &again) != 0 ||
        record_decode(again, strlen(again), &record_again, &stamp, &spec_again, NULL) != 0 ||
        record_encode(&record_again, &stamp, spec_again, &once_more) != 0 ||
        strcmp(again, once_more) != 0)
        abort();
}

static void check_history(const char *line)
{
    _cleanup_(history_entry_release) struct history_entry entry = {0};
    _cleanup_(history_entry_release) struct history_entry entry_again = {0};
    _cleanup_free_ char *again = NULL;
    _cleanup_free_ char *once_more = NULL;
    struct record_stamp stamp;

    if (history_decode(line, strlen(line), &entry, &stamp, NULL) != 0)
        return;
    if (history_encode(&entry, &stamp, &again) != 0 ||
        history_decode(again, strlen(again), &entry_again, &stamp, NULL) != 0 ||
        history_encode(&entry_again, &stamp, &once_more) != 0 || strcmp(again, once_more) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_free_ char *body = malloc(size + 1);
    _cleanup_free_ char *line = NULL;

    if (!body || size == 0)
        return 0;
    memcpy(body, data, size);
    body[size] = 0;
    if (body[0] == 0)
        return 0;
    line = seal(body);
    check_record(line);
    check_history(line);
    return 0;
}
