/* A file that is replaced whole or not at all, also where the machine stops on the way: written
 * beside its place, synced, renamed, and the folder synced.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>
#include <sys/types.h>

/* Puts `size` bytes into the place of the file `path`, with that mode whatever the umask.
 * Whoever reads it meanwhile sees the old file or the new one. The folder must be there. Blocks
 * for the disk. Returns 0 or -errno; then the old file is there, or none, as before. */
MUST_CHECK int replace_file(const char *path, mode_t mode, const char *data, size_t size);

/* Removes the file, and the folder knows it for good. Returns 0 or -errno. */
MUST_CHECK int remove_file(const char *path);
