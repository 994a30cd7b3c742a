/* Any bytes as a notify datagram: what is borrowed lies within it. */
#include "wire/notify.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct notice notice = notice_parse(text, size);

    if ((notice.said & NOTICE_STATUS) &&
        (notice.status < text || notice.status + notice.status_size > text + size))
        abort();
    if ((notice.said & NOTICE_FD_NAME) &&
        (notice.name < text || notice.name + notice.name_size > text + size))
        abort();
    if ((notice.said & NOTICE_MAIN_PID) && notice.pid <= 0)
        abort();
    return 0;
}
