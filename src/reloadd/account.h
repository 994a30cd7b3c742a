/* Users and groups by name or number, for socket files and notify sockets. */
#pragma once

#include "base/own.h"

#include <sys/types.h>

/* Looks up what is not NULL and overwrites its result; "1000" is a number, unless a user of
 * that name is there. May ask a directory service, and block. Returns 0, -ENOENT where there is
 * no such user or group, -errno. */
MUST_CHECK int account_find(const char *user, const char *group, uid_t *ret_uid,
                            gid_t *ret_gid);
