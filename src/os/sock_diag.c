#include "os/sock_diag.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

enum {
    REPLY_SIZE = 32768, /* what a dump needs at most at once (netlink(7)) */
};

struct request {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
};

/* Returns 0; 1 at the end of the dump; -errno. */
static int take_message(const struct nlmsghdr *header, sock_diag_visitor *visit, void *context)
{
    size_t size = header->nlmsg_len - NLMSG_HDRLEN;
    const void *data = (const char *)header + NLMSG_HDRLEN;
    const struct nlmsgerr *error = data;

    if (header->nlmsg_type == NLMSG_DONE)
        return 1;
    if (header->nlmsg_type == NLMSG_ERROR)
        return size >= sizeof *error && error->error < 0 ? error->error : -EPROTO;
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY || size < sizeof(struct inet_diag_msg))
        return 0;
    return visit(data, context);
}

static int read_dump(int fd, sock_diag_visitor *visit, void *context)
{
    _Alignas(struct nlmsghdr) char reply[REPLY_SIZE];

    for (;;) {
        const struct nlmsghdr *header = (const struct nlmsghdr *)(const void *)reply;
        ssize_t count = recv(fd, reply, sizeof reply, 0);
        unsigned left = (unsigned)count;

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return error_from_errno();
        if (count == 0)
            return -EPROTO;
        while (NLMSG_OK(header, left)) {
            unsigned step = NLMSG_ALIGN(header->nlmsg_len);
            int rv = take_message(header, visit, context);

            if (rv != 0)
                return rv < 0 ? rv : 0;
            left = step < left ? left - step : 0;
            header = (const struct nlmsghdr *)(const void *)((const char *)header + step);
        }
    }
}

int sock_diag_visit_tcp(int family, uint32_t states, uint16_t port, sock_diag_visitor *visit,
                        void *context)
{
    _cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    const struct request request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = (uint8_t)family,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = states,
                 .id = {.idiag_sport = htons(port)}},
    };

    if (fd < 0 || send(fd, &request, sizeof request, 0) < 0)
        return error_from_errno();
    return read_dump(fd, visit, context);
}
