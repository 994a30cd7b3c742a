#include "reloadd/leftovers.h"

#include "base/error.h"
#include "base/log.h"
#include "os/cgroup.h"
#include "os/cgroup_tree.h"
#include "os/pidfd.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* How long a killed worker may take to be gone: the kernel frees its memory first. */
#define END_LIMIT span_from_ms(10000)

enum { PIDS_MAX = 1024 };

const char *const leftovers_hierarchies[LEFTOVERS_HIERARCHY_N] = {NULL, "name=systemd"};

/* Where systemd puts the processes of ExecStopPost=, ExecReload= and the like. */
static const char control_group[] = ".control";
static const char primary_group[] = "primary";
static const char worker_prefix[] = "worker-";

int leftovers_find_folder(const char *hierarchy, const char *unit, char **ret_folder)
{
    _cleanup_free_ char *mount = NULL;
    _cleanup_free_ char *folder = NULL;
    char *slash;
    int r = cgroup_find_own(hierarchy, &mount, &folder);

    if (r != 0)
        return r;
    slash = strrchr(folder, '/');
    if (slash && strcmp(slash + 1, control_group) == 0) {
        *slash = '\0';
        slash = strrchr(folder, '/');
    }
    /* Anywhere else, what runs beside us is somebody else's. */
    if (!slash || strcmp(slash + 1, unit) != 0)
        return 1;
    *ret_folder = take_ptr(folder);
    return 0;
}

void leftovers_release(struct leftovers *leftovers)
{
    for (size_t i = 0; i < leftovers->process_n; i++)
        (void)close_fd(leftovers->processes[i]);
    free(leftovers->processes);
    cgroup_children_free(leftovers->groups);
    free(leftovers->folder);
    *leftovers = (struct leftovers){0};
}

static int list_processes(const char *folder, struct leftovers *leftovers)
{
    pid_t pids[PIDS_MAX];
    size_t n = 0;
    int *grown;
    int r = cgroup_list(folder, pids, PIDS_MAX, &n);

    if (r < 0)
        return r;
    grown = reallocarray(leftovers->processes, leftovers->process_n + n + 1, sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    leftovers->processes = grown;
    for (size_t i = 0; i < n; i++) {
        if (pids[i] == getpid())
            continue;
        r = pidfd_open_process(pids[i], 0, &grown[leftovers->process_n]);
        if (r < 0)
            return r;
        leftovers->process_n += r == 0;
    }
    return 0;
}

static void drop_groups_of_others(char **groups)
{
    size_t kept = 0;

    for (size_t i = 0; groups[i]; i++)
        if (strcmp(groups[i], control_group) == 0 || strcmp(groups[i], primary_group) == 0)
            free(groups[i]);
        else
            groups[kept++] = groups[i];
    groups[kept] = NULL;
}

int leftovers_find(const char *folder, struct leftovers *ret_leftovers)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {.folder = strdup(folder)};
    _cleanup_free_ char *primary = NULL;
    int r = cgroup_children(folder, &leftovers.groups);

    if (r < 0)
        return r;
    drop_groups_of_others(leftovers.groups);
    if (!leftovers.folder || asprintf(&primary, "%s/%s", folder, primary_group) < 0) {
        primary = NULL; /* asprintf(3) leaves it undefined */
        return -ENOMEM;
    }
    r = list_processes(folder, &leftovers);
    if (r == 0)
        r = list_processes(primary, &leftovers);
    if (r < 0)
        return r;
    *ret_leftovers = leftovers;
    leftovers = (struct leftovers){0};
    return 0;
}

/* Ends one group below the unit's. Returns whether anything lived in it; what can't be ended is
 * told. */
static bool end_group(const char *folder, const char *name)
{
    _cleanup_free_ char *path = NULL;
    bool empty = true;
    int r = asprintf(&path, "%s/%s", folder, name) < 0 ? -ENOMEM : 0;

    if (r < 0) {
        path = NULL; /* asprintf(3) leaves it undefined */
        log_error("what is left in %s can't be ended: out of memory", name);
        return false;
    }
    if (cgroup_is_empty(path, &empty) == 0 && !empty) {
        r = cgroup_kill(path);
        if (r == 0)
            r = cgroup_wait_empty(path, END_LIMIT);
        if (r != 0)
            log_error("what is left in %s can't be ended: %s", path,
                      r < 0 ? strerror(-r) : "it is still there after 10 s");
    }
    (void)cgroup_remove(path); /* systemd removes what is empty, too */
    return !empty;
}

static size_t end_processes(const struct leftovers *leftovers)
{
    size_t ended = 0;

    for (size_t i = 0; i < leftovers->process_n; i++) {
        struct pollfd gone = {.fd = leftovers->processes[i], .events = POLLIN};

        if (pidfd_has_ended(gone.fd) || pidfd_kill(gone.fd, SIGKILL) != 0)
            continue;
        ended++;
        if (poll(&gone, 1, (int)span_to_ms(END_LIMIT)) != 1)
            log_error("a process that was left over can't be ended: it is still there "
                      "after 10 s");
    }
    return ended;
}

/* A group that was frozen would freeze the next primary. */
static void remove_primary_group(const char *folder)
{
    _cleanup_free_ char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, primary_group) < 0) {
        path = NULL;
        return;
    }
    (void)cgroup_remove(path);
}

void leftovers_end(const struct leftovers *leftovers)
{
    size_t groups = 0;
    size_t processes;

    for (size_t i = 0; leftovers->groups[i]; i++)
        groups += end_group(leftovers->folder, leftovers->groups[i]);
    processes = end_processes(leftovers);
    remove_primary_group(leftovers->folder);
    if (groups > 0)
        log_notice("ended what was left over in %zu cgroup%s", groups, groups == 1 ? "" : "s");
    if (processes > 0)
        log_notice("ended %zu process%s that were left over", processes,
                   processes == 1 ? "" : "es");
}

static void cleanup_names(char ***names)
{
    cgroup_children_free(*names);
}

size_t leftovers_count_workers(const char *folder)
{
    _cleanup_(cleanup_names) char **names = NULL;
    size_t living = 0;

    if (cgroup_children(folder, &names) < 0)
        return 0;
    for (size_t i = 0; names[i]; i++) {
        _cleanup_free_ char *path = NULL;
        bool empty = true;

        if (strncmp(names[i], worker_prefix, strlen(worker_prefix)) != 0 ||
            asprintf(&path, "%s/%s", folder, names[i]) < 0) {
            path = NULL;
            continue;
        }
        living += cgroup_is_empty(path, &empty) == 0 && !empty;
    }
    return living;
}
