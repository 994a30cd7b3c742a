/* Which unit of systemd a process is of. */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <sys/types.h>

/* The service of a process, by its cgroup: "web.service", also where the process sits in a
 * folder below the unit's own. *ret_name is the caller's, *ret_is_user says whether it is a
 * user's service manager that runs it. Returns 0; 1 where the process is of no service, or is
 * gone; -ENOMEM. */
MUST_CHECK int unit_of_process(pid_t pid, char **ret_name, bool *ret_is_user);
