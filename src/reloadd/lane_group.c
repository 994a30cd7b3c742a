#include "reloadd/lane_group.h"

#include "os/accept_queue.h"
#include "os/listener.h"
#include "os/steering_order.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void name_lane(uint64_t base_inode, uint32_t lane, char name[static FD_NAME_SIZE])
{
    (void)snprintf(name, FD_NAME_SIZE, "lane-%" PRIu64 "-%" PRIu32, base_inode, lane);
}

/* The inverse. Returns false where the name is none of a lane of this base. */
static bool read_lane(const char *name, uint64_t base_inode, uint32_t *ret_lane)
{
    char again[FD_NAME_SIZE];
    uint64_t inode;

    if (sscanf(name, "lane-%" SCNu64 "-%" SCNu32, &inode, ret_lane) != 2 || inode != base_inode)
        return false;
    name_lane(inode, *ret_lane, again);
    return strcmp(name, again) == 0 && *ret_lane < STEERING_SHARES_MAX;
}

void lane_group_store_name(const struct lane_group *group, uint32_t lane,
                           char name[static FD_NAME_SIZE])
{
    name_lane(group->lanes[0].inode, lane, name);
}

/* The plan in force, as it is kept. */
static struct steering_plan plan_of(const struct lane_group *group)
{
    return (struct steering_plan){
        .shares = group->shares,
        .share_count = group->share_n,
        .probes = group->probes,
        .probe_count = group->probe_n,
    };
}

/* By any lane: one may be shut down, another's filter locked by its program. Returns 0,
 * STEERING_NO_GROUP, or -errno. */
static int apply(const struct lane_group *group)
{
    const struct steering_plan plan = plan_of(group);
    int result = -ENOTCONN;

    for (size_t i = 0; i < group->n; i++) {
        int r = group->lanes[i].fd < 0 ? 1 : steering_apply(group->lanes[i].fd, &plan);

        if (r == 0 || r == STEERING_NO_GROUP || (r < 0 && r != -EPERM))
            return r;
        result = r < 0 ? r : result;
    }
    return result;
}

/* Writes what the lanes' shares are in places; `places` has room for all lanes. */
static size_t place_shares(const struct lane_group *group, const struct lane_share *shares,
                           size_t n, struct steering_share *places)
{
    size_t place_n = 0;

    for (size_t i = 0; i < n && place_n < group->n; i++)
        if (shares[i].lane < group->n &&
            group->lanes[shares[i].lane].index != STEERING_INDEX_NONE)
            places[place_n++] = (struct steering_share){
                .index = group->lanes[shares[i].lane].index, .weight = shares[i].weight};
    if (place_n == 0)
        places[place_n++] =
            (struct steering_share){.index = group->lanes[0].index, .weight = 1};
    return place_n;
}

/* Room for one more. */
static int make_room(struct lane_group *group)
{
    struct lane *lanes = reallocarray(group->lanes, group->n + 1, sizeof(*lanes));
    struct steering_share *shares;

    if (!lanes)
        return -ENOMEM;
    group->lanes = lanes;
    shares = reallocarray(group->shares, group->n + 1, sizeof(*shares));
    if (!shares)
        return -ENOMEM;
    group->shares = shares;
    return 0;
}

/* Owns `fd` on success, but for lane 0's, which is the listener's. */
static int add_take(struct lane_group *group, int fd)
{
    struct lane lane = {.fd = fd, .index = (uint32_t)group->n};
    struct listener_identity identity = {0};
    int r = make_room(group);

    if (r == 0 && fd >= 0)
        r = listener_identify(fd, &identity);
    if (r < 0)
        return r;
    lane.inode = identity.inode;
    group->lanes[group->n++] = lane;
    return 0;
}

/* Those of an earlier primary, by their numbers; one that got lost leaves a hole, for its
 * number is its worker's. */
static int take_stored(struct lane_group *group, struct fd_store *store)
{
    uint64_t base = group->lanes[0].inode;
    uint32_t last = 0;
    uint32_t lane;

    for (size_t i = 0; i < store->n; i++)
        if (store->items[i].fd >= 0 && read_lane(store->items[i].name, base, &lane) &&
            lane > last)
            last = lane;
    for (lane = 1; lane <= last; lane++) {
        char name[FD_NAME_SIZE];
        int fd;
        int r;

        name_lane(base, lane, name);
        fd = fd_store_take(store, name);
        r = add_take(group, fd);
        if (r < 0) {
            (void)close_fd(fd);
            return r;
        }
    }
    return 0;
}

