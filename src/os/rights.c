#include "os/rights.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

enum {
    STATUS_SIZE = 4096,
    UNPRIVILEGED_PORT_FIRST = 1024, /* ip(7), ip_unprivileged_port_start */
};

int rights_read(pid_t thread, struct rights *ret_rights)
{
    struct rights rights = {0};
    char path[64];
    char text[STATUS_SIZE];
    const char *line;
    size_t size;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    rv = text_file_read(AT_FDCWD, path, text, sizeof text, &size);
    if (rv < 0)
        return rv == -ENOENT || rv == -ESRCH ? 1 : rv;
    line = strstr(text, "\nUmask:");
    if (line == NULL || sscanf(line, "\nUmask: %o", &rights.umask) != 1)
        return -EBADMSG;
    line = strstr(text, "\nUid:"); /* real, effective, saved, of the file system */
    if (line == NULL || sscanf(line, "\nUid: %*u %*u %*u %u", &rights.file_uid) != 1)
        return -EBADMSG;
    line = strstr(text, "\nGid:");
    if (line == NULL || sscanf(line, "\nGid: %*u %*u %*u %u", &rights.file_gid) != 1)
        return -EBADMSG;
    line = strstr(text, "\nCapEff:");
    if (line == NULL || sscanf(line, "\nCapEff: %" SCNx64, &rights.capabilities) != 1)
        return -EBADMSG;
    *ret_rights = rights;
    return 0;
}

bool rights_allow_port(const struct rights *rights, uint16_t port)
{
    unsigned first = UNPRIVILEGED_PORT_FIRST;
    char text[16];
    size_t size;

    if (text_file_read(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", text,
                       sizeof text, &size) < 0 ||
        sscanf(text, "%u", &first) != 1)
        first = UNPRIVILEGED_PORT_FIRST;
    return port >= first || (rights->capabilities & (UINT64_C(1) << CAP_NET_BIND_SERVICE)) != 0;
}

void rights_take_on(const struct rights *rights, struct rights *ret_before)
{
    *ret_before = (struct rights){0};
    /* The group first: once the user has changed, the right to change it is gone. Both say
     * what was before, and whoever may not change them has the same rights as before. */
    ret_before->file_gid = (gid_t)setfsgid(rights->file_gid);
    ret_before->file_uid = (uid_t)setfsuid(rights->file_uid);
}

void rights_return(const struct rights *before)
{
    (void)setfsuid(before->file_uid);
    (void)setfsgid(before->file_gid);
}
