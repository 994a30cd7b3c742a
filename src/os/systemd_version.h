/* Which systemd is installed: `systemctl --version`, which asks nobody and costs a few
 * milliseconds. The bus can't be asked by a generator, for the manager waits for it.
 */
#pragma once

#include "base/own.h"

/* The number, such as 252. Returns 0; 1 where systemctl is not there or says something else;
 * -errno. */
MUST_CHECK int systemd_version_read(unsigned *ret_version);
