/* One primary an app: a file that is locked as long as the primary lives.
 *
 * flock(2), so the kernel unlocks it however the primary ends. The file holds the pid of who
 * locked it last, for words to a person only. It is never removed: whoever opened it before the
 * removal would lock a file that nobody else sees.
 */
#pragma once

#include "base/own.h"

#include <sys/types.h>

/* Locks `path` (made with mode 0600 where it is missing). Does not block. *ret_fd holds the
 * lock until it is closed. Returns 0; 1 where another has it, whose pid is in *ret_holder (0:
 * not known); -errno. */
MUST_CHECK int lock_take(const char *path, int *ret_fd, pid_t *ret_holder);
