/* The small text files of /proc and cgroupfs: read at one go, written by one write(2).
 *
 * `dir_fd` is what openat(2) takes; AT_FDCWD with an absolute path is usual. Files of /proc are
 * made up at the time of reading, so their size is not known before.
 */
#pragma once

#include "base/own.h"

#include <stddef.h>

/* Reads at most size - 1 bytes into `buffer` and ends them with a NUL; *ret_size counts them.
 * Does not block on the files it is meant for. Returns 0; 1 where the file is longer (what fits
 * is there); -errno of openat(2) or read(2). */
MUST_CHECK int text_file_read(int dir_fd, const char *path, char *buffer, size_t size,
                              size_t *ret_size);

/* Reads the whole file; *ret_text is the caller's, NUL-ended beyond *ret_size bytes. Returns 0,
 * -EFBIG where it is longer than `limit`, -ENOMEM, or -errno of openat(2) or read(2). */
MUST_CHECK int text_file_read_whole(int dir_fd, const char *path, size_t limit, char **ret_text,
                                    size_t *ret_size);

/* Reads a descriptor to its end, from where it stands; otherwise as text_file_read_whole(). */
MUST_CHECK int text_file_read_fd(int fd, size_t limit, char **ret_text, size_t *ret_size);

/* Writes `text` by one write(2) into a file that is there. Returns 0, -EIO where not all of it
 * was taken, or -errno. */
MUST_CHECK int text_file_write(int dir_fd, const char *path, const char *text);
