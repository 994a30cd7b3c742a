#include "os/steering_order.h"

#include "base/error.h"
#include "os/steering.h"
#include "os/steering_probe.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

enum {
    STRANGERS_MAX = 64, /* sockets of the group that we do not hold */
    MARK = 16000,       /* beyond a jumbo frame (9000), below half the first window (32741) */
    DEFAULT_SEGMENT = 536, /* what a listener without TCP_MAXSEG shows (TCP_MSS_DEFAULT) */
    TIMESTAMPS_SIZE = 12,  /* taken off the segment where the connection has them (RFC 7323) */
    DEFER_SECONDS = 1,
    SILENCE_MS = 100,
};

/* An answer that names no lane. */
enum witness {
    WITNESS_STRANGER = -1,
    WITNESS_SILENT = -2,
};

struct learning {
    const int *lanes;
    size_t count;
    int any;                   /* one of them that listens */
    struct steering_plan plan; /* with one probe more; its own list */
    struct steering_probe probes[STEERING_PROBES_MAX];
    uint32_t *indexes;
    int *segments; /* TCP_MAXSEG as it was; < 0: not marked */
};

static int set_tcp(int fd, int name, int value)
{
    return setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value) < 0 ? error_from_errno() : 0;
}

/* A worker may have taken the option away, and the program is then not asked (os/steering.h).
 */
static int share(int fd)
{
    const int on = 1;

    return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ? error_from_errno()
                                                                        : 0;
}

static int mark(struct learning *learning)
{
    for (size_t i = 0; i < learning->count; i++) {
        socklen_t size = sizeof learning->segments[i];
        int segment;
        int rv;

        if (getsockopt(learning->lanes[i], IPPROTO_TCP, TCP_MAXSEG, &segment, &size) < 0)
            return error_from_errno();
        rv = share(learning->lanes[i]);
        if (rv == 0)
            rv = set_tcp(learning->lanes[i], TCP_MAXSEG, MARK + (int)i);
        if (rv < 0)
            return rv;
        /* A mark was left by a primary that died in the middle of this. */
        learning->segments[i] =
            segment == DEFAULT_SEGMENT ||
                    (segment >= MARK && segment < MARK + STEERING_SHARES_MAX)
                ? 0
                : segment;
    }
    return 0;
}

static void unmark(struct learning *learning)
{
    for (size_t i = 0; i < learning->count; i++)
        if (learning->segments[i] >= 0)
            (void)set_tcp(learning->lanes[i], TCP_MAXSEG, learning->segments[i]);
}

/* Who has answered on a connection that is open on our side. */
static int read_mark(int fd, size_t count)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int lane;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return error_from_errno();
    if (info.tcpi_state != TCP_ESTABLISHED)
        return WITNESS_SILENT;
    lane = (int)info.tcpi_snd_mss - MARK;
    if ((info.tcpi_options & TCPI_OPT_TIMESTAMPS) != 0)
        lane += TIMESTAMPS_SIZE;
    return lane >= 0 && (size_t)lane < count ? lane : WITNESS_STRANGER;
}

static int ask(const struct steering_probe_ends *ends, size_t count, int *ret_witness)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct pollfd answer = {.fd = ends->fd, .events = POLLOUT};
    int rv = set_tcp(ends->fd, TCP_DEFER_ACCEPT, DEFER_SECONDS);

    if (rv < 0)
        return rv;
    if (setsockopt(ends->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) < 0)
        return error_from_errno();
    if (connect(ends->fd, (const struct sockaddr *)&ends->to, ends->size) < 0) {
        if (errno != EINPROGRESS)
            return error_from_errno();
        /* The answer comes within connect(2) unless the machine is busy. A signal that cuts
         * this short costs one lane's answer. */
        (void)poll(&answer, 1, SILENCE_MS);
    }
    *ret_witness = read_mark(ends->fd, count);
    return 0;
}

