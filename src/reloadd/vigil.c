#include "reloadd/vigil.h"

#include "base/error.h"
#include "base/log.h"
#include "os/directories.h"
#include "os/pidfd.h"
#include "reloadd/leftovers.h"
#include "reloadd/options.h"
#include "reloadd/unit_fate.h"
#include "reloadd/unit_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Also without a signal of the manager's: while it reads its units anew, one may be lost. */
#define LOOK_INTERVAL span_from_ms(10000)

enum {
    RETRY_SECONDS = 1,
    RETRY_MAX = 600, /* a manager that executes itself anew is back long before */
    END_MS = 5000,   /* for one that was killed */
};

static const char lock_name[] = "vigil.lock";

/* One at most. */

/* The lock's holder as the kernel has it, or 0. */
static pid_t find_holder(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

static int end_holder(int fd)
{
    _cleanup_fd_ int pidfd = -1;
    pid_t holder = find_holder(fd);
    struct pollfd gone;
    int r;

    if (holder == 0)
        return 0;
    r = holder < 0 ? -ESRCH : pidfd_open_process(holder, 0, &pidfd);
    /* It may have ended meanwhile, and the number be another's. */
    if (r != 0 || find_holder(fd) != holder)
        return r < 0 ? r : 0;
    r = pidfd_kill(pidfd, SIGKILL);
    if (r != 0)
        return r < 0 ? r : 0;
    gone = (struct pollfd){.fd = pidfd, .events = POLLIN};
    return poll(&gone, 1, END_MS) == 1 ? 0 : -ETIMEDOUT;
}

/* fcntl(2) locks have a holder that the kernel names, and a child does not inherit them. */
static int take_over(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int r = 0;

    while (fcntl(fd, F_SETLK, &lock) < 0 && r == 0)
        r = errno == EAGAIN || errno == EACCES ? end_holder(fd) : error_from_errno();
    return r;
}

static int open_lock(const char *app, int *ret_fd)
{
    _cleanup_(directories_release) struct directories directories = {0};
    _cleanup_free_ char *path = NULL;
    int fd;
    int r = directories_find(geteuid(), app, &directories);

    if (r < 0)
        return r;
    path = directories_path(directories.runtime, lock_name);
    if (!path)
        return -ENOMEM;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_from_errno();
    *ret_fd = fd;
    return 0;
}

/* What it does. */

/* It is taken down who is there, and then the manager is asked once more: nobody that it starts
 * from now on is among them. Returns 0 where it is not down any more; 1: done; -errno. */
static int end_in(const char *folder, struct unit_watch *watch)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {0};
    enum unit_standing standing = UNIT_UNSETTLED;
    int r = leftovers_find(folder, &leftovers);

    if (r == 0)
        r = unit_watch_look(watch, &standing);
    if (r < 0 || standing != UNIT_IS_DOWN)
        return r;
    leftovers_end(&leftovers);
    return 1;
}

static int end_if_down(struct unit_watch *watch)
{
    int r = 1;

    for (size_t i = 0; i < LEFTOVERS_HIERARCHY_N && r == 1; i++) {
        _cleanup_free_ char *folder = NULL;

        if (leftovers_find_folder(leftovers_hierarchies[i], watch->unit, &folder) == 0)
            r = end_in(folder, watch);
    }
    return r;
}

/* Over one connection. Returns 1: done; -errno. */
static int watch_over(const struct unit_view *view)
{
    _cleanup_(unit_watch_release) struct unit_watch watch = {0};
    int r = unit_watch_open(&watch, view->name, view->of_user);

    while (r == 0) {
        enum unit_standing standing;

        r = unit_watch_look(&watch, &standing);
        if (r == 0 && standing == UNIT_IS_UP)
            return 1;
        if (r == 0 && standing == UNIT_IS_DOWN)
            r = end_if_down(&watch);
        if (r == 0)
            r = unit_watch_wait(&watch, LOOK_INTERVAL);
    }
    return r;
}

static void keep(const struct unit_view *view)
{
    const struct timespec pause = {.tv_sec = RETRY_SECONDS};
    int r = watch_over(view);

    for (int i = 0; r < 0 && i < RETRY_MAX; i++) {
        (void)nanosleep(&pause, NULL);
        r = watch_over(view);
    }
    if (r < 0)
        log_warning("the service manager can't be asked (%s): if it does not start the primary "
                    "again, its workers stay; `systemctl kill %s` ends them",
                    strerror(-r), view->name);
}

/* Nothing of the sweep's but standard error, which is the unit's log. */
static int detach(void)
{
    _cleanup_fd_ int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 || setsid() < 0 ||
        signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return error_from_errno();
    return 0;
}

static void tell_lacking(int error)
{
    log_warning("nobody watches over the workers until the primary is back (%s): a stop that "
                "comes before leaves them alive",
                strerror(-error));
}

static int run(int lock, const struct unit_view *view)
{
    int r = detach();

    if (r == 0)
        r = take_over(lock);
    if (r < 0)
        tell_lacking(r);
    else
        keep(view);
    return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

void vigil_begin(const char *app, const struct unit_view *view)
{
    _cleanup_fd_ int lock = -1;
    /* Before the fork: once this process has ended, systemd may remove the folder. */
    int r = open_lock(app, &lock);
    pid_t pid = r < 0 ? -1 : fork();

    if (pid == 0)
        _exit(run(lock, view));
    if (pid < 0)
        tell_lacking(r < 0 ? r : error_from_errno());
}
