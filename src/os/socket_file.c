#include "os/socket_file.h"

#include "base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Returns 0 or -ENAMETOOLONG. */
static int second_name(const char *path, char name[static PATH_MAX])
{
    const char *base = strrchr(path, '/');
    int folder = base != NULL ? (int)(base + 1 - path) : 0;
    int n = snprintf(name, PATH_MAX, "%.*s.%s.kept", folder, path, path + folder);

    return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

int socket_file_keep(const char *path)
{
    char name[PATH_MAX];
    struct stat first;
    struct stat second;
    int rv = second_name(path, name);

    if (rv < 0)
        return rv;
    if (lstat(path, &first) < 0)
        return errno == ENOENT && access(name, F_OK) == 0 ? 0 : error_from_errno();
    if (lstat(name, &second) == 0) {
        if (is_same(&first, &second))
            return 0;
        if (!S_ISSOCK(second.st_mode))
            return -EEXIST; /* not of our making */
        (void)unlink(name);
    }
    return link(path, name) < 0 ? error_from_errno() : 0;
}

int socket_file_restore(const char *path)
{
    char name[PATH_MAX];
    struct stat first;
    struct stat second;
    int rv = second_name(path, name);

    if (rv < 0)
        return rv;
    if (lstat(name, &second) < 0)
        return error_from_errno();
    if (link(name, path) == 0)
        return 1;
    if (errno != EEXIST)
        return error_from_errno();
    return lstat(path, &first) == 0 && is_same(&first, &second) ? 0 : -EEXIST;
}

void socket_file_forget(const char *path)
{
    char name[PATH_MAX];

    if (second_name(path, name) == 0)
        (void)unlink(name);
}
