#include "os/journal_file.h"

#include "base/error.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    ASIDE_TRIES = 1000,
};

static int sync_data(int fd)
{
    return fdatasync(fd) < 0 ? error_from_errno() : 0;
}

static int sync_all(int fd)
{
    return fsync(fd) < 0 ? error_from_errno() : 0;
}

static int write_fully(int fd, const char *text, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t count = pwrite(fd, text, size, (off_t)offset);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return count < 0 ? error_from_errno() : -EIO;
        text += count;
        size -= (size_t)count;
        offset += (uint64_t)count;
    }
    return 0;
}

/* Opens NAME in the folder, and makes it and its name durable where it is new. */
static int open_or_create(int dir_fd, const char *name, int *ret_fd, uint64_t *ret_size)
{
    const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    _cleanup_fd_ int fd = openat(dir_fd, name, flags);
    struct stat status;
    int rv = 0;

    if (fd < 0 && errno == ENOENT) {
        fd = openat(dir_fd, name, flags | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            return error_from_errno();
        rv = sync_all(fd);
        if (rv == 0)
            rv = sync_all(dir_fd);
    }
    if (fd < 0)
        return error_from_errno();
    if (rv < 0)
        return rv;
    if (fstat(fd, &status) < 0)
        return error_from_errno();
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    *ret_fd = take_fd(fd);
    *ret_size = (uint64_t)status.st_size;
    return 0;
}

static int open_folder(const char *path, int *ret_fd)
{
    _cleanup_free_ char *copy = strdup(path);
    int fd;

    if (copy == NULL)
        return -ENOMEM;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_from_errno();
    *ret_fd = fd;
    return 0;
}

int journal_file_open(const char *path, struct journal_file *ret_file)
{
    const char *slash = strrchr(path, '/');
    _cleanup_free_ char *name = strdup(slash != NULL ? slash + 1 : path);
    _cleanup_fd_ int dir_fd = -1;
    _cleanup_fd_ int fd = -1;
    uint64_t size;
    int rv;

    if (name == NULL)
        return -ENOMEM;
    rv = open_folder(path, &dir_fd);
    if (rv < 0)
        return rv;
    rv = open_or_create(dir_fd, name, &fd, &size);
    if (rv < 0)
        return rv;
    *ret_file = (struct journal_file){
        .fd = take_fd(fd),
        .dir_fd = take_fd(dir_fd),
        .name = take_ptr(name),
        .size = size,
    };
    return 0;
}

void journal_file_release(struct journal_file *file)
{
    if (file == NULL || file->name == NULL) /* zeroed: its 0s are no descriptors */
        return;
    (void)close_fd(file->fd);
    (void)close_fd(file->dir_fd);
    free(file->name);
    *file = JOURNAL_FILE_CLOSED;
}

int journal_file_read(const struct journal_file *file, size_t limit, char **ret_text,
                      size_t *ret_size)
{
    if (lseek(file->fd, 0, SEEK_SET) < 0)
        return error_from_errno();
    return text_file_read_fd(file->fd, limit, ret_text, ret_size);
}

int journal_file_append(struct journal_file *file, const char *text, size_t size)
{
    int rv;

    if (file->broken)
        return -EIO;
    rv = write_fully(file->fd, text, size, file->size);
    if (rv < 0) {
        file->broken = ftruncate(file->fd, (off_t)file->size) < 0;
        return rv;
    }
    file->size += size;
    return 0;
}

int journal_file_sync(struct journal_file *file)
{
    return sync_data(file->fd);
}

int journal_file_cut(struct journal_file *file, uint64_t size)
{
    assert(size <= file->size);
    if (ftruncate(file->fd, (off_t)size) < 0)
        return error_from_errno();
    file->size = size;
    file->broken = false;
    return sync_all(file->fd);
}

/* Renames the file to the first name of its kind that is free. */
static int rename_aside(const struct journal_file *file, time_t at,
                        char ret_name[static JOURNAL_FILE_NAME_MAX + 1])
{
    char name[JOURNAL_FILE_NAME_MAX + 1];
    char when[sizeof "YYYYMMDDTHHMMSSZ"];
    struct tm utc;

    if (gmtime_r(&at, &utc) == NULL || strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &utc) == 0)
        return -EINVAL;
    for (int try = 0; try < ASIDE_TRIES; try++) {
        char number[16] = "";
        int length;

        if (try > 0)
            (void)snprintf(number, sizeof number, "-%d", try);
        length = snprintf(name, sizeof name, "%s.damaged-%s%s", file->name, when, number);
        if (length < 0 || (size_t)length >= sizeof name)
            return -ENAMETOOLONG;
        if (renameat2(file->dir_fd, file->name, file->dir_fd, name, RENAME_NOREPLACE) == 0) {
            memcpy(ret_name, name, sizeof name);
            return 0;
        }
        if (errno != EEXIST)
            return error_from_errno();
    }
    return -EEXIST;
}

int journal_file_set_aside(struct journal_file *file, time_t at,
                           char ret_name[static JOURNAL_FILE_NAME_MAX + 1])
{
    int rv = rename_aside(file, at, ret_name);

    if (rv < 0)
        return rv;
    file->fd = close_fd(file->fd);
    /* Makes both names durable: the folder is synced after the new file's birth. */
    rv = open_or_create(file->dir_fd, file->name, &file->fd, &file->size);
    if (rv < 0)
        return rv;
    file->broken = false;
    return 0;
}

static int write_temporary(int dir_fd, const char *name, const char *text, size_t size,
                           int *ret_fd)
{
    /* O_TRUNC: a crash may have left an older temporary that was longer. */
    _cleanup_fd_ int fd =
        openat(dir_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rv;

    if (fd < 0)
        return error_from_errno();
    rv = write_fully(fd, text, size, 0);
    if (rv == 0)
        rv = sync_all(fd);
    if (rv < 0)
        return rv;
    *ret_fd = take_fd(fd);
    return 0;
}

int journal_file_replace(struct journal_file *file, const char *text, size_t size)
{
    char temporary[JOURNAL_FILE_NAME_MAX + 1];
    int length = snprintf(temporary, sizeof temporary, "%s.new", file->name);
    _cleanup_fd_ int fd = -1;
    int rv;

    if (length < 0 || (size_t)length >= sizeof temporary)
        return -ENAMETOOLONG;
    rv = write_temporary(file->dir_fd, temporary, text, size, &fd);
    if (rv == 0 && renameat(file->dir_fd, temporary, file->dir_fd, file->name) < 0)
        rv = error_from_errno();
    if (rv < 0) {
        (void)unlinkat(file->dir_fd, temporary, 0);
        return rv;
    }
    (void)close_fd(file->fd);
    file->fd = take_fd(fd);
    file->size = size;
    file->broken = false;
    return sync_all(file->dir_fd);
}
