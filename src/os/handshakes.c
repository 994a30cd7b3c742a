#include "os/handshakes.h"

#include "base/error.h"
#include "os/sock_diag.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* A walk's findings: all handshakes, or those of `among`. */
struct findings {
    const struct handshakes *among; /* NULL: all */
    uint64_t *cookies;
    size_t count;
    size_t capacity;
    bool truncated;
};

static bool is_among(const struct handshakes *handshakes, uint64_t cookie)
{
    for (size_t i = 0; i < handshakes->count; i++)
        if (handshakes->cookies[i] == cookie)
            return true;
    return false;
}

static int grow(struct findings *findings)
{
    size_t capacity = findings->capacity > 0 ? 2 * findings->capacity : 64;
    uint64_t *cookies = reallocarray(findings->cookies, capacity, sizeof *cookies);

    if (cookies == NULL)
        return -ENOMEM;
    findings->cookies = cookies;
    findings->capacity = capacity;
    return 0;
}

static int note(const struct inet_diag_msg *message, void *context)
{
    struct findings *findings = context;
    uint64_t cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0];

    if (findings->among != NULL && !is_among(findings->among, cookie))
        return 0;
    if (findings->count == HANDSHAKES_MAX) {
        findings->truncated = true;
        return 0;
    }
    if (findings->count == findings->capacity) {
        int rv = grow(findings);

        if (rv < 0)
            return rv;
    }
    findings->cookies[findings->count++] = cookie;
    return 0;
}

int handshakes_take(int listener_fd, struct handshakes *ret_handshakes)
{
    struct findings findings = {0};
    struct sockaddr_in6 address = {0}; /* its port is where that of IPv4 is */
    socklen_t size = sizeof address;
    int rv;

    if (getsockname(listener_fd, (struct sockaddr *)(void *)&address, &size) < 0)
        return error_from_errno();
    if (address.sin6_family != AF_INET && address.sin6_family != AF_INET6)
        return -EAFNOSUPPORT;
    rv = sock_diag_visit_tcp(address.sin6_family, 1 << TCP_SYN_RECV, ntohs(address.sin6_port),
                             note, &findings);
    if (rv < 0) {
        free(findings.cookies);
        return rv;
    }
    *ret_handshakes = (struct handshakes){
        .family = address.sin6_family,
        .port = ntohs(address.sin6_port),
        .truncated = findings.truncated,
        .count = findings.count,
        .cookies = findings.cookies,
    };
    return 0;
}

int handshakes_refresh(struct handshakes *handshakes)
{
    struct findings findings = {.among = handshakes};
    int rv;

    if (handshakes->count == 0)
        return 0;
    rv = sock_diag_visit_tcp(handshakes->family, 1 << TCP_SYN_RECV, handshakes->port, note,
                             &findings);
    if (rv < 0) {
        free(findings.cookies);
        return rv;
    }
    free(handshakes->cookies);
    handshakes->cookies = findings.cookies;
    handshakes->count = findings.count;
    return 0;
}

void handshakes_release(struct handshakes *handshakes)
{
    free(handshakes->cookies);
    *handshakes = (struct handshakes){0};
}
