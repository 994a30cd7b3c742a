/* Units that packages brought. What a generator writes wins over them (systemd.unit(5), "Unit
 * File Load Path"), so a configuration called ssh.json would silently take the place of
 * ssh.service.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>

/* Looks for a unit's file, such as "ssh.service", in the folders of packages; those of the
 * administrator (/etc, /run) win over the generator's anyway, and are not asked. `of_user`:
 * among the units of user managers. *ret_path is the caller's. Returns 0; 1 where there is
 * none; -ENOMEM. */
MUST_CHECK int vendor_unit_find(bool of_user, const char *unit, char **ret_path);
