/* Whether a program has accepted a connection, seen from its other end on the same machine: the
 * kernel completes a handshake by itself, also for a program that hangs, and the connection
 * then has no inode until accept(2) gives it one (sock_diag(7)).
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <sys/socket.h>

/* Looks for the server's end of the connection from `from` to `to`, which are both IPv4 or both
 * IPv6: one lookup in the kernel's hash, whatever else is open. Does not block. Returns 0; 1
 * where there is no such connection, for it has ended or was not made; -errno of socket(2),
 * send(2), recv(2) or of the kernel. */
MUST_CHECK int accepted_look(const struct sockaddr_storage *from,
                             const struct sockaddr_storage *to, bool *ret_accepted);
