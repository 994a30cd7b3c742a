#include "reloadctl/target.h"

#include "base/error.h"
#include "os/directories.h"
#include "os/unix_socket.h"
#include "reloadctl/complain.h"
#include "reloadctl/exit_code.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct span connect_limit = {5000000000u};

void target_release(struct target *target)
{
    if (!target)
        return;
    free(target->name);
    free(target->path);
    *target = (struct target){0};
}

static int complain_memory(void)
{
    complain("out of memory");
    return EXIT_CODE_UNREACHABLE;
}

static int target_fill(const char *name, struct target *ret_target)
{
    _cleanup_(directories_release) struct directories directories = {0};
    _cleanup_(target_release) struct target target = {0};
    int r = directories_find(geteuid(), name, &directories);

    if (r < 0) {
        complain("the runtime directory of %s can't be found: %s", name, strerror(-r));
        return EXIT_CODE_UNREACHABLE;
    }
    target.name = strdup(name);
    target.path = directories_path(directories.runtime, "control");
    if (!target.name || !target.path)
        return complain_memory();
    *ret_target = target;
    target = (struct target){0};
    return 0;
}

/* Inside a unit, $RUNTIME_DIRECTORY is that of the unit's own app, and is named after it. */
static const char *name_in_unit(char *storage, size_t size)
{
    const char *directory = getenv("RUNTIME_DIRECTORY");
    const char *slash;

    if (!directory || directory[0] != '/')
        return NULL;
    (void)snprintf(storage, size, "%.*s", (int)strcspn(directory, ":"), directory);
    slash = strrchr(storage, '/');
    return app_name_is_valid(slash + 1) ? slash + 1 : NULL;
}

static bool is_alive(const char *name)
{
    _cleanup_(target_release) struct target target = {0};
    _cleanup_fd_ int fd = -1;
    int error = 0;
    enum reach reach;

    if (target_fill(name, &target) != 0)
        return false;
    reach = target_connect(&target, &fd, &error);
    return reach != REACH_ABSENT && reach != REACH_STALE;
}

static int find_only(struct target *ret_target)
{
    char **names = NULL;
    const char *only = NULL;
    size_t count = 0;
    size_t alive = 0;
    int r = directories_list(geteuid(), &names);

    if (r < 0) {
        complain("the apps can't be listed: %s", strerror(-r));
        return EXIT_CODE_UNREACHABLE;
    }
    for (; names[count]; count++) {
        if (!is_alive(names[count]))
            continue;
        only = names[count];
        alive++;
    }
    if (count == 1)
        only = names[0];
    if (count == 0) {
        complain("no app is running; `reloadctl run` starts one");
        r = EXIT_CODE_UNREACHABLE;
    } else if (count == 1 || alive == 1) {
        r = target_fill(only, ret_target);
    } else {
        complain("which app? There are:");
        for (size_t i = 0; i < count; i++)
            complain_line("  ", names[i]);
        r = EXIT_CODE_USAGE;
    }
    directories_free_names(names);
    return r;
}

int target_find(const char *name, struct target *ret_target)
{
    char storage[4096];

    if (!name)
        name = name_in_unit(storage, sizeof(storage));
    if (!name)
        return find_only(ret_target);
    if (!app_name_is_valid(name)) {
        complain("\"%s\" can't be the name of an app", name);
        return EXIT_CODE_USAGE;
    }
    return target_fill(name, ret_target);
}

enum reach target_connect(const struct target *target, int *ret_fd, int *ret_error)
{
    struct stat status;
    int r = unix_socket_connect(target->path, connect_limit, ret_fd);

    if (r == 0)
        return REACH_DONE;
    if (r == 1 && lstat(target->path, &status) < 0)
        return errno == EACCES ? REACH_DENIED : REACH_ABSENT;
    if (r == 1)
        return REACH_STALE;
    if (r == -EACCES || r == -EPERM)
        return REACH_DENIED;
    if (r == -EAGAIN)
        return REACH_BUSY;
    if (r == -ENOTDIR)
        return REACH_ABSENT;
    *ret_error = r;
    return REACH_FAILED;
}

void target_complain(const struct target *target, enum reach reach, int error)
{
    switch (reach) {
    case REACH_DONE:
        return;
    case REACH_ABSENT:
        complain("no app named %s is running (there is no %s)", target->name, target->path);
        return;
    case REACH_STALE:
        complain("the primary of %s is not running; it left its socket %s behind", target->name,
                 target->path);
        return;
    case REACH_DENIED:
        complain("permission denied: %s; only root and the user that runs %s may connect",
                 target->path, target->name);
        return;
    case REACH_BUSY:
        complain("the primary of %s takes no connection: its queue is full", target->name);
        return;
    case REACH_FAILED:
        complain("%s can't be reached at %s: %s", target->name, target->path, strerror(-error));
        return;
    }
}

const char *reach_words(enum reach reach)
{
    static const char *const words[] = {
        [REACH_DONE] = NULL,           [REACH_ABSENT] = "not running",
        [REACH_STALE] = "not running", [REACH_DENIED] = "permission denied",
        [REACH_BUSY] = "no answer",    [REACH_FAILED] = "unreachable",
    };
    return words[reach];
}
