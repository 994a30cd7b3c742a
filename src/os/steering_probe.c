#include "os/steering_probe.h"

#include "base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

enum {
    LOOPBACK = 1, /* ifindex of lo in every network namespace (LOOPBACK_IFINDEX) */
};

union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_storage room;
};

/* To another device than lo, unless its address says so too: a link-local one does. Returns 0,
 * 1, -errno. */
static int check_device(int listener_fd, const union address *address)
{
    int device;
    socklen_t size = sizeof device;

    if (getsockopt(listener_fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, &size) < 0)
        return error_from_errno();
    if (device == 0 || device == LOOPBACK)
        return 0;
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&address->ipv6.sin6_addr)
               ? 0
               : 1;
}

static int open_from(const union address *to, socklen_t size,
                     struct steering_probe_ends *ret_ends)
{
    _cleanup_fd_ int fd =
        socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    union address from = *to;
    socklen_t from_size = size;

    if (fd < 0)
        return error_from_errno();
    if (from.any.sa_family == AF_INET6)
        from.ipv6.sin6_port = 0;
    else
        from.ipv4.sin_port = 0;
    if (bind(fd, &from.any, size) < 0 || getsockname(fd, &from.any, &from_size) < 0)
        return error_from_errno();
    *ret_ends = (struct steering_probe_ends){
        .fd = take_fd(fd),
        .from = from.room,
        .to = to->room,
        .size = size,
    };
    return 0;
}

/* [::] that takes IPv4 in is asked over IPv4 where the machine has no ::1. */
static int open_to_any_ipv6(union address *to, struct steering_probe_ends *ret_ends)
{
    struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    union address to_ipv4 = {.ipv4 = {.sin_family = AF_INET, .sin_port = to->ipv6.sin6_port}};
    int rv;

    to->ipv6.sin6_addr = loopback;
    to_ipv4.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rv = open_from(to, sizeof to->ipv6, ret_ends);
    return rv == -EADDRNOTAVAIL ? open_from(&to_ipv4, sizeof to_ipv4.ipv4, ret_ends) : rv;
}

int steering_probe_open(int listener_fd, struct steering_probe_ends *ret_ends)
{
    union address to = {0};
    socklen_t size = sizeof to;
    int rv;

    if (getsockname(listener_fd, &to.any, &size) < 0)
        return error_from_errno();
    if (to.any.sa_family != AF_INET && to.any.sa_family != AF_INET6)
        return -EAFNOSUPPORT;
    rv = check_device(listener_fd, &to);
    if (rv != 0)
        return rv;
    if (to.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&to.ipv6.sin6_addr))
        return open_to_any_ipv6(&to, ret_ends);
    if (to.any.sa_family == AF_INET && to.ipv4.sin_addr.s_addr == htonl(INADDR_ANY))
        to.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return open_from(&to, size, ret_ends);
}
