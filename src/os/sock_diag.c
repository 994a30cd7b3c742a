#include "os/sock_diag.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h> /* netinet/tcp.h knows less of struct tcp_info, and goes ill with it */
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum {
    REPLY_SIZE = 32768,   /* what a dump needs at most at once (netlink(7)) */
    UNIX_ESTABLISHED = 1, /* unix sockets have the states of TCP (unix_diag_dump()) */
};

/* Who takes the messages of a dump: `data` is what follows the netlink header. Returns 0 or
 * -errno. */
struct taker {
    int (*take)(const struct taker *taker, const void *data, size_t size);
    union {
        sock_diag_visitor *tcp;
        sock_diag_traffic_visitor *traffic;
        sock_diag_unix_visitor *unix_socket;
    } visit;
    void *context;
};

/* Returns 0; 1 at the end of the dump; -errno. */
static int take_message(const struct nlmsghdr *header, const struct taker *taker)
{
    size_t size = header->nlmsg_len - NLMSG_HDRLEN;
    const void *data = (const char *)header + NLMSG_HDRLEN;
    const struct nlmsgerr *error = data;

    if (header->nlmsg_type == NLMSG_DONE)
        return 1;
    if (header->nlmsg_type == NLMSG_ERROR)
        return size >= sizeof *error && error->error < 0 ? error->error : -EPROTO;
    if (header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return 0;
    return taker->take(taker, data, size);
}

static int read_dump(int fd, const struct taker *taker)
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
            int rv = take_message(header, taker);

            if (rv != 0)
                return rv < 0 ? rv : 0;
            left = step < left ? left - step : 0;
            header = (const struct nlmsghdr *)(const void *)((const char *)header + step);
        }
    }
}

static int dump(const void *request, size_t size, const struct taker *taker)
{
    _cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

    if (fd < 0 || send(fd, request, size, 0) < 0)
        return error_from_errno();
    return read_dump(fd, taker);
}

/* `extensions`: a set of 1 << (INET_DIAG_INFO - 1) … */
static int dump_tcp(int family, uint32_t states, uint16_t port, uint8_t extensions,
                    const struct taker *taker)
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
                 .idiag_ext = extensions,
                 .idiag_states = states,
                 .id = {.idiag_sport = htons(port)}},
    };

    return dump(&request, sizeof request, taker);
}

/* Finds an attribute of `type` behind the `fixed` bytes that each message begins with. Returns
 * what it holds, of *ret_size bytes, or NULL. */
static const void *find_attribute(const void *data, size_t size, size_t fixed, unsigned type,
                                  size_t *ret_size)
{
    size_t at = NLMSG_ALIGN(fixed); /* netlink attributes are aligned as messages are */

    while (at + NLA_HDRLEN <= size) {
        struct nlattr attribute;

        memcpy(&attribute, (const char *)data + at, sizeof attribute);
        if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size - at)
            return NULL;
        if (attribute.nla_type == type) {
            *ret_size = attribute.nla_len - (size_t)NLA_HDRLEN;
            return (const char *)data + at + NLA_HDRLEN;
        }
        at += NLMSG_ALIGN((size_t)attribute.nla_len);
    }
    return NULL;
}

static int take_tcp(const struct taker *taker, const void *data, size_t size)
{
    return size < sizeof(struct inet_diag_msg) ? 0 : taker->visit.tcp(data, taker->context);
}

static int take_traffic(const struct taker *taker, const void *data, size_t size)
{
    struct tcp_info info = {0};
    struct sock_diag_traffic traffic;
    size_t info_size;
    const void *known;

    if (size < sizeof(struct inet_diag_msg))
        return 0;
    known =
        find_attribute(data, size, sizeof(struct inet_diag_msg), INET_DIAG_INFO, &info_size);
    if (known == NULL)
        return 0;
    memcpy(&info, known, info_size < sizeof info ? info_size : sizeof info);
    traffic = (struct sock_diag_traffic){
        .received_ms_ago = info.tcpi_last_data_recv,
        .sent_ms_ago = info.tcpi_last_data_sent,
        .bytes_received = info.tcpi_bytes_received,
        .bytes_sent = info.tcpi_bytes_sent,
    };
    return taker->visit.traffic(data, &traffic, taker->context);
}

static int take_unix(const struct taker *taker, const void *data, size_t size)
{
    const struct unix_diag_msg *message = data;
    struct unix_diag_rqlen queues;
    struct sock_diag_unix found;
    size_t queues_size;
    const void *known;

    if (size < sizeof *message || message->udiag_type != SOCK_STREAM)
        return 0;
    known = find_attribute(data, size, sizeof *message, UNIX_DIAG_RQLEN, &queues_size);
    if (known == NULL || queues_size < sizeof queues)
        return 0;
    memcpy(&queues, known, sizeof queues);
    found = (struct sock_diag_unix){
        .inode = message->udiag_ino,
        .unread = queues.udiag_rqueue,
        .unsent = queues.udiag_wqueue,
    };
    found.name = find_attribute(data, size, sizeof *message, UNIX_DIAG_NAME, &found.name_size);
    return taker->visit.unix_socket(&found, taker->context);
}

int sock_diag_visit_tcp(int family, uint32_t states, uint16_t port, sock_diag_visitor *visit,
                        void *context)
{
    const struct taker taker = {take_tcp, {.tcp = visit}, context};

    return dump_tcp(family, states, port, 0, &taker);
}

int sock_diag_visit_traffic(int family, uint32_t states, uint16_t port,
                            sock_diag_traffic_visitor *visit, void *context)
{
    const struct taker taker = {take_traffic, {.traffic = visit}, context};

    return dump_tcp(family, states, port, 1 << (INET_DIAG_INFO - 1), &taker);
}

int sock_diag_visit_unix(sock_diag_unix_visitor *visit, void *context)
{
    const struct taker taker = {take_unix, {.unix_socket = visit}, context};
    const struct {
        struct nlmsghdr header;
        struct unix_diag_req body;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .body = {.sdiag_family = AF_UNIX,
                 .udiag_states = 1 << UNIX_ESTABLISHED,
                 .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN},
    };

    return dump(&request, sizeof request, &taker);
}
