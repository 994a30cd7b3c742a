#include "reloadd/sweep.h"

#include "base/error.h"
#include "base/log.h"
#include "os/cgroup_tree.h"
#include "reloadd/leftovers.h"
#include "reloadd/options.h"
#include "reloadd/unit_fate.h"
#include "reloadd/vigil.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BRAKE_MS = 250 }; /* four attempts a second, of a primary that never gets ready */

static void end_all(const char *folder)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {0};
    int r = leftovers_find(folder, &leftovers);

    if (r < 0)
        log_error("what the stop has left over in %s can't be found: %s", folder, strerror(-r));
    else
        leftovers_end(&leftovers);
}

static void leave_alone(const char *folder, const struct unit_view *view)
{
    int r = view->has_subgroup ? 0 : cgroup_release_controllers(folder);
    size_t living = leftovers_count_workers(folder);

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
    for (size_t i = 0; i < LEFTOVERS_HIERARCHY_N; i++) {
        _cleanup_free_ char *folder = NULL;

        if (leftovers_find_folder(leftovers_hierarchies[i], view.name, &folder) != 0)
            continue;
        found = true;
        if (view.fate == UNIT_RESTARTS)
            leave_alone(folder, &view);
        else
            end_all(folder);
    }
    if (found && view.fate == UNIT_RESTARTS)
        vigil_begin(app, &view);
    return found ? EXIT_DONE : misused();
}
