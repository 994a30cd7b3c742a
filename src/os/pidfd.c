#include "os/pidfd.h"

#include "base/error.h"
#include "os/proc.h"

#include <poll.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

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
