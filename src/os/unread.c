#include "os/unread.h"

#include "base/error.h"
#include "os/proc.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    REPLY_SIZE = 32768, /* what a dump needs at most at once (netlink(7)) */
    PATH_SIZE = 32,
};

struct connection {
    uint64_t inode;
    bool unread;
};

/* The connections that were found, of whomever. */
struct unread {
    const uint16_t *ports;
    size_t port_count;
    struct connection *list;
    size_t count;
    size_t capacity;
};

static int note_connection(struct unread *unread, uint64_t inode, bool has_bytes)
{
    if (unread->count == unread->capacity) {
        size_t capacity = unread->capacity > 0 ? 2 * unread->capacity : 64;
        struct connection *list = reallocarray(unread->list, capacity, sizeof *list);

        if (list == NULL)
            return -ENOMEM;
        unread->list = list;
        unread->capacity = capacity;
    }
    unread->list[unread->count++] = (struct connection){inode, has_bytes};
    return 0;
}

static bool is_wanted_port(const struct unread *unread, uint16_t port)
{
    for (size_t i = 0; i < unread->port_count; i++)
        if (unread->ports[i] == port)
            return true;
    return false;
}

/* Inode 0: still in the accept queue, nobody's yet. */
static int note_tcp(struct unread *unread, const struct inet_diag_msg *message)
{
    if (message->idiag_inode == 0 || !is_wanted_port(unread, ntohs(message->id.idiag_sport)))
        return 0;
    return note_connection(unread, message->idiag_inode, message->idiag_rqueue > 0);
}

static int note_unix(struct unread *unread, const struct unix_diag_msg *message, size_t size)
{
    size_t left = size - NLMSG_ALIGN(sizeof *message);
    const char *at = (const char *)message + NLMSG_ALIGN(sizeof *message);

    while (size > NLMSG_ALIGN(sizeof *message) && left >= NLA_HDRLEN) {
        struct nlattr attribute;
        struct unix_diag_rqlen queues;
        size_t step; /* netlink attributes are aligned as messages are */

        memcpy(&attribute, at, sizeof attribute);
        if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > left)
            return 0;
        if (attribute.nla_type == UNIX_DIAG_RQLEN &&
            attribute.nla_len >= NLA_HDRLEN + sizeof queues) {
            memcpy(&queues, at + NLA_HDRLEN, sizeof queues);
            return note_connection(unread, message->udiag_ino, queues.udiag_rqueue > 0);
        }
        step = NLMSG_ALIGN((size_t)attribute.nla_len);
        if (step >= left)
            return 0;
        at += step;
        left -= step;
    }
    return 0;
}

/* Returns 0; 1 at the end of the dump; -errno. */
static int note_message(struct unread *unread, struct nlmsghdr *header, int family)
{
    size_t size = header->nlmsg_len - NLMSG_HDRLEN;

    if (header->nlmsg_type == NLMSG_DONE)
        return 1;
    if (header->nlmsg_type == NLMSG_ERROR) {
        const struct nlmsgerr *error = NLMSG_DATA(header);

        return error->error < 0 ? error->error : 1;
    }
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return 0;
    if (family == AF_UNIX)
        return size < sizeof(struct unix_diag_msg)
                   ? 0
                   : note_unix(unread, NLMSG_DATA(header), size);
    return size < sizeof(struct inet_diag_msg) ? 0 : note_tcp(unread, NLMSG_DATA(header));
}

static int read_dump(int fd, struct unread *unread, int family)
{
    _Alignas(struct nlmsghdr) char reply[REPLY_SIZE];

    for (;;) {
        ssize_t count = recv(fd, reply, sizeof reply, 0);
        struct nlmsghdr *header = (struct nlmsghdr *)(void *)reply;
        unsigned left = (unsigned)count;

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_from_errno();
        if (count == 0)
            return 0;
        for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
            int rv = note_message(unread, header, family);

            if (rv != 0)
                return rv < 0 ? rv : 0;
        }
    }
}

static int dump(struct unread *unread, int family, const void *request, size_t size)
{
    _cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd < 0 || send(fd, request, size, 0) < 0)
        return error_from_errno();
    return read_dump(fd, unread, family);
}

static int dump_tcp(struct unread *unread, int family)
{
    const struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = 1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT},
    };

    return dump(unread, family, &request, sizeof request);
}

static int dump_unix(struct unread *unread)
{
    const struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = 1 << TCP_ESTABLISHED,
                 .udiag_show = UDIAG_SHOW_RQLEN},
    };

    return dump(unread, AF_UNIX, &request, sizeof request);
}

static enum unread_state state_of(const struct unread *unread, uint64_t inode)
{
    for (size_t i = 0; i < unread->count; i++)
        if (unread->list[i].inode == inode)
            return unread->list[i].unread ? UNREAD_BYTES : UNREAD_NOTHING;
    return UNREAD_NO_CONNECTION;
}

/* The worst of the process's connections. */
static enum unread_state process_state(pid_t pid, const struct unread *unread)
{
    _cleanup_dir_ DIR *dir = NULL;
    enum unread_state worst = UNREAD_NO_CONNECTION;
    char path[PATH_SIZE];
    uint64_t inode;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    if (proc_open(path, &dir) != 0)
        return worst;
    while (worst != UNREAD_BYTES && proc_next(dir, &fd) == 0) {
        enum unread_state state = proc_fd_socket_at(dirfd(dir), fd, &inode) == 0
                                      ? state_of(unread, inode)
                                      : UNREAD_NO_CONNECTION;

        worst = state > worst ? state : worst;
    }
    return worst;
}

int unread_look(const pid_t *pids, size_t pid_count, const uint16_t *ports, size_t port_count,
                bool with_unix, enum unread_state *ret_state)
{
    struct unread unread = {.ports = ports, .port_count = port_count};
    enum unread_state worst = UNREAD_NO_CONNECTION;
    int rv = 0;

    if (port_count > 0)
        rv = dump_tcp(&unread, AF_INET);
    if (rv == 0 && port_count > 0)
        rv = dump_tcp(&unread, AF_INET6);
    if (rv == 0 && with_unix)
        rv = dump_unix(&unread);
    for (size_t i = 0; rv == 0 && unread.count > 0 && i < pid_count; i++) {
        enum unread_state state = process_state(pids[i], &unread);

        worst = state > worst ? state : worst;
    }
    free(unread.list);
    if (rv == 0)
        *ret_state = worst;
    return rv;
}
