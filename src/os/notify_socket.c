#include "os/notify_socket.h"

#include "base/error.h"
#include "os/proc.h"
#include "os/unix_socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    PASSED_MAX = 253, /* SCM_MAX_FD, unix(7): the kernel refuses more in one datagram */
};

int notify_socket_open(const char *path, uid_t uid, int *ret_fd)
{
    const struct unix_socket_options options = {
        .path = path,
        .type = SOCK_DGRAM,
        .mode = 0600,
        .uid = uid,
        .gid = (gid_t)-1,
    };
    _cleanup_fd_ int fd = -1;
    int on = 1;
    int rv = unix_socket_bind(&options, &fd);

    if (rv < 0)
        return rv;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) {
        rv = error_from_errno();
        (void)unlink(path);
        return rv;
    }
    *ret_fd = take_fd(fd);
    return 0;
}

/* Keeps the first descriptor and closes the others. */
static void take_descriptors(const struct cmsghdr *part, struct notify_datagram *datagram)
{
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < count; i++) {
        int fd;

        memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        if (datagram->fd < 0)
            datagram->fd = fd;
        else
            (void)close_fd(fd);
    }
}

static void read_parts(struct msghdr *message, struct notify_datagram *datagram)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET)
            continue;
        if (part->cmsg_type == SCM_RIGHTS)
            take_descriptors(part, datagram);
        if (part->cmsg_type == SCM_CREDENTIALS &&
            part->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            struct ucred credentials;

            memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
            datagram->pid = credentials.pid;
            datagram->uid = credentials.uid;
            datagram->gid = credentials.gid;
        }
    }
}

static int receive(int fd, int flags, char *buffer, size_t size,
                   struct notify_datagram *ret_datagram)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * PASSED_MAX)];
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    struct notify_datagram datagram = {.uid = (uid_t)-1, .gid = (gid_t)-1, .fd = -1};
    ssize_t count;

    do {
        count = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno == EAGAIN ? 1 : error_from_errno();
    read_parts(&message, &datagram);
    datagram.size = (size_t)count;
    datagram.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    *ret_datagram = datagram;
    return 0;
}

int notify_socket_receive(int fd, char *buffer, size_t size,
                          struct notify_datagram *ret_datagram)
{
    return receive(fd, 0, buffer, size, ret_datagram);
}

int notify_socket_peek(int fd, char *buffer, size_t size, struct notify_datagram *ret_datagram)
{
    return receive(fd, MSG_PEEK, buffer, size, ret_datagram);
}

int notify_socket_sweep(const char *folder)
{
    _cleanup_dir_ DIR *dir = opendir(folder);
    const struct dirent *entry;

    if (dir == NULL)
        return error_from_errno();
    while ((entry = readdir(dir)) != NULL) {
        struct stat status;

        if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISSOCK(status.st_mode) && unlinkat(dirfd(dir), entry->d_name, 0) < 0)
            return error_from_errno();
    }
    return 0;
}
