#include "os/steering.h"

#include "base/error.h"
#include "os/accept_queue.h"
#include "os/socket_options.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

const char *steering_refusal_text(enum steering_refusal refusal)
{
    switch (refusal) {
    case STEERING_NOT_TCP:
        return "it is no TCP socket";
    case STEERING_NOT_LISTENING:
        return "it does not listen";
    case STEERING_OTHER_USER:
        return "it was opened by another user";
    case STEERING_TAKEN:
        return "another socket at its address is in the way";
    case STEERING_NO_GROUP:
        return "it has no second lane yet";
    }
    return "unknown reason";
}

static int read_int(int fd, int name, int *ret_value)
{
    socklen_t size = sizeof *ret_value;

    return getsockopt(fd, SOL_SOCKET, name, ret_value, &size) < 0 ? error_from_errno() : 0;
}

static int enable(int fd, int name)
{
    const int on = 1;

    return setsockopt(fd, SOL_SOCKET, name, &on, sizeof on) < 0 ? error_from_errno() : 0;
}

static int open_unbound(int base_fd, int *ret_fd)
{
    int family;
    int rv = read_int(base_fd, SO_DOMAIN, &family);

    if (rv < 0)
        return rv;
    *ret_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    return *ret_fd < 0 ? error_from_errno() : 0;
}

/* Gives a socket the owner that the base has. The owner of a socket is the user that opened it,
 * and fchown(2) changes it (sockfs_setattr(), Linux 4.10). Returns 0, STEERING_OTHER_USER,
 * -errno. */
static int copy_owner(int base_fd, int fd)
{
    struct stat base;
    struct stat own;

    if (fstat(base_fd, &base) < 0 || fstat(fd, &own) < 0)
        return error_from_errno();
    if (base.st_uid == own.st_uid || fchown(fd, base.st_uid, (gid_t)-1) == 0)
        return 0;
    /* EINVAL: a user that our user namespace has no number for. */
    return errno == EPERM || errno == EINVAL ? STEERING_OTHER_USER : error_from_errno();
}

static int check_kind(int fd)
{
    int domain;
    int protocol;
    int type;
    int listening;
    int rv = read_int(fd, SO_DOMAIN, &domain);

    if (rv == 0)
        rv = read_int(fd, SO_PROTOCOL, &protocol);
    if (rv == 0)
        rv = read_int(fd, SO_TYPE, &type);
    if (rv == 0)
        rv = read_int(fd, SO_ACCEPTCONN, &listening);
    if (rv < 0)
        return rv;
    if ((domain != AF_INET && domain != AF_INET6) || type != SOCK_STREAM ||
        protocol != IPPROTO_TCP)
        return STEERING_NOT_TCP;
    return listening == 0 ? STEERING_NOT_LISTENING : 0;
}

int steering_prepare(int base_fd)
{
    _cleanup_fd_ int trial = -1;
    int shared;
    int rv = check_kind(base_fd);

    if (rv == 0)
        rv = open_unbound(base_fd, &trial);
    if (rv == 0)
        rv = copy_owner(base_fd, trial);
    if (rv == 0)
        rv = read_int(base_fd, SO_REUSEPORT, &shared);
    if (rv == 0 && shared == 0)
        rv = enable(base_fd, SO_REUSEPORT);
    return rv;
}

/* Both calls ask for the address: between them somebody else may have taken it. */
static int join(int base_fd, int fd)
{
    struct sockaddr_storage address;
    struct sockaddr *at = (struct sockaddr *)(void *)&address;
    socklen_t size = sizeof address;
    struct accept_queue queue;
    int rv = accept_queue_look(base_fd, &queue);

    if (rv < 0)
        return rv;
    if (getsockname(base_fd, at, &size) < 0)
        return error_from_errno();
    if (bind(fd, at, size) < 0 || listen(fd, (int)queue.room) < 0)
        return errno == EADDRINUSE ? STEERING_TAKEN : error_from_errno();
    return 0;
}

/* SO_REUSEADDR: connections of the base may have been accepted by another user's worker, which
 * then owns them, and they would be in the way otherwise. */
int steering_open_lane(int base_fd, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    int rv = open_unbound(base_fd, &fd);

    if (rv == 0)
        rv = copy_owner(base_fd, fd);
    if (rv == 0)
        rv = enable(fd, SO_REUSEADDR);
    if (rv == 0)
        rv = enable(fd, SO_REUSEPORT);
    if (rv == 0)
        rv = socket_options_copy(base_fd, fd);
    if (rv == 0)
        rv = join(base_fd, fd);
    if (rv == 0)
        *ret_fd = take_fd(fd);
    return rv;
}

int steering_reopen_lane(int fd)
{
    struct sockaddr_storage address;
    struct sockaddr *at = (struct sockaddr *)(void *)&address;
    socklen_t size = sizeof address;

    if (getsockname(fd, at, &size) < 0)
        return error_from_errno();
    if (bind(fd, at, size) < 0 && errno != EINVAL) /* which says that it is bound still */
        return error_from_errno();
    return listen(fd, SOMAXCONN) < 0 ? error_from_errno() : 0;
}

int steering_apply(int any_fd, const struct steering_plan *plan)
{
    struct steering_program program;
    struct sock_fprog attached;
    int listening;
    int rv = steering_program_build(plan, &program);

    if (rv == 0)
        rv = read_int(any_fd, SO_ACCEPTCONN, &listening);
    if (rv < 0)
        return rv;
    /* The kernel would make it a group of its own, and say 0. */
    if (listening == 0)
        return STEERING_NOT_LISTENING;
    attached = (struct sock_fprog){
        .len = (unsigned short)program.length,
        .filter = program.code,
    };
    if (setsockopt(any_fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached) ==
        0)
        return 0;
    /* The program is right, so EINVAL can only mean that there is no group
     * (reuseport_attach_prog()). */
    return errno == EINVAL ? STEERING_NO_GROUP : error_from_errno();
}
