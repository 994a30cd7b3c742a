/* Where the configurations are that the generator makes units of: /etc/reloadd for the system's
 * apps, $XDG_CONFIG_HOME/reloadd (~/.config/reloadd) for a user's. XDG folders count only when
 * absolute (basedir-spec).
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

/* The folder; whether it is there is not asked. `of_user`: of the user that this process is,
 * also where that is root. *ret_path is the caller's. Returns 0; -ENOENT where the user has no
 * home; -ENOMEM. */
MUST_CHECK int config_folder_find(bool of_user, char **ret_path);

/* The configuration of the app `name`: "FOLDER/NAME.json"; otherwise the same. */
MUST_CHECK int config_folder_file(bool of_user, const char *name, char **ret_path);
