#include "os/signal_fate.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    PATH_SIZE = 64,
    STATUS_SIZE = 8192,
    /* Nobody asks for so many by himself: Go's runtime catches all that it is allowed to. */
    CAUGHT_WHATEVER_COMES = 32,
};

static int read_mask(const char *status, const char *name, uint64_t *ret_mask)
{
    const char *at = strstr(status, name);

    return at != NULL && sscanf(at + strlen(name), " %" SCNx64, ret_mask) == 1 ? 0 : -EBADMSG;
}

/* By the name of its executable file; that of a process which may not be looked into is not
 * known. */
static bool has_catching_runtime(pid_t pid)
{
    static const char *const runtimes[] = {"node", "nodejs", "java"};
    char link[PATH_SIZE];
    char path[PATH_MAX];
    ssize_t length;
    const char *name;

    (void)snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return false;
    path[length] = '\0';
    name = strrchr(path, '/');
    for (size_t i = 0; name != NULL && i < sizeof runtimes / sizeof *runtimes; i++)
        if (strcmp(name + 1, runtimes[i]) == 0)
            return true;
    return false;
}

int signal_fate_look(pid_t pid, int signal_number, enum signal_fate *ret_fate)
{
    const uint64_t bit = UINT64_C(1) << (signal_number - 1);
    char path[PATH_SIZE];
    char status[STATUS_SIZE];
    size_t size;
    uint64_t blocked;
    uint64_t ignored;
    uint64_t caught;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    rv = text_file_read(AT_FDCWD, path, status, sizeof status, &size);
    if (rv == -ENOENT || rv == -ESRCH)
        return 1;
    if (rv >= 0) /* 1: the file is longer, for it ends with lines that differ */
        rv = read_mask(status, "\nSigBlk:", &blocked);
    if (rv == 0)
        rv = read_mask(status, "\nSigIgn:", &ignored);
    if (rv == 0)
        rv = read_mask(status, "\nSigCgt:", &caught);
    if (rv < 0)
        return rv;
    if ((ignored & bit) != 0)
        *ret_fate = SIGNAL_IS_IGNORED;
    else if ((caught & bit) != 0)
        *ret_fate =
            __builtin_popcountll(caught) >= CAUGHT_WHATEVER_COMES || has_catching_runtime(pid)
                ? SIGNAL_IS_MUTE
                : SIGNAL_IS_CAUGHT;
    else
        *ret_fate = (blocked & bit) != 0 ? SIGNAL_IS_CAUGHT : SIGNAL_ENDS;
    return 0;
}
