/* Any bytes as the answer to a probe, in pieces that the first byte chooses: the verdict is one
 * of those that are documented, and does not depend on the pieces. */
#include "wire/http_answer.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0 is never the verdict, for the connection ends. */
static int verdict(const char *bytes, size_t size, size_t piece, int *ret_status)
{
    struct http_answer *answer;
    int r = 0;

    if (http_answer_new(&answer) < 0)
        abort();
    for (size_t at = 0; at < size && r == 0; at += piece)
        r = http_answer_feed(answer, bytes + at, size - at < piece ? size - at : piece);
    if (r == 0)
        r = http_answer_feed(answer, NULL, 0);
    *ret_status = http_answer_status(answer);
    http_answer_free(answer);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    int status, other;
    int r;

    if (size == 0)
        return 0;
    r = verdict(bytes + 1, size - 1, size, &status);
    if (r != 1 && r != -EBADMSG && r != -ENODATA)
        abort();
    if (r == 1 && (status < 101 || status > 999))
        abort();
    if (verdict(bytes + 1, size - 1, 1u + data[0] % 16, &other) != r ||
        (r == 1 && other != status))
        abort();
    return 0;
}
