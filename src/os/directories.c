#include "os/directories.h"

#include "base/error.h"
#include "os/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char alphanumeric[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789";
static const char name_characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                      "0123456789._@-";

bool app_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= APP_NAME_MAX && strspn(name, alphanumeric) > 0 &&
           strspn(name, name_characters) == length;
}

char *directories_path(const char *folder, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* The variable's value where it is an absolute path, else NULL. */
static const char *absolute_from_environment(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] == '/' ? value : NULL;
}

/* The first of a colon list in a variable. Returns 0; 1 where it is not set; -ENOMEM. */
static int first_from_environment(const char *variable, char **ret_path)
{
    const char *value = absolute_from_environment(variable);
    char *path;

    if (value == NULL)
        return 1;
    path = strndup(value, strcspn(value, ":"));
    if (path == NULL)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

static int join(const char *folder, const char *rest, char **ret_path)
{
    char *path = NULL;

    if (asprintf(&path, "%s%s", folder, rest) < 0)
        return -ENOMEM;
    *ret_path = path;
    return 0;
}

static int find_state_base(uid_t uid, char **ret_path)
{
    const char *home;

    if (uid == 0)
        return join("/var/lib", "/reloadd", ret_path);
    home = absolute_from_environment("XDG_STATE_HOME");
    if (home != NULL)
        return join(home, "/reloadd", ret_path);
    home = absolute_from_environment("HOME");
    if (home == NULL) {
        const struct passwd *user = getpwuid(uid);

        home = user != NULL ? user->pw_dir : NULL;
    }
    if (home == NULL)
        return -ENOENT;
    return join(home, "/.local/state/reloadd", ret_path);
}

/* Anybody may make a folder of that name in /tmp, and put a control socket of his own there. */
static int check_own(const char *path, uid_t uid)
{
    struct stat status;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : error_from_errno();
    if (!S_ISDIR(status.st_mode) || status.st_uid != uid || (status.st_mode & 022) != 0)
        return -EPERM;
    return 0;
}

static int find_runtime_base(uid_t uid, char **ret_path)
{
    _cleanup_free_ char *path = NULL;
    const char *folder;
    int rv;

    if (uid == 0)
        return join("/run", "/reloadd", ret_path);
    folder = absolute_from_environment("XDG_RUNTIME_DIR");
    if (folder != NULL)
        return join(folder, "/reloadd", ret_path);
    if (asprintf(&path, "/tmp/reloadd-%u", uid) < 0) {
        path = NULL; /* asprintf(3) leaves it undefined */
        return -ENOMEM;
    }
    rv = check_own(path, uid);
    if (rv < 0)
        return rv;
    *ret_path = take_ptr(path);
    return 0;
}

static int find_one(const char *variable, int (*find_base)(uid_t, char **), uid_t uid,
                    const char *app, char **ret_path)
{
    _cleanup_free_ char *base = NULL;
    int rv = first_from_environment(variable, ret_path);

    if (rv <= 0)
        return rv;
    rv = find_base(uid, &base);
    if (rv < 0)
        return rv;
    *ret_path = directories_path(base, app);
    return *ret_path != NULL ? 0 : -ENOMEM;
}

int directories_find(uid_t uid, const char *app, struct directories *ret_directories)
{
    _cleanup_free_ char *state = NULL;
    _cleanup_free_ char *runtime = NULL;
    int rv;

    assert(app_name_is_valid(app));
    rv = find_one("STATE_DIRECTORY", find_state_base, uid, app, &state);
    if (rv == 0)
        rv = find_one("RUNTIME_DIRECTORY", find_runtime_base, uid, app, &runtime);
    if (rv < 0)
        return rv;
    *ret_directories = (struct directories){
        .state = take_ptr(state),
        .runtime = take_ptr(runtime),
    };
    return 0;
}

/* Returns 0 where the folder is there afterwards. */
static int make_folder(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0) /* the umask took from the mode */
        return chmod(path, mode) < 0 ? error_from_errno() : 0;
    if (errno == EEXIST) {
        struct stat status;

        if (stat(path, &status) < 0)
            return error_from_errno();
        return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
    }
    return error_from_errno();
}

static int make_folders(const char *path, mode_t mode)
{
    /* Folders of a user's own are nobody else's business; those of root lead others through. */
    const mode_t parent_mode = geteuid() == 0 ? 0755 : 0700;
    _cleanup_free_ char *copy = strdup(path);

    if (copy == NULL)
        return -ENOMEM;
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int rv;

        *slash = '\0';
        rv = make_folder(copy, parent_mode);
        *slash = '/';
        if (rv < 0)
            return rv;
    }
    return make_folder(path, mode);
}

int directories_create(const struct directories *directories)
{
    int rv = make_folders(directories->state, 0700);

    return rv < 0 ? rv : make_folders(directories->runtime, 0711);
}

void directories_release(struct directories *directories)
{
    if (directories == NULL)
        return;
    free(directories->state);
    free(directories->runtime);
    *directories = (struct directories){0};
}

static bool has_control_socket(int dir_fd, const char *app)
{
    char path[NAME_MAX + sizeof "/control"];
    struct stat status;

    (void)snprintf(path, sizeof path, "%s/control", app);
    return fstatat(dir_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(status.st_mode);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void directories_free_names(char **names)
{
    for (char **name = names; name != NULL && *name != NULL; name++)
        free(*name);
    free(names);
}

static void cleanup_names(char ***names)
{
    directories_free_names(*names);
}

/* Adds a copy of `name` to the NULL-ended vector. */
static int add_name(char ***names, size_t *count, const char *name)
{
    char **grown = realloc(*names, (*count + 2) * sizeof *grown);

    if (grown == NULL)
        return -ENOMEM;
    *names = grown;
    grown[*count] = strdup(name);
    grown[*count + 1] = NULL;
    if (grown[*count] == NULL)
        return -ENOMEM;
    *count += 1;
    return 0;
}

int directories_list(uid_t uid, char ***ret_names)
{
    _cleanup_free_ char *base = NULL;
    _cleanup_dir_ DIR *dir = NULL;
    _cleanup_(cleanup_names) char **names = calloc(1, sizeof *names);
    const struct dirent *entry;
    size_t count = 0;
    int rv;

    if (names == NULL)
        return -ENOMEM;
    rv = find_runtime_base(uid, &base);
    if (rv == 0)
        rv = proc_open(base, &dir);
    if (rv < 0)
        return rv;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (!app_name_is_valid(entry->d_name) || !has_control_socket(dirfd(dir), entry->d_name))
            continue;
        rv = add_name(&names, &count, entry->d_name);
        if (rv < 0)
            return rv;
    }
    qsort(names, count, sizeof *names, compare_names);
    *ret_names = take_ptr(names);
    return 0;
}
