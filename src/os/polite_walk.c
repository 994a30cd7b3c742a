#include "os/polite_walk.h"

#include "base/error.h"
#include "os/pidfd.h"
#include "os/proc.h"
#include "os/sock_diag.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/syscall.h>

enum {
    PATH_SIZE = 32,
    CAPACITY_FIRST = 64,
};

struct walk {
    const struct polite_worker *worker;
    const struct polite_visitor *visitor;
    struct polite_connection *list; /* sorted by inode, once it is whole */
    size_t count;
    size_t capacity;
};

static bool is_wanted_port(const struct polite_worker *worker, uint16_t port)
{
    for (size_t i = 0; i < worker->port_n; i++)
        if (worker->ports[i] == port)
            return true;
    return false;
}

/* Inode 0: still in the accept queue, nobody's yet. */
static int note_connection(const struct inet_diag_msg *message, void *context)
{
    struct walk *walk = context;

    if (message->idiag_inode == 0 ||
        !is_wanted_port(walk->worker, ntohs(message->id.idiag_sport)))
        return 0;
    if (walk->count == walk->capacity) {
        size_t capacity = walk->capacity > 0 ? 2 * walk->capacity : CAPACITY_FIRST;
        struct polite_connection *list = reallocarray(walk->list, capacity, sizeof *list);

        if (list == NULL)
            return -ENOMEM;
        walk->list = list;
        walk->capacity = capacity;
    }
    walk->list[walk->count++] = (struct polite_connection){
        .cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0],
        .inode = message->idiag_inode,
        .half_closed = message->idiag_state == TCP_FIN_WAIT2,
        .is_left = message->idiag_state == TCP_CLOSE_WAIT,
        .unread = message->idiag_rqueue,
        .unsent = message->idiag_wqueue,
    };
    return 0;
}

static int compare_inodes(const void *a, const void *b)
{
    uint64_t left = ((const struct polite_connection *)a)->inode;
    uint64_t right = ((const struct polite_connection *)b)->inode;

    return left < right ? -1 : left > right;
}

static int list_connections(struct walk *walk)
{
    uint16_t port = walk->worker->port_n == 1 ? walk->worker->ports[0] : 0;
    uint32_t states = 1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT |
                      (walk->visitor->half_closed_too ? 1u << TCP_FIN_WAIT2 : 0);
    int rv = sock_diag_visit_tcp(AF_INET, states, port, note_connection, walk);

    if (rv == 0)
        rv = sock_diag_visit_tcp(AF_INET6, states, port, note_connection, walk);
    if (rv == 0 && walk->count > 0)
        qsort(walk->list, walk->count, sizeof *walk->list, compare_inodes);
    return rv;
}

/* A descriptor that is gone meanwhile is passed over. */
static int visit_fd(const struct walk *walk, int pidfd, int number,
                    const struct polite_connection *connection)
{
    const struct polite_visitor *visitor = walk->visitor;
    _cleanup_fd_ int fd = -1;
    int rv = visitor->wants(visitor->context, connection);

    if (rv <= 0)
        return rv;
    fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
    if (fd < 0)
        return errno == ESRCH || errno == EBADF ? 0 : error_from_errno();
    return visitor->visit(visitor->context, connection, fd);
}

static int visit_process(const struct walk *walk, pid_t pid)
{
    _cleanup_dir_ DIR *dir = NULL;
    _cleanup_fd_ int pidfd = -1;
    char path[PATH_SIZE];
    int number;
    int rv = pidfd_open_process(pid, 0, &pidfd);

    if (rv != 0)
        return rv == 1 ? 0 : rv;
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    rv = proc_open(path, &dir);
    if (rv != 0)
        return rv == 1 ? 0 : rv;
    while (rv == 0 && proc_next(dir, &number) == 0) {
        struct polite_connection key;
        const struct polite_connection *found = NULL;

        if (proc_fd_socket_at(dirfd(dir), number, &key.inode) == 0)
            found = bsearch(&key, walk->list, walk->count, sizeof key, compare_inodes);
        if (found != NULL)
            rv = visit_fd(walk, pidfd, number, found);
    }
    return rv;
}

int polite_walk(const struct polite_worker *worker, const struct polite_visitor *visitor)
{
    struct walk walk = {.worker = worker, .visitor = visitor};
    int rv = worker->port_n > 0 ? list_connections(&walk) : 0;

    for (size_t i = 0; rv == 0 && walk.count > 0 && i < worker->pid_n; i++)
        rv = visit_process(&walk, worker->pids[i]);
    free(walk.list);
    return rv;
}
