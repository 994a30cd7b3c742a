#include "os/socket_options.h"

#include "base/error.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

enum {
    VALUE_SIZE = 16, /* of the greatest option below (TCP_CONGESTION) */
};

enum nature {
    PLAIN,
    DOUBLED,    /* what is read is twice what was set (socket(7), SO_RCVBUF) */
    OF_ADDRESS, /* part of where the socket is bound: for a new one alone */
};

static const struct option {
    int level;
    int name;
    enum nature nature;
} options[] = {
    {SOL_SOCKET, SO_BINDTOIFINDEX, OF_ADDRESS},
    {SOL_SOCKET, SO_KEEPALIVE, PLAIN},
    {SOL_SOCKET, SO_LINGER, PLAIN},
    {SOL_SOCKET, SO_MARK, PLAIN},
    {SOL_SOCKET, SO_PRIORITY, PLAIN},
    {SOL_SOCKET, SO_RCVBUF, DOUBLED},
    {SOL_SOCKET, SO_RCVLOWAT, PLAIN},
    {SOL_SOCKET, SO_SNDBUF, DOUBLED},
    {IPPROTO_TCP, TCP_CONGESTION, PLAIN},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, PLAIN},
    {IPPROTO_TCP, TCP_FASTOPEN, PLAIN},
    {IPPROTO_TCP, TCP_KEEPCNT, PLAIN},
    {IPPROTO_TCP, TCP_KEEPIDLE, PLAIN},
    {IPPROTO_TCP, TCP_KEEPINTVL, PLAIN},
    {IPPROTO_TCP, TCP_NODELAY, PLAIN},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, PLAIN},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, PLAIN},
    {IPPROTO_IP, IP_FREEBIND, OF_ADDRESS},
    {IPPROTO_IP, IP_MTU_DISCOVER, PLAIN},
    {IPPROTO_IP, IP_TOS, PLAIN},
    {IPPROTO_IP, IP_TRANSPARENT, OF_ADDRESS},
    {IPPROTO_IP, IP_TTL, PLAIN},
    {IPPROTO_IPV6, IPV6_FREEBIND, OF_ADDRESS},
    {IPPROTO_IPV6, IPV6_MTU_DISCOVER, PLAIN},
    {IPPROTO_IPV6, IPV6_TCLASS, PLAIN},
    {IPPROTO_IPV6, IPV6_TRANSPARENT, OF_ADDRESS},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, PLAIN},
    {IPPROTO_IPV6, IPV6_V6ONLY, OF_ADDRESS},
};

enum {
    OPTION_N = sizeof options / sizeof options[0],
};

/* Whether `from` has another value than `other`; true also where only one can tell. Returns 0;
 * 1: the same, or nobody knows such an option; -errno. */
static int compare(int from, int other, const struct option *option,
                   char value[static VALUE_SIZE], socklen_t *ret_size)
{
    char own[VALUE_SIZE] = {0};
    socklen_t size = VALUE_SIZE;
    socklen_t own_size = sizeof own;

    if (getsockopt(from, option->level, option->name, value, &size) < 0 ||
        getsockopt(other, option->level, option->name, own, &own_size) < 0) {
        /* No IPv6 option of an IPv4 socket; an option that the kernel does not know yet. */
        return errno == ENOPROTOOPT || errno == EOPNOTSUPP ? 1 : error_from_errno();
    }
    if (size == own_size && memcmp(value, own, own_size) == 0)
        return 1;
    *ret_size = size;
    return 0;
}

static int set(int to, const struct option *option, char value[static VALUE_SIZE],
               socklen_t size)
{
    int number;

    if (option->nature == DOUBLED) {
        memcpy(&number, value, sizeof number);
        number /= 2;
        memcpy(value, &number, sizeof number);
    }
    return setsockopt(to, option->level, option->name, value, size) < 0 ? error_from_errno()
                                                                        : 0;
}

int socket_options_copy(int from, int to)
{
    int flags = fcntl(from, F_GETFL);

    if (flags < 0 || fcntl(to, F_SETFL, flags & O_NONBLOCK) < 0)
        return error_from_errno();
    for (size_t i = 0; i < OPTION_N; i++) {
        char value[VALUE_SIZE] = {0};
        socklen_t size;
        /* Only where the two differ: what is as it was born need not be set, and may not be. */
        int rv = compare(from, to, &options[i], value, &size);

        if (rv == 0)
            rv = set(to, &options[i], value, size);
        if (rv < 0)
            return rv;
    }
    return 0;
}

int socket_options_copy_chosen(int from, int to)
{
    _cleanup_fd_ int fresh = -1;
    int family;
    socklen_t size = sizeof family;

    if (getsockopt(from, SOL_SOCKET, SO_DOMAIN, &family, &size) < 0)
        return error_from_errno();
    fresh = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fresh < 0)
        return error_from_errno();
    for (size_t i = 0; i < OPTION_N; i++) {
        char value[VALUE_SIZE] = {0};

        if (options[i].nature != OF_ADDRESS &&
            compare(from, fresh, &options[i], value, &size) == 0)
            (void)set(to, &options[i], value, size);
    }
    return 0;
}
