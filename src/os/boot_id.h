/* The identity of this boot of the kernel: pids and monotonic times of another mean nothing. */
#pragma once

#include "base/boot_id.h"
#include "base/own.h"

/* Returns 0, -EBADMSG where the kernel's answer is no UUID, or -errno. */
MUST_CHECK int boot_id_read(char ret_id[static BOOT_ID_SIZE]);