/* Asks whoever has the place. Returns 0, 2 (can't be probed), -errno. */
static int ask_place(struct learning *learning, uint32_t place, int *ret_witness)
{
    struct steering_probe_ends ends;
    struct steering_probe *probe = &learning->probes[learning->plan.probe_count - 1];
    int rv = steering_probe_open(learning->any, &ends);

    if (rv != 0)
        return rv > 0 ? 2 : rv;
    *probe = (struct steering_probe){.from = ends.from, .index = place};
    rv = steering_apply(learning->any, &learning->plan);
    if (rv == 0)
        rv = ask(&ends, learning->count, ret_witness);
    (void)close_fd(ends.fd);
    return rv > 0 ? -EINVAL : rv;
}

/* A lane that is not yet found; its number, or `count`. */
static size_t find_missing(const struct learning *learning)
{
    size_t i = 0;

    while (i < learning->count && learning->indexes[i] != STEERING_INDEX_NONE)
        i++;
    return i;
}

/* Puts the plan in force, by a lane that takes it. Returns 0, -ENOTCONN, -errno. */
static int find_handle(struct learning *learning, const struct steering_plan *plan)
{
    int result = -ENOTCONN;

    for (size_t i = 0; i < learning->count; i++) {
        int rv = steering_apply(learning->lanes[i], plan);

        if (rv == 0) {
            learning->any = learning->lanes[i];
            return 0;
        }
        if (rv < 0 && rv != -EPERM)
            return rv;
        result = rv < 0 ? rv : result;
    }
    return result;
}

/* Goes through the places. Beyond the last one the kernel answers with any lane, so one that
 * has been found before says that the end is reached; and any lane has been found by then. */
static int ask_all(struct learning *learning)
{
    uint32_t silent_place = 0;
    size_t silent = 0;
    size_t found = 0;

    for (uint32_t place = 0;
         found + silent < learning->count && place < learning->count + STRANGERS_MAX; place++) {
        int witness = WITNESS_SILENT;
        int rv = ask_place(learning, place, &witness);

        if (rv != 0)
            return rv;
        if (witness == WITNESS_SILENT) {
            silent++;
            silent_place = place;
        } else if (witness >= 0) {
            if (learning->indexes[witness] != STEERING_INDEX_NONE)
                break;
            learning->indexes[witness] = place;
            found++;
        }
    }
    if (silent == 1 && found + 1 == learning->count) {
        learning->indexes[find_missing(learning)] = silent_place;
        found++;
    }
    return found == learning->count ? 0 : 1;
}

int steering_order_learn(const int *lanes, size_t count, const struct steering_plan *plan,
                         uint32_t *ret_indexes)
{
    _cleanup_free_ uint32_t *indexes = NULL;
    _cleanup_free_ int *segments = NULL;
    struct learning learning = {.lanes = lanes, .count = count, .plan = *plan};
    int applied;
    int rv;

    if (count == 0 || count > STEERING_SHARES_MAX || plan->probe_count >= STEERING_PROBES_MAX)
        return -EINVAL;
    rv = find_handle(&learning, plan);
    if (rv < 0)
        return rv;
    indexes = malloc(count * sizeof *indexes);
    segments = malloc(count * sizeof *segments);
    if (indexes == NULL || segments == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        indexes[i] = STEERING_INDEX_NONE;
        segments[i] = -1;
    }
    if (plan->probe_count > 0)
        memcpy(learning.probes, plan->probes, plan->probe_count * sizeof *plan->probes);
    learning.plan.probes = learning.probes;
    learning.plan.probe_count++;
    learning.indexes = indexes;
    learning.segments = segments;
    rv = mark(&learning);
    if (rv == 0)
        rv = ask_all(&learning);
    unmark(&learning);
    applied = steering_apply(learning.any, plan);
    if (applied != 0)
        return applied < 0 ? applied : -EINVAL;
    if (rv == 0 || rv == 1)
        memcpy(ret_indexes, indexes, count * sizeof *indexes);
    return rv;
}
