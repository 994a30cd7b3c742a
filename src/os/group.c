#include "os/group.h"

#include "base/error.h"
#include "os/cgroup.h"
#include "os/proc.h"

#include <signal.h>

/* Has a stranger the leader's number by now? Then no member of ours lived, or it would still be
 * taken. */
static bool is_taken_by_stranger(const struct group *group)
{
    struct proc_stat stat;

    return proc_stat_read(group->leader, &stat) == 0 && stat.start_time != group->start_time;
}

/* Returns 0; 1: nobody; -errno. */
static int kill_process_group(const struct group *group, int signal_number)
{
    if (group->leader <= 1 || is_taken_by_stranger(group))
        return 1;
    if (kill(-group->leader, signal_number) == 0)
        return 0;
    return errno == ESRCH ? 1 : error_from_errno();
}

static int signal_each(const char *cgroup, int signal_number)
{
    pid_t pids[1024];
    size_t count;
    int rv = cgroup_list(cgroup, pids, sizeof pids / sizeof pids[0], &count);
    int found = 1;

    if (rv < 0)
        return rv;
    for (size_t i = 0; i < count; i++) {
        if (kill(pids[i], signal_number) == 0)
            found = 0;
        else if (errno != ESRCH)
            return error_from_errno();
    }
    return found;
}

int group_kill(const struct group *group, int signal_number)
{
    bool empty;
    int rv;

    if (group->cgroup == NULL)
        return kill_process_group(group, signal_number);
    if (signal_number != SIGKILL)
        return signal_each(group->cgroup, signal_number);

    rv = cgroup_is_empty(group->cgroup, &empty);
    if (rv == 0)
        rv = cgroup_kill(group->cgroup);
    if (rv < 0)
        return rv;
    /* A worker that was just born may not have joined its cgroup yet. */
    rv = kill_process_group(group, SIGKILL);
    return rv == 1 && !empty ? 0 : rv;
}

/* Adds the members of the process group; looks through all of /proc. */
static int list_process_group(const struct group *group, pid_t *pids, size_t max,
                              size_t *ret_count)
{
    _cleanup_dir_ DIR *dir = NULL;
    size_t count = 0;
    pid_t pid;
    int rv;

    *ret_count = 0;
    if (group->leader <= 1 || is_taken_by_stranger(group))
        return 0;
    if (kill(-group->leader, 0) < 0 && errno == ESRCH)
        return 0;
    rv = proc_open("/proc", &dir);
    if (rv != 0)
        return rv < 0 ? rv : -ENOENT;
    while (proc_next(dir, &pid) == 0) {
        struct proc_stat stat;

        rv = proc_stat_read(pid, &stat);
        if (rv < 0)
            return rv;
        if (rv > 0 || stat.group != group->leader || stat.state == 'Z' || stat.state == 'X')
            continue;
        if (count == max) {
            *ret_count = count;
            return 1;
        }
        pids[count++] = pid;
    }
    *ret_count = count;
    return 0;
}

int group_is_empty(const struct group *group, bool *ret_empty)
{
    pid_t pid;
    size_t count;
    int rv;

    if (group->cgroup != NULL) {
        rv = cgroup_is_empty(group->cgroup, ret_empty);
        if (rv < 0 || !*ret_empty)
            return rv;
    }
    rv = list_process_group(group, &pid, 1, &count);
    if (rv < 0)
        return rv;
    *ret_empty = count == 0;
    return 0;
}

int group_list(const struct group *group, pid_t *pids, size_t max, size_t *ret_count)
{
    size_t count;
    int rv;

    if (group->cgroup != NULL) {
        rv = cgroup_list(group->cgroup, pids, max, &count);
        if (rv != 0 || count > 0) {
            *ret_count = rv < 0 ? *ret_count : count;
            return rv;
        }
    }
    return list_process_group(group, pids, max, ret_count);
}
