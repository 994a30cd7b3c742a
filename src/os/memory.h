/* How much memory a process takes. */
#pragma once

#include "base/own.h"

#include <stdint.h>
#include <sys/types.h>

/* Resident bytes, shared pages counted in full: cheap, the kernel keeps the number. Returns 0;
 * 1 where there is no such process; -errno. */
MUST_CHECK int memory_resident(pid_t pid, uint64_t *ret_bytes);

/* Proportional bytes (Pss), each shared page divided among those who share it: exact for a sum,
 * but the kernel walks all pages for it. Returns as memory_resident(); -EACCES where the
 * process is another user's. */
MUST_CHECK int memory_proportional(pid_t pid, uint64_t *ret_bytes);
