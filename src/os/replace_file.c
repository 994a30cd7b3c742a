#include "os/replace_file.h"

#include "base/error.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int sync_folder(const char *path)
{
    _cleanup_free_ char *copy = strdup(path);
    _cleanup_fd_ int fd = -1;

    if (copy == NULL)
        return -ENOMEM;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? error_from_errno() : 0;
}

/* A name beside `path` that nothing of ours reads: hidden, and with no known ending. */
static int name_aside(const char *path, char **ret_name)
{
    const char *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash + 1 - path) : 0;
    char *name;

    if (asprintf(&name, "%.*s.%s.XXXXXX", folder, path, path + folder) < 0)
        return -ENOMEM;
    *ret_name = name;
    return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_from_errno();
        data += n;
        size -= (size_t)n;
    }
    return 0;
}

int replace_file(const char *path, mode_t mode, const char *data, size_t size)
{
    _cleanup_free_ char *aside = NULL;
    _cleanup_fd_ int fd = -1;
    int rv = name_aside(path, &aside);

    if (rv < 0)
        return rv;
    fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return error_from_errno();
    rv = write_all(fd, data, size);
    if (rv == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(aside, path) < 0))
        rv = error_from_errno();
    if (rv < 0) {
        (void)unlink(aside);
        return rv;
    }
    return sync_folder(path);
}

int remove_file(const char *path)
{
    return unlink(path) < 0 ? error_from_errno() : sync_folder(path);
}
