#include "reloadd/executable.h"

#include "base/error.h"
#include "wire/format.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

enum {
    SCRIPT_LINE_MAX = 256, /* BINPRM_BUF_SIZE: what the kernel reads of the first line */
};

/* `name` as a path from `directory`; *ret_path is the caller's. Returns 0, 1 where the
 * directory is not known, or -ENOMEM. */
static int path_join(const char *directory, const char *name, size_t n, const char *file,
                     char **ret_path)
{
    bool absolute = n > 0 && *name == '/';

    if (!absolute && directory == NULL)
        return 1;
    return format_string(ret_path, "%s%s%.*s%s%s", absolute ? "" : directory,
                         absolute ? "" : "/", (int)n, name, file != NULL ? "/" : "",
                         file != NULL ? file : "");
}

static int check_file(const char *path, char **ret_path)
{
    struct stat status;
    char *real;

    if (stat(path, &status) < 0)
        return error_from_errno();
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode))
        return -EACCES;
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
        return error_from_errno();
    real = realpath(path, NULL);
    if (real == NULL)
        return error_from_errno();
    *ret_path = real;
    return 0;
}

static int search(const char *name, const char *directory, const char *search_path,
                  char **ret_path)
{
    int result = -ENOENT;

    for (const char *at = search_path;; at++) {
        _cleanup_free_ char *candidate = NULL;
        size_t n = strcspn(at, ":");
        int r;

        /* An empty folder is the current one (environ(7)). */
        r = path_join(directory, n > 0 ? at : ".", n > 0 ? n : 1, name, &candidate);
        if (r != 0)
            return r;
        r = check_file(candidate, ret_path);
        if (r == 0 || r == -ENOMEM)
            return r;
        /* As execvp(3): one that may not be executed does not end the search. */
        if (r == -EACCES)
            result = r;
        at += n;
        if (*at == '\0')
            return result;
    }
}

int executable_find(const char *name, const char *directory, const char *search_path,
                    char **ret_path)
{
    _cleanup_free_ char *path = NULL;
    int r;

    if (strchr(name, '/') == NULL)
        return search(name, directory, search_path, ret_path);
    r = path_join(directory, name, strlen(name), NULL, &path);
    return r != 0 ? r : check_file(path, ret_path);
}

/* What stands behind "#!" in the first line of a file. Returns 0, 1 where it is no script or
 * can't be read, or -ENOMEM. */
static int read_interpreter(const char *path, char **ret_interpreter)
{
    _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char line[SCRIPT_LINE_MAX + 1];
    ssize_t n = fd >= 0 ? read(fd, line, SCRIPT_LINE_MAX) : -1;
    size_t start;

    if (n < 2 || line[0] != '#' || line[1] != '!')
        return 1;
    line[n] = '\0';
    start = 2 + strspn(line + 2, " \t");
    *ret_interpreter = strndup(line + start, strcspn(line + start, " \t\n"));
    return *ret_interpreter == NULL ? -ENOMEM : 0;
}

int executable_check_script(const char *path, const char *directory, char **ret_interpreter)
{
    _cleanup_free_ char *interpreter = NULL;
    _cleanup_free_ char *joined = NULL;
    _cleanup_free_ char *real = NULL;
    int r = read_interpreter(path, &interpreter);

    if (r != 0)
        return r < 0 ? r : 0;
    r = path_join(directory, interpreter, strlen(interpreter), NULL, &joined);
    if (r == 1)
        return 0;
    if (r == 0)
        r = check_file(joined, &real);
    if (r == 0 || r == -ENOMEM)
        return r;
    *ret_interpreter = take_ptr(interpreter);
    return 1;
}
