/* TCP sockets of this network namespace, whoever has them: a walk over the kernel's tables
 * (sock_diag(7)), without the right to look into the processes. */
#pragma once

#include "base/own.h"

#include <linux/inet_diag.h>
#include <stdint.h>

/* Called for each socket; `message` is gone afterwards. Returns 0 to go on, or -errno, which
 * ends the walk. */
typedef int sock_diag_visitor(const struct inet_diag_msg *message, void *context);

/* Visits the sockets of a family (AF_INET or AF_INET6: sockets of this kind, also where they
 * talk IPv4) in one of the states (1 << TCP_LISTEN …) at a local port (0: any). The kernel goes
 * through all its buckets, so this costs with the size of its tables, some 100 µs to a few
 * milliseconds; what does not match is not copied. Does not block. Returns 0, what the visitor
 * returned, or -errno of socket(2), send(2), recv(2) or of the kernel. */
MUST_CHECK int sock_diag_visit_tcp(int family, uint32_t states, uint16_t port,
                                   sock_diag_visitor *visit, void *context);
