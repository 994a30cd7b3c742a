/* The ways to write where to listen, and the one way to compare them.
 *
 *     127.0.0.1:8080   [::1]:8080   localhost:8080      one address (localhost is 127.0.0.1)
 *     8080   :8080                                      all addresses, IPv6 and IPv4
 * ([::]:8080) /run/web.sock   unix:/run/web.sock                a unix stream socket
 *
 * Hosts are numeric: which socket is whose must not depend on what a name server says today.
 */
#pragma once

#include "wire/spec.h"

/* Reads `text` into type, address, host and port of *ret_listener, whose other members are left
 * alone; host and address are the caller's. Returns 0, -ENOMEM, or 1 where it is no such
 * address: then *ret_expected (static) says in words what would be right. */
MUST_CHECK int address_parse(const char *text, struct listener_spec *ret_listener,
                             const char **ret_expected);