bool lane_group_was_left(int listener_fd, const struct fd_store *store)
{
    struct listener_identity identity;
    uint32_t lane;

    if (listener_identify(listener_fd, &identity) < 0)
        return false;
    for (size_t i = 0; i < store->n; i++)
        if (store->items[i].fd >= 0 && read_lane(store->items[i].name, identity.inode, &lane))
            return true;
    return false;
}

/* Asks the kernel where each lane is. Where a lane does not answer, its queue being full, or
 * the address can't be probed, it is believed to be where it was. */
static int learn(struct lane_group *group)
{
    const struct steering_plan plan = plan_of(group);
    _cleanup_free_ int *fds = calloc(group->n, sizeof(*fds));
    _cleanup_free_ uint32_t *indexes = calloc(group->n, sizeof(*indexes));
    size_t n = 0;
    int r;

    if (!fds || !indexes)
        return -ENOMEM;
    for (size_t i = 0; i < group->n; i++)
        if (group->lanes[i].fd >= 0)
            fds[n++] = group->lanes[i].fd;
    r = steering_order_learn(fds, n, &plan, indexes);
    if (r < 0 || r == 2)
        return r < 0 ? r : 0;
    n = 0;
    for (size_t i = 0; i < group->n; i++) {
        if (group->lanes[i].fd < 0)
            group->lanes[i].index = STEERING_INDEX_NONE;
        else if (indexes[n++] != STEERING_INDEX_NONE)
            group->lanes[i].index = indexes[n - 1];
    }
    return 0;
}

static int open_lane(struct lane_group *group)
{
    _cleanup_fd_ int fd = -1;
    char name[FD_NAME_SIZE];
    int r = steering_open_lane(group->lanes[0].fd, &fd);

    if (r == 0)
        r = add_take(group, fd);
    if (r != 0)
        return r;
    if (group->store) {
        lane_group_store_name(group, (uint32_t)group->n - 1, name);
        fd_store_keep(group->store, name, fd);
    }
    fd = -1; /* the group's */
    return 0;
}

/* Takes the spares out of the kernel's array. Each leaves a hole, into which the last socket
 * moves; that is a spare, too, or a lane that is in no plan yet, having come behind them. */
static void lift_spares(struct lane_group *group)
{
    for (size_t i = 0; i < group->spare_n; i++)
        (void)shutdown(group->spares[i], SHUT_RDWR);
}

/* Puts them at its end again, and opens those that lack. It can be done without them. */
static void put_spares(struct lane_group *group)
{
    size_t kept = 0;

    for (size_t i = 0; i < group->spare_n; i++) {
        if (steering_reopen_lane(group->spares[i]) == 0)
            group->spares[kept++] = group->spares[i];
        else
            (void)close_fd(group->spares[i]);
    }
    while (kept < LANE_SPARES &&
           steering_open_lane(group->lanes[0].fd, &group->spares[kept]) == 0)
        kept++;
    group->spare_n = kept;
}

/* Before a socket that was bound without SO_REUSEPORT has a second lane there is no group; then
 * the lane comes first and the plan at once behind it. Returns 0, a refusal, -errno. */
static int begin(struct lane_group *group, struct fd_store *store,
                 const struct lane_share *shares, size_t n)
{
    int r = steering_prepare(group->lanes[0].fd);

    if (r == 0 && store)
        r = take_stored(group, store);
    if (r != 0)
        return r;
    group->share_n = place_shares(group, shares, n, group->shares);
    r = apply(group);
    if (r == STEERING_NO_GROUP) {
        r = open_lane(group);
        if (r == 0)
            r = apply(group);
    }
    if (r != 0 || group->n == 1)
        return r;
    put_spares(group);
    return learn(group);
}

/* The kernel will not have the program: no reason not to serve, unless workers already sit in
 * lanes.
 */
static bool is_refusal(const struct lane_group *group, int r)
{
    return group->n <= 1 && (r == -ENOPROTOOPT || r == -EPERM || r == -EACCES || r == -ENOMEM);
}

int lane_group_begin(struct lane_group *group, int listener_fd, struct fd_store *store,
                     const struct lane_share *shares, size_t n)
{
    const char *refusal = NULL;
    int r;

    if (group->n > 0 || group->refusal)
        return 0;
    group->store = store;
    r = add_take(group, listener_fd);
    if (r == 0)
        r = begin(group, store, shares, n);
    if (r == 0)
        return 0;
    if (r > 0)
        refusal = steering_refusal_text((enum steering_refusal)r);
    else if (is_refusal(group, r))
        refusal = strerrordesc_np(-r);
    lane_group_leave(group);
    group->refusal = refusal;
    return refusal ? 0 : r;
}

