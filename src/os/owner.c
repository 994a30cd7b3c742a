#include "os/owner.h"

#include "base/error.h"
#include "os/proc.h"
#include "os/text_file.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    TABLE_MAX = 64 << 20, /* of /proc/net/tcp, 150 bytes a connection */
    INODES_MAX = 64,
    STATE_LISTEN = 10, /* TCP_LISTEN, include/net/tcp_states.h */
};

struct inodes {
    size_t count;
    uint64_t list[INODES_MAX];
    uint64_t found; /* a bit for each that a visible process holds */
};

/* An address as IPv6, IPv4 mapped into it. */
struct endpoint {
    struct in6_addr address;
    unsigned port;
};

static void add_inode(struct inodes *inodes, uint64_t inode)
{
    if (inode != 0 && inodes->count < INODES_MAX)
        inodes->list[inodes->count++] = inode;
}

static struct in6_addr map_ipv4(struct in_addr address)
{
    struct in6_addr mapped = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(mapped.s6_addr + 12, &address, sizeof address);
    return mapped;
}

/* Any address of a family, or "::", which takes both in. */
static bool is_wildcard(const struct in6_addr *address)
{
    return IN6_IS_ADDR_UNSPECIFIED(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && memcmp(address->s6_addr + 12, "\0\0\0\0", 4) == 0);
}

static int parse_endpoint(const char *text, struct endpoint *ret)
{
    const char *colon = strrchr(text, ':');
    struct in_addr ipv4;
    char host[128];
    char *end;
    size_t length;

    if (colon == NULL || colon[1] == '\0')
        return -EINVAL;
    ret->port = (unsigned)strtoul(colon + 1, &end, 10);
    if (*end != '\0' || ret->port > UINT16_MAX)
        return -EINVAL;
    length = (size_t)(colon - text);
    if (text[0] == '[' && length >= 2 && text[length - 1] == ']') {
        text++;
        length -= 2;
        length = strcspn(text, "%]") < length ? strcspn(text, "%]") : length;
    }
    if (length >= sizeof host)
        return -EINVAL;
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, &ipv4) == 1)
        ret->address = map_ipv4(ipv4);
    else if (inet_pton(AF_INET6, host, &ret->address) != 1)
        return -EINVAL;
    return 0;
}

/* A line of /proc/net/tcp{,6}: the address as the memory of 32-bit words, each in the machine's
 * byte order, in hexadecimal (proc(5)). */
static void read_tcp_line(const char *line, const struct endpoint *wanted,
                          struct inodes *inodes)
{
    struct endpoint local = {0};
    char hex[33];
    uint32_t word[4] = {0};
    unsigned state;
    uint64_t inode;
    size_t words;

    if (sscanf(line, " %*d: %32[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*s %*s %" SCNu64, hex,
               &local.port, &state, &inode) != 4 ||
        state != STATE_LISTEN || local.port != wanted->port)
        return;
    words = strlen(hex) / 8;
    for (size_t i = 0; i < words && i < 4; i++)
        if (sscanf(hex + i * 8, "%8" SCNx32, &word[i]) != 1)
            return;
    if (words == 1) {
        struct in_addr ipv4 = {.s_addr = word[0]};

        local.address = map_ipv4(ipv4);
    } else {
        memcpy(&local.address, word, sizeof local.address);
    }
    if (is_wildcard(&local.address) || is_wildcard(&wanted->address) ||
        memcmp(&local.address, &wanted->address, sizeof local.address) == 0)
        add_inode(inodes, inode);
}

/* A line of /proc/net/unix: "ffff…: 00000002 00000000 00010000 0001 01 12345 /path"; the flag
 * 0x10000 is __SO_ACCEPTCON, include/uapi/linux/net.h. */
