#include "os/capture_renew.h"

#include "base/error.h"
#include "os/capture_filter.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
    PATH_SIZE = 64,
};

bool capture_is_answered(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLOUT};

    /* Writable: there is something that was received, and not answered
     * (seccomp_notify_poll() in kernel/seccomp.c). */
    return poll(&item, 1, 0) != 1 || (item.revents & POLLOUT) == 0;
}

/* Does a thread sleep in bind or listen? The file has the number of the call, in decimal, in
 * that of the kernel's tables that the call came by; which one is not said, but no call that
 * shares a number with one of these sleeps for long. Returns 0; 1: it does; -errno. */
static int is_waiting(pid_t process, pid_t thread)
{
    static const uint32_t architectures[] = {
#if defined(__x86_64__)
        AUDIT_ARCH_X86_64,
        AUDIT_ARCH_I386,
#elif defined(__aarch64__)
        AUDIT_ARCH_AARCH64,
        AUDIT_ARCH_ARM,
#else
        AUDIT_ARCH_RISCV64,
#endif
    };
    enum capture_filter_call call;
    char path[PATH_SIZE];
    char text[256];
    size_t size;
    int number;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)process, (int)thread);
    rv = text_file_read(AT_FDCWD, path, text, sizeof text, &size);
    if (rv < 0)
        return rv == -ENOENT || rv == -ESRCH ? 0 : rv;
    if (sscanf(text, "%d 0x", &number) != 1) /* "running" */
        return 0;
    for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++)
        if (capture_filter_identify(architectures[i], number, &call))
            return 1;
    return 0;
}

/* Returns 0; 1: it has ended; -errno. */
static int interrupt_by_signals(pid_t process, pid_t thread)
{
    if (syscall(SYS_tgkill, process, thread, SIGSTOP) < 0 ||
        syscall(SYS_tgkill, process, thread, SIGCONT) < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    return 0;
}

/* As a debugger would do it: nobody but this thread is woken, and its parent is not told.
 * Returns 0; 1: it has ended; -errno. */
static int interrupt(pid_t process, pid_t thread)
{
    int status;
    int signal_number;
    pid_t rv;

    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) < 0) {
        if (errno == ESRCH)
            return 1;
        /* EPERM: it has a debugger already. */
        return errno == EPERM ? interrupt_by_signals(process, thread) : error_from_errno();
    }
    if (ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    do {
        rv = waitpid(thread, &status, __WALL);
    } while (rv < 0 && errno == EINTR);
    if (rv < 0)
        return error_from_errno();
    if (!WIFSTOPPED(status))
        return 1;
    /* A signal that came at the same moment is given on (ptrace(2), "Signal-delivery-stop"). */
    signal_number = status >> 16 == 0 ? WSTOPSIG(status) : 0;
    if (ptrace(PTRACE_DETACH, thread, NULL, (void *)(uintptr_t)signal_number) < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    return 0;
}

int capture_renew(pid_t process, size_t *ret_count)
{
    _cleanup_dir_ DIR *dir = NULL;
    char path[PATH_SIZE];
    size_t count = 0;
    pid_t thread;
    int rv;

    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    rv = proc_open(path, &dir);
    if (rv != 0)
        return rv;
    while (proc_next(dir, &thread) == 0) {
        struct proc_stat stat;

        /* One that is stopped was taken out of its call by that, and is not ours to go on. */
        if (proc_stat_read(thread, &stat) != 0 || stat.state != 'S')
            continue;
        rv = is_waiting(process, thread);
        if (rv == 0)
            continue;
        rv = rv > 0 ? interrupt(process, thread) : rv;
        if (rv < 0)
            return rv;
        count += rv == 0;
    }
    *ret_count = count;
    return 0;
}
