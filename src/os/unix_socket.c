#include "os/unix_socket.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

int unix_socket_address(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_size)
{
    size_t length = strlen(path);

    if (length == 0)
        return -EINVAL;
    if (length >= sizeof ret_address->sun_path)
        return -ENAMETOOLONG;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, length + 1);
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return 0;
}

/* Tries to reach whoever has the path. Returns 0: alive; 1: nobody; -errno. */
static int probe(const char *path)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    struct sockaddr_un address;
    socklen_t size;
    int rv = unix_socket_address(path, &address, &size);

    if (rv < 0)
        return rv;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        _cleanup_fd_ int fd = socket(AF_UNIX, types[i] | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
            return error_from_errno();
        if (connect(fd, (const struct sockaddr *)&address, size) == 0 || errno == EAGAIN)
            return 0; /* EAGAIN: alive, its backlog is full */
        if (errno == ECONNREFUSED || errno == ENOENT)
            return 1;
        if (errno != EPROTOTYPE) /* a socket of another type: try that */
            return error_from_errno();
    }
    return 0;
}

int unix_socket_remove_stale(const char *path)
{
    struct stat status;
    int rv;

    if (lstat(path, &status) < 0)
        return errno == ENOENT ? 0 : error_from_errno();
    if (!S_ISSOCK(status.st_mode))
        return -ENOTSOCK;
    rv = probe(path);
    if (rv < 0)
        return rv;
    if (rv == 0)
        return 1;
    if (unlink(path) < 0 && errno != ENOENT)
        return error_from_errno();
    return 0;
}

static int set_access(const struct unix_socket_options *options)
{
    if ((options->uid != (uid_t)-1 || options->gid != (gid_t)-1) &&
        lchown(options->path, options->uid, options->gid) < 0)
        return error_from_errno();
    /* Last, and by hand: bind(2) took the umask away from it. */
    return chmod(options->path, options->mode) < 0 ? error_from_errno() : 0;
}

int unix_socket_bind(const struct unix_socket_options *options, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    struct sockaddr_un address;
    socklen_t size;
    int rv = unix_socket_address(options->path, &address, &size);

    if (rv < 0)
        return rv;
    rv = unix_socket_remove_stale(options->path);
    if (rv < 0)
        return rv;
    if (rv > 0)
        return -EADDRINUSE;

    fd = socket(AF_UNIX, options->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_from_errno();
    /* The file that bind(2) makes takes its mode from the socket's own inode (unix_bind_bsd()
     * in net/unix/af_unix.c), so it is at no moment open to more than it should be. */
    if (fchmod(fd, options->mode & 0600) < 0)
        return error_from_errno();
    if (bind(fd, (const struct sockaddr *)&address, size) < 0)
        return error_from_errno();
    rv = set_access(options);
    if (rv < 0) {
        (void)unlink(options->path); /* ours since a moment ago, and of no use to anybody */
        return rv;
    }
    *ret_fd = take_fd(fd);
    return 0;
}

int unix_socket_listen(const struct unix_socket_options *options, int backlog, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    int rv;

    assert(options->type == SOCK_STREAM);
    rv = unix_socket_bind(options, &fd);
    if (rv < 0)
        return rv;
    if (listen(fd, backlog > 0 ? backlog : SOMAXCONN) < 0) {
        rv = error_from_errno();
        (void)unlink(options->path);
        return rv;
    }
    *ret_fd = take_fd(fd);
    return 0;
}

/* connect(2) on a unix socket waits as long as SO_SNDTIMEO says (unix_stream_connect()). */
static int limit_connect(int fd, struct span timeout)
{
    struct timeval limit = {
        .tv_sec = (time_t)(timeout.nanoseconds / 1000000000u),
        .tv_usec = (suseconds_t)(timeout.nanoseconds % 1000000000u / 1000u),
    };

    if (timeout.nanoseconds == SPAN_FOREVER.nanoseconds)
        limit = (struct timeval){0}; /* no limit, socket(7) */
    else if (limit.tv_sec == 0 && limit.tv_usec == 0)
        limit.tv_usec = 1;
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0
               ? error_from_errno()
               : 0;
}

int unix_socket_connect(const char *path, struct span timeout, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    struct sockaddr_un address;
    socklen_t size;
    int rv = unix_socket_address(path, &address, &size);

    if (rv < 0)
        return rv;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_from_errno();
    rv = limit_connect(fd, timeout);
    if (rv < 0)
        return rv;
    do {
        rv = connect(fd, (const struct sockaddr *)&address, size);
    } while (rv < 0 && errno == EINTR);
    if (rv < 0)
        return errno == ENOENT || errno == ECONNREFUSED ? 1 : error_from_errno();
    rv = limit_connect(fd, SPAN_FOREVER);
    if (rv < 0)
        return rv;
    *ret_fd = take_fd(fd);
    return 0;
}

int unix_socket_read_peer(int fd, struct unix_socket_peer *ret_peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return error_from_errno();
    *ret_peer = (struct unix_socket_peer){
        .pid = credentials.pid,
        .uid = credentials.uid,
        .gid = credentials.gid,
    };
    return 0;
}