static void read_unix_line(const char *line, const char *path, struct inodes *inodes)
{
    unsigned flags;
    uint64_t inode;
    int end = 0;

    if (sscanf(line, "%*[^:]: %*x %*x %x %*x %*x %" SCNu64 " %n", &flags, &inode, &end) != 2)
        return;
    if (end > 0 && (flags & 0x10000) != 0 && strcmp(line + end, path) == 0)
        add_inode(inodes, inode);
}

/* Hands each line of the table on. A table that is not there (no IPv6) has none. */
static int read_table(const char *table, const struct endpoint *wanted, const char *path,
                      struct inodes *inodes)
{
    _cleanup_free_ char *text = NULL;
    char *save = NULL;
    size_t size;
    int rv = text_file_read_whole(AT_FDCWD, table, TABLE_MAX, &text, &size);

    if (rv < 0)
        return rv == -ENOENT ? 0 : rv;
    for (const char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (path != NULL)
            read_unix_line(line, path, inodes);
        else
            read_tcp_line(line, wanted, inodes);
    }
    return 0;
}

static int find_inodes(const char *address, struct inodes *ret_inodes)
{
    struct endpoint wanted;
    int rv;

    if (address[0] == '/' || address[0] == '@')
        return read_table("/proc/net/unix", NULL, address, ret_inodes);
    rv = parse_endpoint(address, &wanted);
    if (rv == 0)
        rv = read_table("/proc/net/tcp", &wanted, NULL, ret_inodes);
    if (rv == 0)
        rv = read_table("/proc/net/tcp6", &wanted, NULL, ret_inodes);
    return rv;
}

/* Does the process hold one of the sockets? Marks which. */
static bool holds_one(pid_t pid, struct inodes *inodes)
{
    _cleanup_dir_ DIR *dir = NULL;
    char path[64];
    bool holds = false;
    int fd;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    if (proc_open(path, &dir) != 0)
        return false;
    while (proc_next(dir, &fd) == 0) {
        uint64_t inode;

        if (proc_fd_socket_at(dirfd(dir), fd, &inode) != 0)
            continue;
        for (size_t i = 0; i < inodes->count; i++) {
            if (inodes->list[i] != inode)
                continue;
            inodes->found |= UINT64_C(1) << i;
            holds = true;
        }
    }
    return holds;
}

static void add_owner(struct owners *owners, pid_t pid)
{
    struct owner *owner = &owners->list[owners->count];

    if (owners->count == sizeof owners->list / sizeof owners->list[0])
        return;
    if (proc_name(pid, owner->name, sizeof owner->name) != 0)
        return;
    owner->pid = pid;
    owners->count++;
}

int owner_find(const char *address, struct owners *ret_owners)
{
    struct inodes inodes = {0};
    struct owners owners = {0};
    _cleanup_dir_ DIR *dir = NULL;
    uint64_t all;
    pid_t pid;
    int rv = find_inodes(address, &inodes);

    if (rv < 0)
        return rv;
    if (inodes.count == 0)
        return 1;
    rv = proc_open("/proc", &dir);
    if (rv != 0)
        return rv < 0 ? rv : -ENOENT;
    while (proc_next(dir, &pid) == 0)
        if (holds_one(pid, &inodes))
            add_owner(&owners, pid);
    all = inodes.count == INODES_MAX ? UINT64_MAX : (UINT64_C(1) << inodes.count) - 1;
    owners.hidden = inodes.found != all;
    *ret_owners = owners;
    return 0;
}

const char *owner_describe(const struct owners *owners, char *text, size_t size)
{
    size_t length = 0;

    if (owners->count == 0) {
        (void)snprintf(text, size, "%s",
                       geteuid() == 0 ? "a process that may not be seen"
                                      : "a process that may not be seen (run as root)");
        return text;
    }
    for (size_t i = 0; i < owners->count && length < size; i++) {
        const char *between = i == 0 ? "" : i + 1 == owners->count ? " and " : ", ";
        int count = snprintf(text + length, size - length, "%s%s (pid %d)", between,
                             owners->list[i].name, (int)owners->list[i].pid);

        length += count > 0 ? (size_t)count : 0;
    }
    return text;
}
