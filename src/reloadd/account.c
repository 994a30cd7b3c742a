#include "reloadd/account.h"

#include "base/error.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>

static int parse_number(const char *text, unsigned *ret_number)
{
    char *end;
    unsigned long number;

    errno = 0;
    number = strtoul(text, &end, 10);
    /* The highest one means "leave it" to chown(2). */
    if (errno != 0 || end == text || *end != '\0' || number >= (uid_t)-1)
        return -ENOENT;
    *ret_number = (unsigned)number;
    return 0;
}

static int find_user(const char *user, uid_t *ret_uid)
{
    const struct passwd *entry;

    errno = 0;
    entry = getpwnam(user);
    if (!entry)
        return errno != 0 && errno != ENOENT ? error_from_errno() : parse_number(user, ret_uid);
    *ret_uid = entry->pw_uid;
    return 0;
}

static int find_group(const char *group, gid_t *ret_gid)
{
    const struct group *entry;

    errno = 0;
    entry = getgrnam(group);
    if (!entry)
        return errno != 0 && errno != ENOENT ? error_from_errno()
                                             : parse_number(group, ret_gid);
    *ret_gid = entry->gr_gid;
    return 0;
}

int account_find(const char *user, const char *group, uid_t *ret_uid, gid_t *ret_gid)
{
    int r = 0;

    if (user)
        r = find_user(user, ret_uid);
    if (r == 0 && group)
        r = find_group(group, ret_gid);
    return r;
}
