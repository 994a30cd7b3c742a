#include "os/cgroup.h"

#include "base/error.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PROC_FILE_MAX = 1 << 20, /* of mountinfo and cgroup: a host with thousands of containers */
    DEPTH_MAX = 16,          /* groups that a worker made below its own */
    KILL_ROUNDS = 16,
    KILL_PIDS = 512,
};

/* Does the comma list hold the word? */
static bool list_has(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* mountinfo writes blank, tab, newline and backslash as three octal digits (proc(5)). */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
            from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            *to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

struct mount_line {
    char *root;
    char *point;
    const char *type;
    const char *options; /* of the superblock */
};

/* Cuts a line of mountinfo: "36 35 98:0 /root /point options [tags] - type source options".
 * Returns 0, or 1 where it is no such line. */
static int cut_mount_line(char *line, struct mount_line *ret)
{
    char *rest = strstr(line, " - ");
    char *save = NULL;
    char *field = NULL;

    if (rest == NULL)
        return 1;
    *rest = '\0';
    for (int i = 0; i < 4; i++) {
        field = strtok_r(i == 0 ? line : NULL, " ", &save);
        if (field == NULL)
            return 1;
    }
    ret->root = field;
    ret->point = strtok_r(NULL, " ", &save);
    ret->type = strtok_r(rest + 3, " ", &save);
    field = strtok_r(NULL, " ", &save); /* the source */
    ret->options = strtok_r(NULL, " ", &save);
    if (ret->point == NULL || ret->type == NULL || field == NULL || ret->options == NULL)
        return 1;
    unescape(ret->root);
    unescape(ret->point);
    return 0;
}

/* Finds the mount in the text of mountinfo, which is cut up. Returns 0; 1: not mounted. */
static int find_mount(char *text, const char *controller, struct mount_line *ret)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (cut_mount_line(line, ret) > 0)
            continue;
        if (controller == NULL
                ? strcmp(ret->type, "cgroup2") == 0
                : strcmp(ret->type, "cgroup") == 0 && list_has(ret->options, controller))
            return 0;
    }
    return 1;
}

/* Finds our path in the text of /proc/self/cgroup, which is cut up: "4:memory:/x", "0::/x".
 * Returns 0; 1: not there. */
static int find_path(char *text, const char *controller, const char **ret_path)
{
    char *save = NULL;

    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        char *controllers = strchr(line, ':');
        char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;

        if (path == NULL)
            continue;
        *controllers++ = '\0';
        *path++ = '\0';
        if (controller == NULL ? strcmp(line, "0") == 0 && *controllers == '\0'
                               : list_has(controllers, controller)) {
            *ret_path = path;
            return 0;
        }
    }
    return 1;
}

/* Puts the mount point and what of our path is below the mount's root together. */
static int join(const struct mount_line *mount, const char *path, char **ret_folder)
{
    size_t root = strcmp(mount->root, "/") == 0 ? 0 : strlen(mount->root);
    char *folder = NULL;

    if (strncmp(path, mount->root, root) != 0 || (path[root] != '/' && path[root] != '\0') ||
        strstr(path, "/..") != NULL)
        return 1; /* outside of what this mount or namespace shows */
    path += root;
    if (asprintf(&folder, "%s%s", mount->point, strcmp(path, "/") == 0 ? "" : path) < 0)
        return -ENOMEM;
    *ret_folder = folder;
    return 0;
}

int cgroup_find_own(const char *controller, char **ret_mount, char **ret_folder)
{
    _cleanup_free_ char *mounts = NULL;
    _cleanup_free_ char *groups = NULL;
    _cleanup_free_ char *point = NULL;
    struct mount_line mount = {0};
    const char *path = NULL;
    size_t size;
    int rv;

    rv = text_file_read_whole(AT_FDCWD, "/proc/self/mountinfo", PROC_FILE_MAX, &mounts, &size);
    if (rv == 0)
        rv = text_file_read_whole(AT_FDCWD, "/proc/self/cgroup", PROC_FILE_MAX, &groups, &size);
    if (rv < 0)
        return rv;
    if (find_mount(mounts, controller, &mount) > 0 || find_path(groups, controller, &path) > 0)
        return 1;
    point = strdup(mount.point);
    if (point == NULL)
        return -ENOMEM;
    rv = join(&mount, path, ret_folder);
    if (rv != 0)
        return rv;
    *ret_mount = take_ptr(point);
    return 0;
}

