#include "os/capture.h"

#include "base/error.h"
#include "os/capture_filter.h"
#include "os/listener.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL /* linux/pidfd.h, Linux 6.9 */
#endif

enum {
    PATH_SIZE = 64,
};

/* An ioctl with what it points to. Returns 0 or -errno; never -EINTR. */
static int control(int fd, unsigned long request, void *argument)
{
    int rv;

    do {
        rv = ioctl(fd, request, argument);
    } while (rv < 0 && errno == EINTR);
    return rv < 0 ? error_from_errno() : 0;
}

int capture_check(int fd)
{
    /* The kernel looks at the descriptor to be placed before anything else of a request that it
     * knows (seccomp_notify_addfd() in kernel/seccomp.c), and there is none at -1. */
    struct seccomp_notif_addfd nothing = {.srcfd = (uint32_t)-1};
    int rv = control(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &nothing);

    if (rv == -EBADF && fcntl(fd, F_GETFD) >= 0)
        return 0;
    if (rv == -EINVAL)
        return -EOPNOTSUPP;
    return rv == -ENOTTY ? -EBADMSG : rv;
}

/* The one descriptor of a message, or -1. */
static int passed_fd(struct msghdr *message)
{
    const struct cmsghdr *part = CMSG_FIRSTHDR(message);
    int fd;

    if (part == NULL || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS ||
        part->cmsg_len != CMSG_LEN(sizeof fd))
        return -1;
    memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return fd;
}

int capture_take(int channel, int *ret_fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))]; /* the kernel closes what does not fit */
    } control_data = {.bytes = {0}};
    int told = 0;
    struct iovec part = {.iov_base = &told, .iov_len = sizeof told};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control_data,
        .msg_controllen = sizeof control_data,
    };
    _cleanup_fd_ int fd = -1;
    ssize_t size;
    int rv;

    do {
        size = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_PEEK);
    } while (size < 0 && errno == EINTR);
    if (size < 0)
        return errno == EAGAIN ? 1 : error_from_errno();
    if (size == 0)
        return -EPIPE;
    if ((message.msg_flags & MSG_CTRUNC) != 0)
        return -EMFILE; /* it did not fit into our table (unix(7)), and waits */
    fd = passed_fd(&message);
    if (fd < 0)
        return size == sizeof told && told < 0 ? told : -EBADMSG;
    rv = capture_check(fd);
    if (rv < 0)
        return rv;
    *ret_fd = take_fd(fd);
    return 0;
}

/* Reads from the worker's memory. Returns 0; -EFAULT; -EPERM; -ESRCH where it is gone. */
static int read_memory(pid_t thread, uint64_t address, void *buffer, size_t size)
{
    const struct iovec local = {.iov_base = buffer, .iov_len = size};
    /* An address of the other process: never followed here. */
    const struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
    ssize_t count = process_vm_readv(thread, &local, 1, &remote, 1, 0);

    if (count < 0)
        return error_from_errno();
    return (size_t)count == size ? 0 : -EFAULT;
}

/* Returns 0 or -errno. */
static int read_address(struct capture_request *request, uint64_t address, uint64_t size)
{
    uint32_t length = (uint32_t)size; /* an int, whatever is in the upper half */
    int rv;

    if (length < sizeof request->address.ss_family || length > sizeof request->address)
        return -EINVAL; /* as move_addr_to_kernel() in net/socket.c */
    rv = read_memory(request->thread, address, &request->address, length);
    if (rv == 0)
        request->address_size = length;
    else
        memset(&request->address, 0, sizeof request->address);
    return rv;
}

/* What kind it is says the socket's own file, to whoever may see it (sockfs_xattr_get() in
 * net/socket.c): unlike pidfd_getfd(2), which Docker's default profile forbids. A unix stream
 * socket has a name of its own since Linux 5.15. */
