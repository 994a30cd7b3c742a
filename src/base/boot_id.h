/* The size of a boot id as text (/proc/sys/kernel/random/boot_id): a UUID, and its NUL. */
#pragma once

enum { BOOT_ID_SIZE = 37 };
