#include "reloadd/sweep.h"

#include "base/error.h"
#include "base/log.h"
#include "os/cgroup.h"
#include "os/cgroup_tree.h"
#include "reloadd/options.h"
#include "reloadd/unit_fate.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* How long a killed worker may take to be gone: the kernel frees its memory first. */
#define END_LIMIT span_from_ms(10000)

enum {
    BRAKE_MS = 250, /* four attempts a second, of a primary that never gets ready */
    PIDS_MAX = 1024,
};

/* Where systemd puts the processes of ExecStopPost=, ExecReload= and the like. */
static const char control_group[] = ".control";

static void cleanup_names(char ***names)
{
    cgroup_children_free(*names);
}

/* The unit's folder in a hierarchy: ours, or the one above ".control". Returns 0; 1 where there
 * is none of that name; -errno. */
static int find_unit_folder(const char *hierarchy, const char *unit, char **ret_folder)
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

/* Ends what is in the unit's folder itself: workers are there where they could have no group of
 * their own. */
static size_t end_strays(const char *folder)
{
    pid_t pids[PIDS_MAX];
    size_t ended = 0;
    size_t n = 0;

    if (cgroup_list(folder, pids, PIDS_MAX, &n) < 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (pids[i] != getpid() && kill(pids[i], SIGKILL) == 0)
            ended++;
    return ended;
}

static void end_all(const char *folder)
{
    _cleanup_(cleanup_names) char **names = NULL;
    size_t groups = 0;
    size_t strays;
    int r = cgroup_children(folder, &names);

    if (r < 0) {
        log_error("what the stop has left over in %s can't be found: %s", folder, strerror(-r));
        return;
    }
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], control_group) != 0)
            groups += end_group(folder, names[i]);
    strays = end_strays(folder);
    if (groups > 0)
        log_notice("ended what was left over in %zu cgroup%s", groups, groups == 1 ? "" : "s");
    if (strays > 0)
        log_notice("ended %zu process%s that were left over", strays, strays == 1 ? "" : "es");
}

static size_t count_living(const char *folder)
{
    _cleanup_(cleanup_names) char **names = NULL;
    size_t living = 0;

    if (cgroup_children(folder, &names) < 0)
        return 0;
    for (size_t i = 0; names[i]; i++) {
        _cleanup_free_ char *path = NULL;
        bool empty = true;

        if (strncmp(names[i], "worker-", strlen("worker-")) != 0 ||
            asprintf(&path, "%s/%s", folder, names[i]) < 0) {
            path = NULL;
            continue;
        }
        living += cgroup_is_empty(path, &empty) == 0 && !empty;
    }
    return living;
}

static void leave_alone(const char *folder, const struct unit_view *view)
{
    int r = view->has_subgroup ? 0 : cgroup_release_controllers(folder);
    size_t living = count_living(folder);

    if (r != 0)
        log_warning("the controllers of the workers' cgroups can't be taken back: %s; systemd "
                    "before 254 may then fail to start the primary (219/CGROUP)",
                    r < 0 ? strerror(-r) : "a worker has groups with controllers of its own");
    if (living > 0)
        log_notice("the primary is gone and is started again; %zu worker%s on without it",
                   living, living == 1 ? " goes" : "s go");
}

/* Without the manager's word: done is who says so himself. A stop that had to kill the primary
 * then leaves workers, rather than that a crash ends them. */
static enum unit_fate guess_fate(void)
{
    static const char *const final[] = {"0", "1", "2", "5"};
    const char *code = getenv("EXIT_CODE");
    const char *status = getenv("EXIT_STATUS");

    if (!code || !status || strcmp(code, "exited") != 0)
        return UNIT_RESTARTS;
    for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
        if (strcmp(status, final[i]) == 0)
            return UNIT_ENDS;
    return UNIT_RESTARTS;
}

/* Returns 0; 1 where this process belongs to no service; -ENOMEM. */
static int find_fate(struct unit_view *view)
{
    int r = unit_ask(view);

    if (r >= 0 || r == -ENOMEM)
        return r;
    view->fate = guess_fate();
    log_warning("the service manager can't be asked (%s); by the exit status of the primary, "
                "its workers %s",
                strerror(-r), view->fate == UNIT_RESTARTS ? "are left alone" : "are ended");
    return view->name ? 0 : -ENOMEM;
}

/* A stop may be asked for meanwhile, so the manager is asked again afterwards. */
static int brake(struct unit_view *view)
{
    const struct timespec pause = {.tv_nsec = BRAKE_MS * 1000000L};

    if (view->fate == UNIT_STOPS || !view->never_ready)
        return 0;
    (void)nanosleep(&pause, NULL);
    unit_view_release(view);
    return find_fate(view);
}

static int misused(void)
{
    log_error(
        "--sweep ends what runs in the unit that it is called by: it is for ExecStopPost= "
        "of an app's service (reloadd-generator(8)), and not to be run by hand");
    return EXIT_USAGE;
}

int sweep_run(const char *app)
{
    /* The hierarchy of the units: cgroup2, or beside the older kind systemd's own. */
    static const char *const hierarchies[] = {NULL, "name=systemd"};
    _cleanup_(unit_view_release) struct unit_view view = {0};
    bool found = false;
    int r = getenv("SERVICE_RESULT") ? find_fate(&view) : 1;

    if (r == 0)
        r = brake(&view);
    if (r != 0) {
        if (r == 1)
            return misused();
        log_error("%s: %s", app, strerror(-r));
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
        _cleanup_free_ char *folder = NULL;

        if (find_unit_folder(hierarchies[i], view.name, &folder) != 0)
            continue;
        found = true;
        if (view.fate == UNIT_RESTARTS)
            leave_alone(folder, &view);
        else
            end_all(folder);
    }
    return found ? EXIT_DONE : misused();
}
