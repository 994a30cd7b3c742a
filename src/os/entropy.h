/* Random bytes from the kernel. */
#pragma once

#include "base/own.h"

#include <stddef.h>

/* Fills `size` bytes, at most 256 (getrandom(2) gives so many whole or not at all). Blocks only
 * early at boot, until the kernel's pool is ready. Returns 0 or -errno. */
MUST_CHECK int entropy_fill(void *bytes, size_t size);