static int family_of(const char *protocol)
{
    static const struct {
        const char *protocol;
        int family;
    } names[] = {
        {"TCP", AF_INET},      {"TCPv6", AF_INET6},      {"MPTCP", AF_INET},
        {"MPTCPv6", AF_INET6}, {"UNIX-STREAM", AF_UNIX},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i].protocol, protocol) == 0)
            return names[i].family;
    return AF_UNSPEC;
}

/* Is it a unix stream socket, on a kernel where they all are "UNIX"? */
static bool is_stream(const struct capture_request *request)
{
    _cleanup_fd_ int fd = -1;
    int type = 0;
    socklen_t size = sizeof type;

    return capture_borrow(request, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static void describe_flags(struct capture_request *request)
{
    char path[PATH_SIZE];
    char text[512];
    const char *line;
    unsigned flags;
    size_t size;

    (void)snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)request->thread, request->fd);
    if (text_file_read(AT_FDCWD, path, text, sizeof text, &size) < 0)
        return;
    line = strstr(text, "flags:\t"); /* octal, proc(5) */
    if (line == NULL || sscanf(line, "flags: %o", &flags) != 1)
        return;
    request->socket.nonblocking = (flags & O_NONBLOCK) != 0;
    request->socket.close_on_exec = (flags & O_CLOEXEC) != 0;
}

static void describe_socket(struct capture_request *request)
{
    struct capture_socket *found = &request->socket;
    char path[PATH_SIZE];
    char protocol[64] = "";

    *found = (struct capture_socket){.family = AF_UNSPEC};
    if (proc_fd_socket(request->thread, request->fd, &found->inode) != 0) {
        found->inode = 0;
        return;
    }
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)request->thread, request->fd);
    if (getxattr(path, "system.sockprotoname", protocol, sizeof protocol - 1) < 0)
        return;
    found->family = family_of(protocol);
    if (strcmp(protocol, "UNIX") == 0 && is_stream(request))
        found->family = AF_UNIX;
    describe_flags(request);
}

/* Unpacks socketcall(2) of i386: its arguments are 32 bits each, in memory. Returns 0 or
 * -errno. */
static int unpack(const struct seccomp_data *data, pid_t thread, uint64_t arguments[static 3],
                  enum capture_filter_call *ret_call)
{
    uint32_t words[3];
    size_t count = (uint32_t)data->args[0] == SYS_BIND ? 3 : 2;
    int rv = read_memory(thread, (uint32_t)data->args[1], words, count * sizeof words[0]);

    *ret_call = count == 3 ? CAPTURE_FILTER_BIND : CAPTURE_FILTER_LISTEN;
    for (size_t i = 0; rv == 0 && i < count; i++)
        arguments[i] = words[i];
    return rv;
}

static void describe(const struct seccomp_notif *notice, struct capture_request *request)
{
    const struct seccomp_data *data = &notice->data;
    uint64_t arguments[3] = {data->args[0], data->args[1], data->args[2]};
    enum capture_filter_call call = CAPTURE_FILTER_BIND;
    int rv = 0;

    *request = (struct capture_request){
        .id = notice->id,
        .thread = (pid_t)notice->pid,
        .compatible = data->arch == AUDIT_ARCH_I386 || data->arch == AUDIT_ARCH_ARM,
        .fd = -1,
        .socket = {.family = AF_UNSPEC},
    };
    /* The filter tells of nothing else. */
    if (!capture_filter_identify(data->arch, data->nr, &call))
        rv = -EINVAL;
    if (rv == 0 && call == CAPTURE_FILTER_SOCKETCALL)
        rv = unpack(data, request->thread, arguments, &call);
    request->call = call == CAPTURE_FILTER_LISTEN ? CAPTURE_LISTEN : CAPTURE_BIND;
    request->address_error = rv;
    if (rv < 0)
        return;
    request->fd = (int)arguments[0];
    describe_socket(request);
    if (request->call == CAPTURE_BIND)
        request->address_error = read_address(request, arguments[1], arguments[2]);
    else
        request->backlog = (int)arguments[1];
}

