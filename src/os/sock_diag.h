/* Stream sockets of this network namespace, whoever has them: a walk over the kernel's tables
 * (sock_diag(7)), without the right to look into the processes.
 *
 * A walk costs with the size of these tables, some 100 µs to a few milliseconds, and with what
 * it finds; what does not match is not copied. None of them blocks.
 */
#pragma once

#include "base/own.h"

#include <linux/inet_diag.h>
#include <stddef.h>
#include <stdint.h>

/* Called for each socket; `message` is gone afterwards. Returns 0 to go on, or -errno, which
 * ends the walk. */
typedef int sock_diag_visitor(const struct inet_diag_msg *message, void *context);

/* Visits the sockets of a family (AF_INET or AF_INET6: sockets of this kind, also where they
 * talk IPv4) in one of the states (1 << TCP_LISTEN …) at a local port (0: any). Returns 0, what
 * the visitor returned, or -errno of socket(2), send(2), recv(2) or of the kernel. */
MUST_CHECK int sock_diag_visit_tcp(int family, uint32_t states, uint16_t port,
                                   sock_diag_visitor *visit, void *context);

/* What has gone over a connection (struct tcp_info). The times are counted in ticks of the
 * kernel, 4 ms where it has CONFIG_HZ=250; where nothing has gone yet, from the connection's
 * beginning. */
struct sock_diag_traffic {
    uint32_t received_ms_ago; /* the last data */
    uint32_t sent_ms_ago;
    uint64_t bytes_received;
    uint64_t bytes_sent; /* those sent again count again */
};

typedef int sock_diag_traffic_visitor(const struct inet_diag_msg *message,
                                      const struct sock_diag_traffic *traffic, void *context);

/* The same walk, with the traffic of each; Linux 4.19. It costs with the connections found
 * (docs/BENCHMARKS.md). */
MUST_CHECK int sock_diag_visit_traffic(int family, uint32_t states, uint16_t port,
                                       sock_diag_traffic_visitor *visit, void *context);

struct sock_diag_unix {
    uint64_t inode;
    const char *name; /* its address, or its listener's: sun_path, perhaps with a NUL at the
                         end, and not ended by one otherwise; NULL: none */
    size_t name_size;
    uint32_t unread; /* bytes */
    uint32_t unsent;
};

typedef int sock_diag_unix_visitor(const struct sock_diag_unix *socket, void *context);

/* Visits all connected unix stream sockets, both ends of each. Returns as above. */
MUST_CHECK int sock_diag_visit_unix(sock_diag_unix_visitor *visit, void *context);
