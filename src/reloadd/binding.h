/* What a bind(2) of a worker means: which of the app's listeners it asks for.
 *
 * A program names its address in its own way: by a path from its own folder, all addresses
 * where the app listens on one, IPv6 with IPv4 in it where the app has IPv4. The rules, the
 * first that holds for any listener wins:
 *
 *     1  the same address
 *     2  the same port and family, and one of both is all addresses (0.0.0.0, [::])
 *     3  the program's is [::] with IPv4 in it, the listener's is IPv4, of the same port
 *     4  the program's is IPv4, the listener's [::] with IPv4 in it, of the same port: natively
 *        the address would be taken
 *
 * In 3 and 4 the program gets a socket of the other family; whoever reads addresses by their
 * sa_family, as all the usual servers do, does not mind.
 */
#pragma once

#include "os/capture.h"
#include "os/listener.h"
#include "reloadd/listeners.h"

struct binding {
    char address[LISTENER_ADDRESS_SIZE]; /* canonical; a path is absolute, by its real folder */
    int family;
    uint16_t port;
    bool dual; /* IPv6, and takes IPv4 in */
};

/* Reads it out of a captured bind. Returns 0; 1 where nothing is meant that could be a listener
 * of an app: another kind of socket, an address that the kernel will refuse, a name that it
 * chooses by itself, a path that is too long from here. */
MUST_CHECK int binding_read(const struct capture_request *request, struct binding *ret_binding);

/* The listener that it asks for, or NULL. `exactly`: by the first rule alone. */
const struct listener *binding_find(const struct binding *binding,
                                    const struct listener *const *candidates, size_t n,
                                    bool exactly);
