#include "os/pidfd.h"

#include "base/error.h"
#include "os/proc.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>

/* struct pidfd_info of include/uapi/linux/pidfd.h, Linux 6.15, its first 64 bytes
 * (PIDFD_INFO_SIZE_VER0): distributions have older headers. The kernel takes the size from the
 * request's number, and fills in what fits. */
struct info {
    uint64_t mask; /* what is asked for, then what was told */
    uint64_t cgroup_id;
    uint32_t pid;
    uint32_t tgid;
    uint32_t ppid;
    uint32_t ids[8];
    int32_t exit_code; /* as wait(2) has it */
};

_Static_assert(sizeof(struct info) == 64, "PIDFD_INFO_SIZE_VER0");

#define INFO_GET  _IOWR(0xFF, 11, struct info) /* PIDFD_GET_INFO */
#define INFO_EXIT (UINT64_C(1) << 3)           /* PIDFD_INFO_EXIT */

int pidfd_open_process(pid_t pid, uint64_t start_time, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    struct proc_stat stat;
    int rv;

    if (pid <= 0)
        return 1;
    fd = pidfd_open(pid, 0); /* close-on-exec by itself */
    if (fd < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    if (start_time != 0) {
        /* Looked up after the descriptor is held: if that process lives now, it is the one
         * whose start time we read. */
        rv = proc_stat_read(pid, &stat);
        if (rv != 0)
            return rv;
        if (stat.start_time != start_time || pidfd_has_ended(fd))
            return 1;
    }
    *ret_fd = take_fd(fd);
    return 0;
}

int pidfd_kill(int fd, int signal_number)
{
    if (pidfd_send_signal(fd, signal_number, NULL, 0) == 0)
        return 0;
    return errno == ESRCH ? 1 : error_from_errno();
}

bool pidfd_has_ended(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};

    return poll(&item, 1, 0) == 1 && (item.revents & POLLIN) != 0;
}

int pidfd_reap(int fd, struct pidfd_exit *ret_exit)
{
    siginfo_t info = {0};
    int rv;

    do {
        rv = waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG);
    } while (rv < 0 && errno == EINTR);
    if (rv < 0)
        return error_from_errno();
    if (info.si_pid == 0)
        return 1;
    *ret_exit = (struct pidfd_exit){
        .signaled = info.si_code != CLD_EXITED,
        .dumped = info.si_code == CLD_DUMPED,
        .code = info.si_status,
    };
    return 0;
}

/* Returns 0; 1 where it has not been reaped; -EOPNOTSUPP. */
static int read_info(int fd, struct pidfd_exit *ret_exit)
{
    struct info info = {.mask = INFO_EXIT};

    if (ioctl(fd, INFO_GET, &info) < 0) {
        /* Linux < 6.13 does not know the request; up to 6.14, a reaped process has no
         * information at all; and where the process is none of this pid namespace's, it never
         * has. */
        if (errno == ENOTTY || errno == EINVAL || errno == ESRCH)
            return -EOPNOTSUPP;
        return error_from_errno();
    }
    if (!(info.mask & INFO_EXIT))
        return 1;
    *ret_exit = (struct pidfd_exit){
        .signaled = WIFSIGNALED(info.exit_code),
        .dumped = WIFSIGNALED(info.exit_code) && WCOREDUMP(info.exit_code),
        .code = WIFSIGNALED(info.exit_code) ? WTERMSIG(info.exit_code)
                                            : WEXITSTATUS(info.exit_code),
    };
    return 0;
}

int pidfd_exit_of_stranger(int fd, struct span patience, struct pidfd_exit *ret_exit)
{
    struct pollfd item = {.fd = fd}; /* POLLHUP is told without being asked for */
    struct timespec left = {
        .tv_sec = (time_t)(patience.nanoseconds / 1000000000u),
        .tv_nsec = (long)(patience.nanoseconds % 1000000000u),
    };
    int r = read_info(fd, ret_exit);

    if (r != 1 || patience.nanoseconds == 0)
        return r;
    /* Interrupted, it asks once more, and not for longer. */
    if (ppoll(&item, 1, &left, NULL) < 0 && errno != EINTR)
        return error_from_errno();
    return read_info(fd, ret_exit);
}
