/* The state journal as a file: what was synced is there after a power cut, and no write leaves
 * half a line in the middle. What the lines say is wire/'s business.
 *
 *     journal_file_open()
 *     journal_file_read()         everything; a torn tail is found by whoever reads the lines …
 *     journal_file_cut()          … and cut, or the file is put aside: journal_file_set_aside()
 *     journal_file_append()       as often as wanted,
 *     journal_file_sync()         and then it is durable
 *     journal_file_replace()      now and then: a snapshot in its place, all or nothing
 *     journal_file_release()
 *
 * An append that fails is undone by cutting back to where it began. Where even that fails, the
 * file is `broken`: it may end with half a line, and every further append is refused with -EIO
 * until cut, replace or set_aside has made it whole. One process writes it at a time
 * (os/lock.h).
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct journal_file {
    int fd;
    int dir_fd;
    char *name; /* in the folder */
    uint64_t size;
    bool broken;
};

#define JOURNAL_FILE_CLOSED ((struct journal_file){.fd = -1, .dir_fd = -1})

enum {
    JOURNAL_FILE_NAME_MAX = 255,
};

/* Opens the file, or makes it (mode 0600) and makes its birth durable. Blocks on the disk, as
 * everything here does. Returns 0, -ELOOP where it is a symbolic link, or -errno. */
MUST_CHECK int journal_file_open(const char *path, struct journal_file *ret_file);

void journal_file_release(struct journal_file *file);

/* Reads all of it; *ret_text is the caller's, with a NUL beyond *ret_size bytes. Returns 0,
 * -EFBIG where it is longer than `limit`, -ENOMEM, or -errno. */
MUST_CHECK int journal_file_read(const struct journal_file *file, size_t limit, char **ret_text,
                                 size_t *ret_size);

/* Writes at the end: all of it, or nothing. Not durable yet. Returns 0, -EIO where the file is
 * broken, or -errno (-ENOSPC). */
MUST_CHECK int journal_file_append(struct journal_file *file, const char *text, size_t size);

/* Makes durable what was appended. Where it fails, nothing is known about the last appends: the
 * kernel may have dropped the pages and will say yes the next time (fsync(2), "EIO"), so the
 * caller writes everything anew by journal_file_replace(). Returns 0 or -errno. */
MUST_CHECK int journal_file_sync(struct journal_file *file);

/* Drops everything from `size` on, durably; `size` is at most the file's. Returns 0 or -errno.
 */
MUST_CHECK int journal_file_cut(struct journal_file *file, uint64_t size);

/* Gives the file the name NAME.damaged-YYYYMMDDTHHMMSSZ (of `at`; -1, -2 … behind it where that
 * is taken, never over another file) and begins a new, empty one. ret_name gets that name.
 * Returns 0 or -errno; the file is as before then, or closed where just the new one could not
 * be made. */
MUST_CHECK int journal_file_set_aside(struct journal_file *file, time_t at,
                                      char ret_name[static JOURNAL_FILE_NAME_MAX + 1]);

/* Puts a file with this text in the place of the old one, durably and atomically: at every
 * moment the name means the old one, whole, or the new one, whole. Returns 0 or -errno. After
 * an error the old one is in use; but where just the last step failed, the sync of the folder,
 * the new one is, and a power cut may bring the old one back. */
MUST_CHECK int journal_file_replace(struct journal_file *file, const char *text, size_t size);
