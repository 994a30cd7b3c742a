#include "os/boot_id.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <string.h>

int boot_id_read(char ret_id[static BOOT_ID_SIZE])
{
    char text[BOOT_ID_SIZE + 1];
    size_t size;
    int rv =
        text_file_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof text, &size);

    if (rv < 0)
        return rv;
    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size != BOOT_ID_SIZE - 1)
        return -EBADMSG;
    text[size] = '\0';
    if (strspn(text, "0123456789abcdef-") != size)
        return -EBADMSG;
    memcpy(ret_id, text, size + 1);
    return 0;
}
