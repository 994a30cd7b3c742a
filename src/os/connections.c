#include "os/connections.h"

#include "base/error.h"
#include "os/proc.h"
#include "os/sock_diag.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    PATH_SIZE = 32,
    STATES = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT, /* the client may speak no more, but it
                                                            listens */
};

enum manner {
    MANNER_UNKNOWN,
    MANNER_ACTIVE,
    MANNER_IDLE,
};

struct connection {
    uint64_t inode;
    enum manner manner;
    uint32_t still_ms; /* since anything went over it; 0: not known */
    uint32_t unread;   /* bytes */
    uint32_t unsent;
    size_t counted_for; /* number of the holder + 1: its processes share descriptors */
};

/* The address of a listener. */
union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un unix_socket;
};

/* The connections that were found, of whomever. */
struct findings {
    const union address *addresses;
    const socklen_t *sizes;
    size_t address_n;
    struct connection *list;
    size_t count;
    size_t capacity;
};

static int add(struct findings *findings, const struct connection *connection)
{
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity > 0 ? 2 * findings->capacity : 64;
        struct connection *list = reallocarray(findings->list, capacity, sizeof *list);

        if (list == NULL)
            return -ENOMEM;
        findings->list = list;
        findings->capacity = capacity;
    }
    findings->list[findings->count++] = *connection;
    return 0;
}

/* TCP. */

static in_port_t port_of(const union address *address)
{
    return address->any.sa_family == AF_INET ? address->ipv4.sin_port : address->ipv6.sin6_port;
}

static bool is_wanted_port(const struct findings *findings, int family, in_port_t port)
{
    for (size_t i = 0; i < findings->address_n; i++)
        if (findings->addresses[i].any.sa_family == family &&
            port_of(&findings->addresses[i]) == port)
            return true;
    return false;
}

static enum manner manner_of(const struct inet_diag_msg *message,
                             const struct sock_diag_traffic *traffic)
{
    if (message->idiag_rqueue > 0 || message->idiag_wqueue > 0 ||
        (traffic->bytes_received > 0 && traffic->bytes_sent == 0) ||
        traffic->received_ms_ago < traffic->sent_ms_ago)
        return MANNER_ACTIVE;
    return MANNER_IDLE;
}

/* Inode 0: still in the accept queue, nobody's yet. */
static int note_tcp(const struct inet_diag_msg *message,
                    const struct sock_diag_traffic *traffic, void *context)
{
    struct findings *findings = context;
    struct connection connection = {
        .inode = message->idiag_inode,
        .manner = manner_of(message, traffic),
        .still_ms = traffic->received_ms_ago < traffic->sent_ms_ago ? traffic->received_ms_ago
                                                                    : traffic->sent_ms_ago,
        .unread = message->idiag_rqueue,
        .unsent = message->idiag_wqueue,
    };

    if (connection.inode == 0 ||
        !is_wanted_port(findings, message->idiag_family, message->id.idiag_sport))
        return 0;
    return add(findings, &connection);
}

/* One port the kernel sifts out; several are sifted here. */
static int find_tcp(struct findings *findings, int family)
{
    in_port_t only = 0;

    for (size_t i = 0; i < findings->address_n; i++) {
        in_port_t port = port_of(&findings->addresses[i]);

        if (findings->addresses[i].any.sa_family != family)
            continue;
        if (only != 0 && only != port)
            return sock_diag_visit_traffic(family, STATES, 0, note_tcp, findings);
        only = port;
    }
    return only != 0 ? sock_diag_visit_traffic(family, STATES, ntohs(only), note_tcp, findings)
                     : 0;
}

/* Unix sockets. */

/* Whether it bears a listener's name: who accepts gets it, who connects has none. Some have the
 * closing NUL in it, and some have not (unix(7)). */
static bool is_wanted_name(const struct findings *findings, const char *name, size_t size)
{
    for (size_t i = 0; i < findings->address_n; i++) {
        const struct sockaddr_un *address = &findings->addresses[i].unix_socket;
        size_t wanted = findings->sizes[i] - offsetof(struct sockaddr_un, sun_path);
        size_t least = wanted < size ? wanted : size;

        if (address->sun_family != AF_UNIX || least == 0 ||
            memcmp(name, address->sun_path, least) != 0)
            continue;
        if (wanted == size || (wanted == size + 1 && address->sun_path[size] == '\0') ||
            (size == wanted + 1 && name[wanted] == '\0'))
            return true;
    }
    return false;
}

