#include "os/memory.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int read_of_process(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    size_t length;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    rv = text_file_read(AT_FDCWD, path, text, size, &length);
    if (rv == -ENOENT || rv == -ESRCH)
        return 1;
    return rv < 0 ? rv : 0;
}

int memory_resident(pid_t pid, uint64_t *ret_bytes)
{
    char text[256];
    uint64_t pages;
    int rv = read_of_process(pid, "statm", text, sizeof text);

    if (rv != 0)
        return rv;
    if (sscanf(text, "%*u %" SCNu64, &pages) != 1)
        return -EBADMSG;
    *ret_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int memory_proportional(pid_t pid, uint64_t *ret_bytes)
{
    char text[2048];
    uint64_t kibibytes;
    const char *line;
    int rv = read_of_process(pid, "smaps_rollup", text, sizeof text);

    if (rv != 0)
        return rv;
    line = strstr(text, "\nPss:");
    if (line == NULL || sscanf(line, "\nPss: %" SCNu64, &kibibytes) != 1)
        return -EBADMSG;
    *ret_bytes = kibibytes * 1024;
    return 0;
}
