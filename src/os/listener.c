#include "os/listener.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int set_option(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) < 0 ? error_from_errno() : 0;
}

/* By getaddrinfo(3), for it also knows scopes ("fe80::1%eth0"); numeric, so nothing is asked of
 * the network. */
static int parse_host(const char *host, uint16_t port, struct sockaddr_storage *ret_address,
                      socklen_t *ret_size)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
    };
    struct addrinfo *found = NULL;
    char service[8];
    int rv;

    (void)snprintf(service, sizeof service, "%u", port);
    rv = getaddrinfo(host, service, &hints, &found);
    if (rv != 0)
        return rv == EAI_MEMORY ? -ENOMEM : -EINVAL;
    memcpy(ret_address, found->ai_addr, found->ai_addrlen);
    *ret_size = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int listener_set_nonblocking(int fd, bool nonblocking)
{
    int flags = fcntl(fd, F_GETFL);
    int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;

    if (flags < 0 || (wanted != flags && fcntl(fd, F_SETFL, wanted) < 0))
        return error_from_errno();
    return 0;
}

int listener_open_tcp(const char *host, uint16_t port, bool v6only, int backlog, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    struct sockaddr_storage address;
    socklen_t size;
    int rv = parse_host(host, port, &address, &size);

    if (rv < 0)
        return rv;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_from_errno();
    rv = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rv == 0 && address.ss_family == AF_INET6)
        rv = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, v6only);
    if (rv < 0)
        return rv;
    if (bind(fd, (const struct sockaddr *)&address, size) < 0)
        return error_from_errno();
    if (listen(fd, backlog > 0 ? backlog : SOMAXCONN) < 0)
        return error_from_errno();
    *ret_fd = take_fd(fd);
    return 0;
}

int listener_open_unix(const char *path, mode_t mode, uid_t uid, gid_t gid, int backlog,
                       int *ret_fd)
{
    const struct unix_socket_options options = {
        .path = path,
        .type = SOCK_STREAM,
        .mode = mode,
        .uid = uid,
        .gid = gid,
    };

    return unix_socket_listen(&options, backlog, ret_fd);
}

static void describe_ipv4(const struct sockaddr_in *address, struct listener_description *ret)
{
    char host[INET_ADDRSTRLEN];

    ret->port = ntohs(address->sin_port);
    (void)inet_ntop(AF_INET, &address->sin_addr, host, sizeof host);
    (void)snprintf(ret->address, sizeof ret->address, "%s:%u", host, ret->port);
}

static void describe_ipv6(const struct sockaddr_in6 *address, struct listener_description *ret)
{
    char host[INET6_ADDRSTRLEN];
    char interface[IF_NAMESIZE] = "";
    const char *percent = "";

    ret->port = ntohs(address->sin6_port);
    (void)inet_ntop(AF_INET6, &address->sin6_addr, host, sizeof host);
    if (address->sin6_scope_id != 0) {
        percent = "%";
        if (if_indextoname(address->sin6_scope_id, interface) == NULL)
            (void)snprintf(interface, sizeof interface, "%u", address->sin6_scope_id);
    }
    (void)snprintf(ret->address, sizeof ret->address, "[%s%s%s]:%u", host, percent, interface,
                   ret->port);
}

static void describe_unix(const struct sockaddr_un *address, socklen_t size,
                          struct listener_description *ret)
{
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    size_t length = size > offset ? size - offset : 0;

    /* A path ends with a NUL, or fills the field; an abstract name starts with one; an unnamed
     * socket has neither (unix(7)). */
    if (length == 0)
        return;
    if (address->sun_path[0] == '\0')
        (void)snprintf(ret->address, sizeof ret->address, "@%.*s", (int)(length - 1),
                       address->sun_path + 1);
    else
        (void)snprintf(ret->address, sizeof ret->address, "%.*s", (int)length,
                       address->sun_path);
}

static int read_option(int fd, int option, int *ret_value)
{
    socklen_t size = sizeof *ret_value;

    return getsockopt(fd, SOL_SOCKET, option, ret_value, &size) < 0 ? error_from_errno() : 0;
}

int listener_describe_address(const struct sockaddr_storage *address, socklen_t size,
                              struct listener_description *ret_description)
{
    struct listener_description description = {.family = address->ss_family};
    const void *any = address;

    if (description.family == AF_INET)
        describe_ipv4(any, &description);
    else if (description.family == AF_INET6)
        describe_ipv6(any, &description);
    else if (description.family == AF_UNIX)
        describe_unix(any, size, &description);
    else
        return -EAFNOSUPPORT;
    *ret_description = description;
    return 0;
}

int listener_describe(int fd, struct listener_description *ret_description)
{
    struct listener_description description;
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    int listening;
    int rv;

    if (getsockname(fd, (struct sockaddr *)(void *)&address, &size) < 0)
        return error_from_errno();
    rv = listener_describe_address(&address, size, &description);
    if (rv == 0)
        rv = read_option(fd, SO_TYPE, &description.type);
    if (rv == 0)
        rv = read_option(fd, SO_ACCEPTCONN, &listening);
    if (rv == 0)
        rv = listener_identify(fd, &description.identity);
    if (rv < 0)
        return rv;
    description.listening = listening != 0;
    *ret_description = description;
    return 0;
}

int listener_identify(int fd, struct listener_identity *ret_identity)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return error_from_errno();
    *ret_identity = (struct listener_identity){
        .device = status.st_dev,
        .inode = status.st_ino,
    };
    return 0;
}
