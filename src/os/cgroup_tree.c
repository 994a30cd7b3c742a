#include "os/cgroup_tree.h"

#include "base/error.h"
#include "base/text.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CONTROLLERS_SIZE = 512 };

void cgroup_children_free(char **names)
{
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        free(names[i]);
    free(names);
}

static void cleanup_names(char ***names)
{
    cgroup_children_free(*names);
}

int cgroup_children(const char *folder, char ***ret_names)
{
    _cleanup_(cleanup_names) char **names = calloc(1, sizeof *names);
    _cleanup_dir_ DIR *dir = opendir(folder);
    const struct dirent *entry;
    size_t count = 0;

    if (names == NULL)
        return -ENOMEM;
    if (dir == NULL && errno != ENOENT)
        return error_from_errno();
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char **grown;

        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        grown = reallocarray(names, count + 2, sizeof *names);
        if (grown == NULL)
            return -ENOMEM;
        names = grown;
        names[count] = strdup(entry->d_name);
        if (names[count] == NULL)
            return -ENOMEM;
        names[++count] = NULL;
    }
    *ret_names = take_ptr(names);
    return 0;
}

static struct instant now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (struct instant){(uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec};
}

/* Reads cgroup.events from its beginning. Returns 0: populated; 1: not; -errno. */
static int read_populated(int fd)
{
    char text[CONTROLLERS_SIZE];
    const char *line;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);

    if (n < 0)
        return errno == ENODEV ? 1 : error_from_errno(); /* the group is gone */
    text[n] = '\0';
    line = strstr(text, "populated ");
    if (line == NULL)
        return -EBADMSG;
    return line[sizeof "populated " - 1] == '0';
}

int cgroup_wait_empty(const char *folder, struct span limit)
{
    const struct instant deadline = instant_plus(now(), limit);
    char path[PATH_MAX];
    _cleanup_fd_ int fd = -1;

    (void)snprintf(path, sizeof path, "%s/cgroup.events", folder);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : error_from_errno();
    for (;;) {
        /* The kernel tells of a change by POLLPRI, until the file is read again. */
        struct pollfd changed = {.fd = fd, .events = POLLPRI};
        struct span left = instant_since(deadline, now());
        int rv = read_populated(fd);

        if (rv != 0)
            return rv < 0 ? rv : 0;
        if (left.nanoseconds == 0)
            return 1;
        if (poll(&changed, 1, (int)(span_to_ms(left) % INT_MAX) + 1) < 0 && errno != EINTR)
            return error_from_errno();
    }
}

int cgroup_release_controllers(const char *folder)
{
    char path[PATH_MAX];
    char controllers[CONTROLLERS_SIZE];
    _cleanup_text_ struct text change = {0};
    char *save = NULL;
    size_t size;
    int rv;

    (void)snprintf(path, sizeof path, "%s/cgroup.subtree_control", folder);
    rv = text_file_read(AT_FDCWD, path, controllers, sizeof controllers, &size);
    if (rv != 0)
        return rv == -ENOENT ? 0 : rv < 0 ? rv : -EFBIG;
    for (const char *word = strtok_r(controllers, " \n", &save); word != NULL;
         word = strtok_r(NULL, " \n", &save)) {
        rv = text_appendf(&change, "%s-%s", change.size > 0 ? " " : "", word);
        if (rv < 0)
            return rv;
    }
    if (change.size == 0)
        return 0;
    rv = text_file_write(AT_FDCWD, path, text_string(&change));
    return rv == -EBUSY ? 1 : rv;
}
