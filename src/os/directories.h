/* Where an app's files are.
 *
 *   $STATE_DIRECTORY, $RUNTIME_DIRECTORY   as they are, the first of a colon list: the service
 *                                          manager made them for this app (systemd.exec(5))
 *   root                                   /var/lib/reloadd/APP, /run/reloadd/APP
 *   else                                   $XDG_STATE_HOME/reloadd/APP (~/.local/state), and
 *                                          $XDG_RUNTIME_DIR/reloadd/APP (/tmp/reloadd-UID/APP)
 *
 * XDG folders count only when absolute (basedir-spec). /tmp belongs to everybody, so the folder
 * there is believed only where it is the user's own and closed to others.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    APP_NAME_MAX = 64,
};

/* An empty file in the runtime directory of an app whose workers outlive their primary. */
#define DIRECTORIES_SERVICE_MARK "service"

struct directories {
    char *state;   /* mode 0700 */
    char *runtime; /* mode 0711: a worker of another user reaches its notify socket */
};

/* [A-Za-z0-9][A-Za-z0-9._@-]{0,63} */
bool app_name_is_valid(const char *name);

/* Says where the files of `app`, whose name is valid, are for the user `uid` (the caller gives
 * geteuid()). Reads the environment; makes nothing. The strings are the caller's. Returns 0;
 * -EPERM where /tmp/reloadd-UID is not the user's own; -ENOENT where the user has no home;
 * -ENOMEM; -errno. */
MUST_CHECK int directories_find(uid_t uid, const char *app,
                                struct directories *ret_directories);

/* Makes both folders and their parents where they are missing; folders that are there keep
 * their modes. Returns 0 or -errno. */
MUST_CHECK int directories_create(const struct directories *directories);

void directories_release(struct directories *directories);

/* "FOLDER/NAME"; the caller's. NULL: out of memory. */
char *directories_path(const char *folder, const char *name);

/* The names of the apps of user `uid` that have a control socket, sorted; whether somebody
 * listens there is not asked. *ret_names is a NULL-ended vector, the caller's
 * (directories_free_names()). Does not look at $RUNTIME_DIRECTORY, which belongs to one app.
 * Returns 0 or -errno. */
MUST_CHECK int directories_list(uid_t uid, char ***ret_names);

void directories_free_names(char **names);
