#include "wire/address.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

enum {
    UNIX_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
};

static const char *const expected_any =
    "an address such as \"127.0.0.1:8080\", \"[::1]:8080\", \"8080\" or \"/run/web.sock\"";
static const char *const expected_port = "a port from 0 to 65535 at the end";
static const char *const expected_host =
    "a numeric host before the port, such as 127.0.0.1 or [::1], or localhost";
static const char *const expected_path =
    "an absolute path of at most 107 bytes that names a socket file";

static bool parse_port(const char *text, uint16_t *ret_port)
{
    unsigned port = 0;

    if (*text == '\0' || strlen(text) > 5)
        return false;
    for (; *text != '\0'; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        port = port * 10 + (unsigned)(*text - '0');
    }
    if (port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

static int parse_unix(const char *path, struct listener_spec *ret_listener,
                      const char **ret_expected)
{
    size_t n = strlen(path);
    char *address;

    if (*path != '/' || n < 2 || n > UNIX_PATH_MAX || path[n - 1] == '/') {
        *ret_expected = expected_path;
        return 1;
    }
    address = strdup(path);
    if (address == NULL)
        return -ENOMEM;
    ret_listener->type = LISTENER_UNIX;
    ret_listener->address = address;
    ret_listener->host = NULL;
    ret_listener->port = 0;
    return 0;
}

/* Turns the host into the one canonical spelling that inet_ntop gives it. */
static bool canonical_host(const char *host, bool brackets, char ret_host[INET6_ADDRSTRLEN])
{
    int family = brackets ? AF_INET6 : AF_INET;
    unsigned char binary[sizeof(struct in6_addr)];

    if (!brackets && strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    return inet_pton(family, host, binary) == 1 &&
           inet_ntop(family, binary, ret_host, INET6_ADDRSTRLEN) != NULL;
}

static int set_tcp(const char *host, bool brackets, uint16_t port,
                   struct listener_spec *ret_listener)
{
    _cleanup_free_ char *copy = strdup(host);
    char *address;

    if (copy == NULL || asprintf(&address, brackets ? "[%s]:%u" : "%s:%u", host, port) < 0)
        return -ENOMEM;
    ret_listener->type = LISTENER_TCP;
    ret_listener->address = address;
    ret_listener->host = take_ptr(copy);
    ret_listener->port = port;
    return 0;
}

static int parse_tcp(const char *text, struct listener_spec *ret_listener,
                     const char **ret_expected)
{
    const char *colon = strrchr(text, ':');
    bool brackets = *text == '[';
    const char *start = text + (brackets ? 1 : 0);
    char host[INET6_ADDRSTRLEN], canonical[INET6_ADDRSTRLEN];
    uint16_t port;
    size_t n;

    if (!parse_port(colon != NULL ? colon + 1 : text, &port)) {
        *ret_expected = colon != NULL ? expected_port : expected_any;
        return 1;
    }
    if (colon == NULL || colon == text)
        return set_tcp("::", true, port, ret_listener);

    n = (size_t)(colon - start) - (brackets ? 1 : 0);
    *ret_expected = expected_host;
    if ((brackets && colon[-1] != ']') || n >= sizeof(host))
        return 1;
    memcpy(host, start, n);
    host[n] = '\0';
    if (!canonical_host(host, brackets, canonical))
        return 1;
    return set_tcp(canonical, brackets, port, ret_listener);
}

int address_parse(const char *text, struct listener_spec *ret_listener,
                  const char **ret_expected)
{
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, ret_listener, ret_expected);
    if (strchr(text, '/') != NULL)
        return parse_unix(text, ret_listener, ret_expected);
    return parse_tcp(text, ret_listener, ret_expected);
}
