/* os/polite.h: connections are put under the kernel's half, one at a time. */
#include "os/polite_rescue.h"

#include "base/error.h"

#include "bpf/polite_state.h"

#include <bpf/bpf.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct cover {
    const struct polite *polite;
    uint32_t owner;
    bool watch;                             /* only watch */
    enum { MAY_SLEEP, SLEEPS, RUNS } sleep; /* the worker */
    const struct polite_worker *worker;
    struct polite_covered covered;
};

static bool has(int map, const struct polite_connection *connection)
{
    uint64_t value;

    return bpf_map_lookup_elem(map, &connection->cookie, &value) == 0;
}

static bool is_watched(const struct polite *polite, const struct polite_connection *connection)
{
    struct polite_state state;

    return bpf_map_lookup_elem(polite->states, &connection->cookie, &state) == 0;
}

static int wants_cover(void *context, const struct polite_connection *connection)
{
    struct cover *cover = context;

    if (!(cover->watch ? is_watched(cover->polite, connection)
                       : has(cover->polite->sockets, connection)))
        return !connection->is_left; /* nobody is there to be told */
    cover->covered.before++;
    return !cover->watch && connection->unread > 0;
}

/* Where a request lies there unread, and the client had everything that was sent before: how
 * many bytes that was. 0: none lies there, or it is not known that it is one. */
static uint64_t asked_after(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    __u8 first[POLITE_FIRST_SIZE] = {0};

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_sent) + sizeof info.tcpi_bytes_sent ||
        info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0)
        return 0;
    if (recv(fd, first, sizeof first, MSG_PEEK | MSG_DONTWAIT) != sizeof first ||
        polite_kind_of(first) != POLITE_KIND_REQUEST)
        return 0;
    return info.tcpi_bytes_sent;
}

/* A filter of the program's own (classic BPF) must not be replaced. One of extended BPF, which
 * no server sets on its connections, is left from a primary before us whose maps are gone. */
static bool has_own_filter(int fd)
{
    socklen_t size = 0;

    return getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, NULL, &size) == 0 && size > 0;
}

/* Sending without a copy is told of once a send; what goes through the kernel's half is told of
 * once for each page (seen on Linux 6.18), so programs that do it are left alone. */
static bool sends_without_copy(int fd)
{
    int on = 0;
    socklen_t size = sizeof on;

    return getsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &on, &size) == 0 && on != 0;
}

/* The state is there before either program can ask for it. */
static int watch(const struct cover *cover, const struct polite_connection *connection, int fd)
{
    const struct polite *polite = cover->polite;
    const struct polite_state state = {.owner = cover->owner, .asked_after = asked_after(fd)};
    int rv;

    if (has_own_filter(fd))
        return -EBUSY;
    if (sends_without_copy(fd))
        return -EOPNOTSUPP;
    rv = bpf_map_update_elem(polite->states, &connection->cookie, &state, BPF_NOEXIST);
    if (rv == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &polite->filter, sizeof polite->filter) < 0)
        rv = error_from_errno();
    return rv;
}

static void take_out(const struct polite *polite, const struct polite_connection *connection,
                     int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0);
    (void)bpf_map_delete_elem(polite->states, &connection->cookie);
}

static int put_in(const struct cover *cover, const struct polite_connection *connection, int fd)
{
    const uint64_t value = (uint64_t)fd;
    int rv = 0;

    if (!is_watched(cover->polite, connection))
        rv = watch(cover, connection, fd);
    if (rv < 0 || cover->watch)
        return rv;
    rv = bpf_map_update_elem(cover->polite->sockets, &connection->cookie, &value, BPF_NOEXIST);
    if (rv < 0)
        take_out(cover->polite, connection, fd);
    return rv;
}

static void wake(struct cover *cover, const struct polite_connection *connection, int fd)
{
    if (cover->sleep == MAY_SLEEP)
        cover->sleep = polite_worker_sleeps(cover->worker) ? SLEEPS : RUNS;
    if (cover->sleep == SLEEPS && polite_rescue(cover->polite, connection, fd))
        cover->covered.woken++;
}

static int visit_cover(void *context, const struct polite_connection *connection, int fd)
{
    struct cover *cover = context;
    int rv;

    if (!cover->watch && has(cover->polite->sockets, connection)) {
        wake(cover, connection, fd);
        return 0;
    }
    rv = put_in(cover, connection, fd);
    if (rv < 0) {
        cover->covered.refused++;
        cover->covered.error = rv;
        return 0;
    }
    cover->covered.covered++;
    return 0;
}

static int walk_to(bool only_watch, const struct polite *polite,
                   const struct polite_worker *worker, struct polite_covered *ret_covered)
{
    struct cover cover = {
        .polite = polite, .owner = worker->owner, .watch = only_watch, .worker = worker};
    const struct polite_visitor visitor = {
        .wants = wants_cover, .visit = visit_cover, .context = &cover};
    int rv = polite_walk(worker, &visitor);

    if (rv == 0)
        *ret_covered = cover.covered;
    return rv;
}

int polite_watch(const struct polite *polite, const struct polite_worker *worker,
                 struct polite_covered *ret_covered)
{
    return walk_to(true, polite, worker, ret_covered);
}

int polite_cover(const struct polite *polite, const struct polite_worker *worker,
                 struct polite_covered *ret_covered)
{
    return walk_to(false, polite, worker, ret_covered);
}

static int wants_unwatch(void *context, const struct polite_connection *connection)
{
    const struct cover *cover = context;

    return is_watched(cover->polite, connection) && !has(cover->polite->sockets, connection);
}

static int visit_unwatch(void *context, const struct polite_connection *connection, int fd)
{
    const struct cover *cover = context;

    take_out(cover->polite, connection, fd);
    return 0;
}

int polite_unwatch(const struct polite *polite, const struct polite_worker *worker)
{
    struct cover cover = {.polite = polite};

    return polite_walk(worker, &(struct polite_visitor){.wants = wants_unwatch,
                                                        .visit = visit_unwatch,
                                                        .context = &cover});
}
