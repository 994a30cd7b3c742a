#include "reloadd/place.h"

#include "base/log.h"
#include "os/cgroup.h"
#include "os/proc.h"
#include "os/text_file.h"
#include "reloadd/app.h"
#include "reloadd/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define PRIMARY_NAME "primary"

void place_name_worker(uint64_t worker, char name[static PLACE_NAME_SIZE])
{
    (void)snprintf(name, PLACE_NAME_SIZE, "worker-%llu", (unsigned long long)worker);
}

static bool read_worker(const char *name, uint64_t *ret_worker)
{
    unsigned long long worker;
    char again[PLACE_NAME_SIZE];

    if (sscanf(name, "worker-%llu", &worker) != 1)
        return false;
    place_name_worker(worker, again);
    if (strcmp(name, again) != 0)
        return false;
    *ret_worker = worker;
    return true;
}

char *place_of_worker(const struct app *app, uint64_t worker)
{
    char name[PLACE_NAME_SIZE];

    place_name_worker(worker, name);
    return directories_path(app->cgroup, name);
}

/* The unit's cgroup: DelegateSubgroup= (systemd 254), or the primary before an upgrade, may
 * have put us below it already. */
static void cut_own_folder(char *folder)
{
    char *last = strrchr(folder, '/');

    if (last && strcmp(last + 1, PRIMARY_NAME) == 0)
        *last = '\0';
}

static int move_to_primary(const char *unit)
{
    _cleanup_free_ char *folder = NULL;
    _cleanup_free_ char *procs = NULL;
    int r = cgroup_create(unit, PRIMARY_NAME, &folder);

    if (r < 0)
        return r;
    procs = directories_path(folder, "cgroup.procs");
    return procs ? text_file_write(AT_FDCWD, procs, "0") : -ENOMEM;
}

/* Whether another try would help: the machine's trouble, and not the way things are. */
static bool is_passing(int r)
{
    return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -EIO || r == -ENOSPC ||
           r == -EAGAIN;
}

static int find_unit(struct app *app)
{
    _cleanup_free_ char *folder = NULL;
    int r = cgroup_find_writable(&folder);

    if (r == 0) {
        cut_own_folder(folder);
        r = move_to_primary(folder);
    }
    if (r < 0 && !is_passing(r))
        log_warning("the cgroup %s can't be used: %s", folder ? folder : "", strerror(-r));
    if (r == 0)
        app->cgroup = take_ptr(folder);
    return is_passing(r) ? r : 0;
}

static void make_own(struct app *app)
{
    _cleanup_free_ char *own = NULL;
    char name[APP_NAME_MAX + 32];

    if (cgroup_find_writable(&own) != 0)
        return;
    (void)snprintf(name, sizeof(name), "reloadd.%s.%d", app->name, getpid());
    if (cgroup_create(own, name, &app->cgroup) < 0)
        app->cgroup = NULL;
}

int place_find(struct app *app)
{
    if (app->options->adopt)
        return find_unit(app);
    make_own(app);
    return 0;
}

static bool sweep_one(const struct app *app, uint64_t worker)
{
    _cleanup_free_ char *folder = place_of_worker(app, worker);
    bool empty = true;

    if (!folder || cgroup_is_empty(folder, &empty) < 0)
        return false;
    if (!empty && cgroup_kill(folder) < 0)
        log_warning("%s can't be emptied", folder);
    /* A process that was just killed holds it for a moment; then the next sweep removes it. */
    (void)cgroup_remove(folder);
    return !empty;
}

/* Whoever else is in the primary's own folder was a child of the earlier one: a check command,
 * or a loader on its way to a worker's folder, which must not come there now. */
static void sweep_own(const struct app *app)
{
    _cleanup_free_ char *folder = directories_path(app->cgroup, PRIMARY_NAME);
    pid_t pids[64];
    size_t n = 0;

    if (!folder || cgroup_list(folder, pids, sizeof(pids) / sizeof(pids[0]), &n) < 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (pids[i] != getpid())
            (void)kill(pids[i], SIGKILL);
}

unsigned place_sweep(struct app *app)
{
    _cleanup_dir_ DIR *dir = app->cgroup ? opendir(app->cgroup) : NULL;
    unsigned n = 0;
    const struct dirent *entry;

    if (app->options->adopt && app->cgroup)
        sweep_own(app);
    while (dir && (entry = readdir(dir))) {
        uint64_t worker;

        if (read_worker(entry->d_name, &worker) && !process_find(app, worker))
            n += sweep_one(app, worker);
    }
    return n;
}
