#include "generator/output.h"

#include "base/error.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

int output_unit(const char *folder, const char *name, const struct text *text)
{
    char path[PATH_MAX];
    _cleanup_fd_ int fd = -1;
    ssize_t n;

    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno == EEXIST ? 1 : error_from_errno();
    n = write(fd, text_string(text), text->size);
    if (n == (ssize_t)text->size)
        return 0;
    (void)unlink(path); /* half a unit would be worse than none */
    return n < 0 ? error_from_errno() : -EIO;
}

int output_want(const char *folder, const char *target, const char *name)
{
    char path[PATH_MAX];
    char aim[NAME_MAX + 8];
    int length = snprintf(path, sizeof(path), "%s/%s.wants", folder, target);

    if (length >= (int)sizeof(path) - NAME_MAX - 2)
        return -ENAMETOOLONG;
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return error_from_errno();
    (void)snprintf(path + length, sizeof(path) - (size_t)length, "/%s", name);
    (void)snprintf(aim, sizeof(aim), "../%s", name);
    return symlink(aim, path) < 0 && errno != EEXIST ? error_from_errno() : 0;
}