int lane_group_grow(struct lane_group *group, size_t n)
{
    bool grown = false;
    int r = 0;

    if (n > STEERING_SHARES_MAX)
        return 1;
    if (n <= group->n)
        return 0;
    lift_spares(group);
    while (group->n < n && r == 0) {
        r = open_lane(group);
        grown |= r == 0;
    }
    put_spares(group);
    if (grown) {
        int learned = learn(group);

        r = r == 0 ? learned : r;
    }
    return r > 0 ? 1 : r;
}

static bool is_in_force(const struct lane_group *group, const struct steering_share *shares,
                        size_t n)
{
    if (n != group->share_n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (shares[i].index != group->shares[i].index ||
            shares[i].weight != group->shares[i].weight)
            return false;
    return true;
}

int lane_group_steer(struct lane_group *group, const struct lane_share *shares, size_t n)
{
    _cleanup_free_ struct steering_share *wanted = calloc(group->n + 1, sizeof(*wanted));
    size_t wanted_n;
    int r;

    if (!wanted)
        return -ENOMEM;
    wanted_n = place_shares(group, shares, n, wanted);
    if (is_in_force(group, wanted, wanted_n))
        return 0;
    memcpy(group->shares, wanted, wanted_n * sizeof(*wanted));
    group->share_n = wanted_n;
    r = apply(group);
    if (r != 0)
        group->share_n = 0; /* not in force: to be tried again */
    return r > 0 ? -ENOTCONN : r;
}

bool lane_group_names(const struct lane_group *group, uint32_t lane)
{
    for (size_t i = 0; lane < group->n && i < group->share_n; i++)
        if (group->shares[i].index == group->lanes[lane].index)
            return true;
    return false;
}

unsigned lane_group_waiting(const struct lane_group *group, uint32_t lane)
{
    struct accept_queue queue;

    if (lane >= group->n || group->lanes[lane].fd < 0 ||
        accept_queue_look(group->lanes[lane].fd, &queue) < 0)
        return 0;
    return queue.waiting;
}

int lane_group_mend(struct lane_group *group)
{
    bool mended = false;
    int r;

    for (size_t i = 0; i < group->n; i++) {
        struct accept_queue queue;

        if (group->lanes[i].fd < 0 || accept_queue_look(group->lanes[i].fd, &queue) < 0 ||
            queue.listening)
            continue;
        r = steering_reopen_lane(group->lanes[i].fd);
        if (r < 0)
            return r;
        mended = true;
    }
    if (!mended)
        return 0;
    lift_spares(group);
    put_spares(group);
    r = learn(group);
    group->share_n = 0; /* its places were others' */
    return r < 0 ? r : 1;
}

int lane_group_probe(struct lane_group *group, uint32_t lane,
                     struct steering_probe_ends *ret_ends)
{
    struct steering_probe_ends ends;
    int r;

    if (lane >= group->n || group->lanes[lane].index == STEERING_INDEX_NONE)
        return 1;
    if (group->probe_n >= STEERING_PROBES_MAX - 1) /* one is for the learning of places */
        return -EBUSY;
    r = steering_probe_open(group->lanes[0].fd, &ends);
    if (r != 0)
        return r;
    group->probes[group->probe_n++] =
        (struct steering_probe){.from = ends.from, .index = group->lanes[lane].index};
    r = apply(group);
    if (r != 0) {
        group->probe_n--;
        (void)close_fd(ends.fd);
        return r > 0 ? 1 : r;
    }
    *ret_ends = ends;
    return 0;
}

void lane_group_probe_end(struct lane_group *group, const struct steering_probe_ends *ends)
{
    size_t kept = 0;

    for (size_t i = 0; i < group->probe_n; i++)
        if (memcmp(&group->probes[i].from, &ends->from, ends->size) != 0)
            group->probes[kept++] = group->probes[i];
    if (kept == group->probe_n)
        return;
    group->probe_n = kept;
    if (apply(group) != 0)
        group->share_n = 0; /* the next plan goes without it in any case */
}

static void release(struct lane_group *group, bool drop)
{
    for (size_t i = 1; i < group->n; i++) {
        char name[FD_NAME_SIZE];

        lane_group_store_name(group, (uint32_t)i, name);
        if (drop && group->store)
            fd_store_drop(group->store, name);
        (void)close_fd(group->lanes[i].fd);
    }
    for (size_t i = 0; i < group->spare_n; i++)
        (void)close_fd(group->spares[i]);
    free(group->lanes);
    free(group->shares);
    *group = (struct lane_group){0};
}

void lane_group_release(struct lane_group *group)
{
    release(group, true);
}

void lane_group_leave(struct lane_group *group)
{
    release(group, false);
}