static int note_unix(const struct sock_diag_unix *socket, void *context)
{
    struct findings *findings = context;
    const struct connection connection = {
        .inode = socket->inode,
        .manner = socket->unread > 0 || socket->unsent > 0 ? MANNER_ACTIVE : MANNER_UNKNOWN,
        .unread = socket->unread,
        .unsent = socket->unsent,
    };

    if (socket->name == NULL || !is_wanted_name(findings, socket->name, socket->name_size))
        return 0;
    return add(findings, &connection);
}

static int find_unix(struct findings *findings)
{
    for (size_t i = 0; i < findings->address_n; i++)
        if (findings->addresses[i].any.sa_family == AF_UNIX)
            return sock_diag_visit_unix(note_unix, findings);
    return 0;
}

/* Who holds them. */

static int compare(const void *a, const void *b)
{
    uint64_t left = ((const struct connection *)a)->inode;
    uint64_t right = ((const struct connection *)b)->inode;

    return (left > right) - (left < right);
}

static void count(const struct connection *connection, struct connections *found)
{
    const struct span still = span_from_ms(connection->still_ms);
    const struct span idle = connection->manner == MANNER_IDLE ? still : (struct span){0};

    found->open++;
    found->active += connection->manner == MANNER_ACTIVE;
    found->idle += connection->manner == MANNER_IDLE;
    found->unread += connection->unread > 0;
    found->unread_bytes += connection->unread;
    found->unsent_bytes += connection->unsent;
    if (still.nanoseconds > found->oldest.nanoseconds)
        found->oldest = still;
    if (idle.nanoseconds < found->still.nanoseconds)
        found->still = idle;
}

static void count_process(struct findings *findings, pid_t pid, size_t number,
                          struct connections *found)
{
    _cleanup_dir_ DIR *dir = NULL;
    char path[PATH_SIZE];
    int rv;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    rv = proc_open(path, &dir);
    found->hidden = found->hidden || rv < 0;
    while (rv == 0 && proc_next(dir, &fd) == 0) {
        struct connection wanted = {0};
        struct connection *connection;

        if (proc_fd_socket_at(dirfd(dir), fd, &wanted.inode) != 0)
            continue;
        connection = bsearch(&wanted, findings->list, findings->count, sizeof wanted, compare);
        if (connection == NULL || connection->counted_for == number)
            continue;
        connection->counted_for = number;
        count(connection, found);
    }
}

static void count_all(struct findings *findings, struct connections_holder *holders,
                      size_t holder_n)
{
    if (findings->count > 0)
        qsort(findings->list, findings->count, sizeof *findings->list, compare);
    for (size_t i = 0; i < holder_n; i++) {
        struct connections_holder *holder = &holders[i];

        holder->found = (struct connections){.still = SPAN_FOREVER};
        for (size_t j = 0; findings->count > 0 && j < holder->pid_n; j++)
            count_process(findings, holder->pids[j], i + 1, &holder->found);
    }
}

int connections_look(const int *listeners, size_t listener_n,
                     struct connections_holder *holders, size_t holder_n)
{
    _cleanup_free_ union address *addresses = calloc(listener_n + 1, sizeof *addresses);
    _cleanup_free_ socklen_t *sizes = calloc(listener_n + 1, sizeof *sizes);
    struct findings findings = {addresses, sizes, listener_n, NULL, 0, 0};
    int rv;

    if (addresses == NULL || sizes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < listener_n; i++) {
        sizes[i] = sizeof addresses[i];
        if (getsockname(listeners[i], &addresses[i].any, &sizes[i]) < 0)
            return error_from_errno();
    }
    rv = find_tcp(&findings, AF_INET);
    if (rv == 0)
        rv = find_tcp(&findings, AF_INET6);
    if (rv == 0)
        rv = find_unix(&findings);
    if (rv == 0)
        count_all(&findings, holders, holder_n);
    free(findings.list);
    return rv;
}
