#include "os/accepted.h"

#include "base/error.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

struct reply {
    struct nlmsghdr header;
    union {
        struct nlmsgerr error;
        struct inet_diag_msg found;
    } body;
    char attributes[512];
};

static void copy_end(const struct sockaddr_storage *end, __be16 *ret_port,
                     __be32 ret_address[4])
{
    if (end->ss_family == AF_INET) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)(const void *)end;

        *ret_port = address->sin_port;
        ret_address[0] = address->sin_addr.s_addr;
    } else {
        const struct sockaddr_in6 *address = (const struct sockaddr_in6 *)(const void *)end;

        *ret_port = address->sin6_port;
        memcpy(ret_address, &address->sin6_addr, sizeof address->sin6_addr);
    }
}

/* What the kernel finds for these ends may be the listener, where no connection is. */
static int judge(const struct reply *reply, size_t size, bool *ret_accepted)
{
    const struct inet_diag_msg *found = &reply->body.found;

    if (size >= NLMSG_LENGTH(sizeof reply->body.error) &&
        reply->header.nlmsg_type == NLMSG_ERROR)
        return reply->body.error.error == -ENOENT ? 1 : reply->body.error.error;
    if (size < NLMSG_LENGTH(sizeof *found) || reply->header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return -EPROTO;
    if (found->idiag_state == TCP_LISTEN || found->idiag_state == TCP_SYN_RECV)
        return 1;
    *ret_accepted = found->idiag_inode != 0;
    return 0;
}

int accepted_look(const struct sockaddr_storage *from, const struct sockaddr_storage *to,
                  bool *ret_accepted)
{
    _cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = (uint8_t)to->ss_family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = UINT32_MAX,
                 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    struct reply reply;
    ssize_t n;

    copy_end(to, &request.body.id.idiag_sport, request.body.id.idiag_src);
    copy_end(from, &request.body.id.idiag_dport, request.body.id.idiag_dst);
    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0)
        return error_from_errno();
    n = recv(fd, &reply, sizeof reply, 0); /* the kernel has answered within send(2) */
    return n < 0 ? error_from_errno() : judge(&reply, (size_t)n, ret_accepted);
}