int cgroup_find_writable(char **ret_folder)
{
    _cleanup_free_ char *mount = NULL;
    _cleanup_free_ char *folder = NULL;
    _cleanup_fd_ int fd = -1;
    int rv = cgroup_find_own(NULL, &mount, &folder);

    if (rv != 0)
        return rv;
    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == EACCES ? 1 : error_from_errno();
    /* Moving a process needs the right to write to cgroup.procs of the common parent too. */
    if (faccessat(fd, ".", W_OK, AT_EACCESS) < 0 ||
        faccessat(fd, "cgroup.procs", W_OK, AT_EACCESS) < 0)
        return 1;
    *ret_folder = take_ptr(folder);
    return 0;
}

int cgroup_create(const char *parent, const char *name, char **ret_folder)
{
    _cleanup_free_ char *folder = NULL;
    int rv = 0;

    if (asprintf(&folder, "%s/%s", parent, name) < 0) {
        folder = NULL; /* asprintf(3) leaves it undefined */
        return -ENOMEM;
    }
    if (mkdir(folder, 0755) < 0) {
        if (errno != EEXIST)
            return error_from_errno();
        rv = 1;
    }
    *ret_folder = take_ptr(folder);
    return rv;
}

/* Removes NAME in the folder, what is below it first. */
static int remove_at(int dir_fd, const char *name, int depth)
{
    _cleanup_fd_ int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    _cleanup_dir_ DIR *dir = NULL;
    const struct dirent *entry;
    int list_fd;

    if (fd < 0)
        return errno == ENOENT ? 0 : error_from_errno();
    list_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (list_fd < 0)
        return error_from_errno();
    dir = fdopendir(list_fd);
    if (dir == NULL) {
        (void)close_fd(list_fd);
        return error_from_errno();
    }
    while (depth < DEPTH_MAX && (entry = readdir(dir)) != NULL) {
        int rv;

        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        rv = remove_at(fd, entry->d_name, depth + 1);
        if (rv != 0)
            return rv;
    }
    if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return errno == EBUSY ? 1 : error_from_errno();
}

int cgroup_remove(const char *folder)
{
    return remove_at(AT_FDCWD, folder, 0);
}

/* What a group that has been removed says: ENOENT, or ENODEV to who has its file open. */
static bool is_gone(int error)
{
    return error == -ENOENT || error == -ENODEV;
}

/* A group may grow while its processes are killed one by one, so again until it is empty. */
static int kill_one_by_one(const char *folder)
{
    pid_t pids[KILL_PIDS];

    for (int round = 0; round < KILL_ROUNDS; round++) {
        size_t count;
        int rv = cgroup_list(folder, pids, KILL_PIDS, &count);

        if (rv < 0)
            return rv;
        if (count == 0)
            return 0;
        for (size_t i = 0; i < count; i++)
            if (kill(pids[i], SIGKILL) < 0 && errno != ESRCH)
                return error_from_errno();
    }
    return 0;
}

int cgroup_kill(const char *folder)
{
    char path[PATH_MAX];
    struct stat status;
    int rv;

    (void)snprintf(path, sizeof path, "%s/cgroup.kill", folder);
    rv = text_file_write(AT_FDCWD, path, "1");
    if (!is_gone(rv))
        return rv;
    if (stat(folder, &status) < 0)
        return errno == ENOENT ? 1 : error_from_errno();
    return kill_one_by_one(folder);
}

int cgroup_is_empty(const char *folder, bool *ret_empty)
{
    char path[PATH_MAX];
    char text[256];
    const char *line;
    size_t size;
    int rv;

    (void)snprintf(path, sizeof path, "%s/cgroup.events", folder);
    rv = text_file_read(AT_FDCWD, path, text, sizeof text, &size);
    if (rv < 0 && !is_gone(rv))
        return rv;
    if (rv >= 0) {
        line = strstr(text, "populated ");
        if (line == NULL)
            return -EBADMSG;
        *ret_empty = line[sizeof "populated " - 1] == '0';
    } else {
        *ret_empty = true;
    }
    return 0;
}

int cgroup_list(const char *folder, pid_t *pids, size_t max, size_t *ret_count)
{
    char path[PATH_MAX];
    _cleanup_free_ char *text = NULL;
    char *save = NULL;
    size_t count = 0;
    size_t size;
    int rv;

    (void)snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    rv = text_file_read_whole(AT_FDCWD, path, PROC_FILE_MAX, &text, &size);
    if (rv < 0 && !is_gone(rv))
        return rv;
    rv = 0;
    for (const char *line = text != NULL ? strtok_r(text, "\n", &save) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        long pid = strtol(line, NULL, 10);

        if (pid <= 0) /* 0: a process of another pid namespace */
            continue;
        if (count == max) {
            rv = 1;
            break;
        }
        pids[count++] = (pid_t)pid;
    }
    *ret_count = count;
    return rv;
}