int capture_receive(int fd, struct capture_request *ret_request)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    struct seccomp_notif notice = {0}; /* the kernel insists */
    struct capture_request request;
    int rv;

    /* Asked first, for to receive waits where there is nothing. */
    if (poll(&item, 1, 0) < 0)
        return errno == EINTR ? CAPTURE_NONE : error_from_errno();
    if ((item.revents & POLLNVAL) != 0)
        return -EBADF;
    if ((item.revents & POLLIN) == 0)
        return (item.revents & POLLHUP) != 0 ? CAPTURE_ENDED : CAPTURE_NONE;
    rv = control(fd, SECCOMP_IOCTL_NOTIF_RECV, &notice);
    if (rv < 0)
        return rv == -ENOENT ? CAPTURE_NONE : rv;
    describe(&notice, &request);
    rv = control(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &notice.id);
    if (rv < 0)
        return rv == -ENOENT ? CAPTURE_NONE : rv;
    *ret_request = request;
    return 0;
}

/* Returns 0; 1: it is not in the call any more; -errno. */
static int respond(int fd, const struct capture_request *request, int error, uint32_t flags)
{
    struct seccomp_notif_resp response = {.id = request->id, .error = error, .flags = flags};
    int rv = control(fd, SECCOMP_IOCTL_NOTIF_SEND, &response);

    return rv == -ENOENT ? 1 : rv;
}

int capture_answer(int fd, const struct capture_request *request, int error)
{
    return respond(fd, request, error, 0);
}

int capture_pass(int fd, const struct capture_request *request)
{
    return respond(fd, request, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

/* SECCOMP_ADDFD_FLAG_SEND would answer in the same step, but with the descriptor's number, and
 * bind(2) says 0. So the worker can be interrupted in between. */
int capture_place(int fd, const struct capture_request *request, int socket)
{
    struct seccomp_notif_addfd placement = {
        .id = request->id,
        .flags = SECCOMP_ADDFD_FLAG_SETFD,
        .srcfd = (uint32_t)socket,
        .newfd = (uint32_t)request->fd,
        .newfd_flags = request->socket.close_on_exec ? O_CLOEXEC : 0,
    };
    int rv = listener_set_nonblocking(socket, request->socket.nonblocking);

    if (rv < 0)
        return rv;
    rv = control(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &placement);
    /* ENOENT: it had left before; ESRCH: it left while it was to do it. */
    if (rv < 0)
        return rv == -ENOENT || rv == -ESRCH ? 1 : rv;
    return respond(fd, request, 0, 0);
}

/* The process of a thread, for kernels that hold no thread by a descriptor. Returns 0; 1: it is
 * gone; -errno. */
static int open_process_of(pid_t thread, int *ret_fd)
{
    char path[PATH_SIZE];
    char text[1024];
    const char *line;
    size_t size;
    int process;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    if (text_file_read(AT_FDCWD, path, text, sizeof text, &size) < 0)
        return 1;
    line = strstr(text, "\nTgid:");
    if (line == NULL || sscanf(line, "\nTgid: %d", &process) != 1)
        return -EBADMSG;
    fd = pidfd_open(process, 0);
    if (fd < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    *ret_fd = fd;
    return 0;
}

int capture_borrow(const struct capture_request *request, int *ret_fd)
{
    _cleanup_fd_ int process = pidfd_open(request->thread, PIDFD_THREAD);
    int fd;

    if (process < 0 && errno == EINVAL) {
        int rv = open_process_of(request->thread, &process);

        if (rv != 0)
            return rv;
    }
    if (process < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    fd = pidfd_getfd(process, request->fd, 0);
    if (fd < 0)
        return errno == ESRCH ? 1 : error_from_errno();
    *ret_fd = fd;
    return 0;
}
