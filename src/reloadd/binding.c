#include "reloadd/binding.h"

#include <limits.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* A folder of the worker's, such as "cwd", as a path; "" where it can't be seen. */
static void read_folder(pid_t thread, const char *which, char path[static PATH_MAX])
{
    char link[64];
    ssize_t n;

    (void)snprintf(link, sizeof(link), "/proc/%d/%s", (int)thread, which);
    n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
}

/* The path by its real folder, so that /var/run and /run are the same. Returns 0, or 1 where it
 * has no folder, or is too long for a socket's address. */
static int make_real(const char *path, char real[static LISTENER_ADDRESS_SIZE])
{
    const size_t limit = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    const char *base = strrchr(path, '/') + 1;
    char folder[PATH_MAX];
    char resolved[PATH_MAX];
    int n;

    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(base - path), path);
    if (!realpath(folder, resolved))
        return 1;
    n = snprintf(real, LISTENER_ADDRESS_SIZE, "%s/%s",
                 strcmp(resolved, "/") == 0 ? "" : resolved, base);
    return n < 0 || (size_t)n > limit || *base == '\0';
}

/* By the root and the folder that the worker has. */
static int read_path(const struct capture_request *request, const char *path,
                     struct binding *binding)
{
    char root[PATH_MAX];
    char folder[PATH_MAX] = "";
    char whole[3 * PATH_MAX];

    read_folder(request->thread, "root", root);
    if (strcmp(root, "/") == 0)
        root[0] = '\0';
    if (path[0] != '/') {
        read_folder(request->thread, "cwd", folder);
        if (folder[0] == '\0')
            return 1;
        root[0] = '\0'; /* the link of the folder has it */
    }
    (void)snprintf(whole, sizeof(whole), "%s%s%s%s", root, folder, folder[0] ? "/" : "", path);
    return make_real(whole, binding->address);
}

/* Another socket may have V6ONLY by the program, or by net.ipv6.bindv6only; where it may not be
 * borrowed, it is taken for what the kernel does by default. */
static bool is_v6only(const struct capture_request *request)
{
    _cleanup_fd_ int fd = -1;
    int only = 0;
    socklen_t size = sizeof(only);

    return capture_borrow(request, &fd) == 0 &&
           getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 && only != 0;
}

/* ::ffff:127.0.0.1 is IPv4, on a socket that takes both: Java binds so. */
static void unmap(struct sockaddr_storage *address, socklen_t *size)
{
    struct sockaddr_in6 mapped;
    struct sockaddr_in plain = {.sin_family = AF_INET};

    memcpy(&mapped, address, sizeof(mapped));
    if (mapped.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&mapped.sin6_addr))
        return;
    plain.sin_port = mapped.sin6_port;
    memcpy(&plain.sin_addr, &mapped.sin6_addr.s6_addr[12], sizeof(plain.sin_addr));
    memcpy(address, &plain, sizeof(plain));
    *size = sizeof(plain);
}

static int read_internet(const struct capture_request *request, struct binding *binding)
{
    struct listener_description description;
    struct sockaddr_storage address = request->address;
    socklen_t size = request->address_size;

    if (size < (request->socket.family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                   : sizeof(struct sockaddr_in)))
        return 1;
    unmap(&address, &size);
    if (listener_describe_address(&address, size, &description) < 0)
        return 1;
    binding->family = description.family;
    binding->port = description.port;
    binding->dual = description.family == AF_INET6 && !is_v6only(request);
    (void)snprintf(binding->address, sizeof(binding->address), "%s", description.address);
    return 0;
}

static bool is_abstract(const struct capture_request *request)
{
    struct sockaddr_un address;

    memcpy(&address, &request->address, sizeof(address));
    return address.sun_path[0] == '\0';
}

int binding_read(const struct capture_request *request, struct binding *ret_binding)
{
    struct binding binding = {.family = request->socket.family};
    struct listener_description description;
    int r;

    if (request->address_error < 0 || binding.family == AF_UNSPEC ||
        request->address.ss_family != binding.family)
        return 1;
    if (binding.family != AF_UNIX) {
        r = read_internet(request, &binding);
    } else {
        r = listener_describe_address(&request->address, request->address_size, &description);
        if (r < 0 || description.address[0] == '\0')
            return 1;
        if (is_abstract(request))
            (void)snprintf(binding.address, sizeof(binding.address), "%s", description.address);
        else
            r = read_path(request, description.address, &binding);
    }
    if (r == 0)
        *ret_binding = binding;
    return r;
}

/* What a listener is, as a binding. Its own address is canonical already, but for the folders
 * of a path. */
static struct binding binding_of(const struct listener *listener)
{
    struct binding binding = {.family = AF_INET, .port = listener->port};
    int only = 1;
    socklen_t size = sizeof(only);

    if (listener->bound[0] == '/' || listener->bound[0] == '@')
        binding.family = AF_UNIX;
    else if (listener->bound[0] == '[')
        binding.family = AF_INET6;
    if (listener->bound[0] != '/' || make_real(listener->bound, binding.address) != 0)
        (void)snprintf(binding.address, sizeof(binding.address), "%s", listener->bound);
    binding.dual = binding.family == AF_INET6 &&
                   getsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0 &&
                   only == 0;
    return binding;
}

static bool is_any(const struct binding *binding)
{
    return strncmp(binding->address, "0.0.0.0:", 8) == 0 ||
           strncmp(binding->address, "[::]:", 5) == 0;
}

/* The first rule that holds, from 1 on; 0: none does. */
static int rule_of(const struct binding *wanted, const struct binding *has)
{
    bool wanted_any = is_any(wanted);
    bool has_any = is_any(has);

    if (wanted->family == has->family && strcmp(wanted->address, has->address) == 0)
        return 1;
    if (wanted->family == AF_UNIX || has->family == AF_UNIX || wanted->port != has->port)
        return 0;
    if (wanted->family == has->family)
        return wanted_any || has_any ? 2 : 0;
    if (wanted_any && wanted->dual)
        return 3;
    return has_any && has->dual ? 4 : 0;
}

const struct listener *binding_find(const struct binding *binding,
                                    const struct listener *const *candidates, size_t n,
                                    bool exactly)
{
    const struct listener *best = NULL;
    int least = exactly ? 2 : INT_MAX;

    for (size_t i = 0; i < n; i++) {
        struct binding has = binding_of(candidates[i]);
        int rule = rule_of(binding, &has);

        if (rule > 0 && rule < least) {
            best = candidates[i];
            least = rule;
        }
    }
    return best;
}
