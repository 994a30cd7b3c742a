#include "os/polite.h"

#include "base/error.h"
#include "os/polite_walk.h"

#include "bpf/polite_state.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* The member of the counts for each phase. */
static unsigned *counter_of(struct polite_counts *counts, enum polite_phase phase)
{
    switch (phase) {
    case POLITE_SILENT:
        return &counts->silent;
    case POLITE_UNSURE:
        return &counts->unsure;
    case POLITE_TOLD:
        return &counts->told;
    case POLITE_CLOSING:
        return &counts->closing;
    case POLITE_UPGRADED:
        return &counts->upgraded;
    case POLITE_LEFT:
        return &counts->left;
    case POLITE_TLS:
        return &counts->tls;
    case POLITE_OTHER:
    case POLITE_PHASE_N:
        break;
    }
    return &counts->other;
}

/* A socket that is closed leaves the map of sockets by itself. */
static void count_one(const struct polite *polite, uint64_t cookie,
                      const struct polite_state *state, struct polite_counts *counts)
{
    uint64_t found;

    if (bpf_map_lookup_elem(polite->sockets, &cookie, &found) == 0) {
        counts->open++;
        (*counter_of(counts, state->phase))++;
        return;
    }
    if (state->phase == POLITE_SILENT) /* or it is only watched: polite_forget() */
        return;
    counts->ended++;
    counts->ended_told += state->phase == POLITE_TOLD;
    (void)bpf_map_delete_elem(polite->states, &cookie);
    (void)bpf_map_delete_elem(polite->shut, &cookie);
}

/* Called for each state of the owner's; may remove it. */
typedef void state_visitor(const struct polite *polite, uint64_t cookie,
                           const struct polite_state *state, struct polite_counts *counts);

static int visit_states(const struct polite *polite, uint32_t owner, state_visitor *visit,
                        struct polite_counts *counts)
{
    uint64_t next;
    int rv = bpf_map_get_next_key(polite->states, NULL, &next);

    while (rv == 0) {
        struct polite_state state;
        uint64_t cookie = next;

        /* Asked first: behind an entry that is gone the walk would begin anew. */
        rv = bpf_map_get_next_key(polite->states, &cookie, &next);
        if (bpf_map_lookup_elem(polite->states, &cookie, &state) == 0 && state.owner == owner)
            visit(polite, cookie, &state, counts);
    }
    return rv == -ENOENT ? 0 : rv;
}

int polite_look(const struct polite *polite, uint32_t owner, struct polite_counts *ret_counts)
{
    struct polite_counts counts = {0};
    int rv = visit_states(polite, owner, count_one, &counts);

    if (rv == 0)
        *ret_counts = counts;
    return rv;
}

static void forget_one(const struct polite *polite, uint64_t cookie,
                       const struct polite_state *state, struct polite_counts *counts)
{
    (void)state;
    (void)counts;
    (void)bpf_map_delete_elem(polite->states, &cookie);
    (void)bpf_map_delete_elem(polite->shut, &cookie);
}

int polite_forget(const struct polite *polite, uint32_t owner)
{
    return visit_states(polite, owner, forget_one, NULL);
}

struct ending {
    const struct polite *polite;
    struct span idle;
    unsigned deaf; /* clients that are not listened to any more */
    unsigned ended;
};

/* Does the worker owe its client an answer, however long that takes? The filter has seen the
 * request, and nothing was sent since; or the last word was the client's (in the same tick of
 * the kernel's clock, that can't be told: then it is the filter's word alone). */
static bool owes_answer(const struct polite_state *state, const struct tcp_info *info)
{
    const uint64_t known = POLITE_PLACE_KNOWN;
    uint64_t kind = state->place >> POLITE_PLACE_KIND_SHIFT;

    if ((state->place & known) != 0 && kind == POLITE_KIND_REQUEST &&
        state->sent_before == info->tcpi_bytes_sent)
        return true;
    return (info->tcpi_bytes_sent == 0 && info->tcpi_bytes_received > 0) ||
           info->tcpi_last_data_recv < info->tcpi_last_data_sent;
}

/* Has nothing happened for so long, and is nothing under way? Locks the socket, so what waited
 * for its lock has arrived. */
static bool is_idle(const struct ending *ending, uint64_t cookie, int fd)
{
    struct polite_state state;
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    uint64_t idle = span_to_ms(ending->idle);
    int unread = 0;

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 ||
        ioctl(fd, SIOCINQ, &unread) < 0 ||
        bpf_map_lookup_elem(ending->polite->states, &cookie, &state) < 0)
        return false;
    return unread == 0 && info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0 &&
           info.tcpi_last_data_sent >= idle && info.tcpi_last_data_recv >= idle &&
           !owes_answer(&state, &info);
}

static int wants_idle(void *context, const struct polite_connection *connection)
{
    struct ending *ending = context;
    struct polite_state state;
    uint32_t dropped;

    if (connection->unread > 0 || connection->unsent > 0 || connection->is_left ||
        bpf_map_lookup_elem(ending->polite->states, &connection->cookie, &state) < 0)
        return 0;
    return state.phase != POLITE_UPGRADED && state.phase != POLITE_OTHER &&
           state.phase != POLITE_TLS &&
           bpf_map_lookup_elem(ending->polite->shut, &connection->cookie, &dropped) < 0;
}

/* First round: the idle ones are made deaf. */
static int visit_deafen(void *context, const struct polite_connection *connection, int fd)
{
    struct ending *ending = context;
    const uint32_t none = 0;

    if (!is_idle(ending, connection->cookie, fd))
        return 0;
    ending->deaf++;
    return bpf_map_update_elem(ending->polite->shut, &connection->cookie, &none, BPF_NOEXIST);
}

/* Established: to be ended now. Half closed: its client has sent something after that, which it
 * sees end by itself; the worker is to see it, too. */
static int wants_deaf(void *context, const struct polite_connection *connection)
{
    struct ending *ending = context;
    uint32_t dropped;

    return bpf_map_lookup_elem(ending->polite->shut, &connection->cookie, &dropped) == 0 &&
           (!connection->half_closed || dropped > 0);
}

/* Second round: what was let pass before has arrived, nothing comes any more. */
static int visit_end(void *context, const struct polite_connection *connection, int fd)
{
    struct ending *ending = context;

    if (!connection->half_closed && is_idle(ending, connection->cookie, fd) &&
        shutdown(fd, SHUT_WR) == 0) {
        ending->ended++;
        return 0;
    }
    if (connection->half_closed)
        (void)shutdown(fd, SHUT_RD);
    (void)bpf_map_delete_elem(ending->polite->shut, &connection->cookie);
    return 0;
}

int polite_end_idle(const struct polite *polite, const struct polite_worker *worker,
                    struct span idle, unsigned *ret_count)
{
    struct ending ending = {.polite = polite, .idle = idle};
    const struct polite_visitor deafen = {
        .wants = wants_idle, .visit = visit_deafen, .context = &ending};
    const struct polite_visitor end = {
        .wants = wants_deaf, .visit = visit_end, .context = &ending, .half_closed_too = true};
    int rv = polite_walk(worker, &deafen);
    int end_rv;

    /* A segment that had passed the filter before is being put into its socket, under RCU. */
    if (rv == 0 && ending.deaf > 0 && syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
        rv = error_from_errno();
    if (rv < 0)
        ending.idle = SPAN_FOREVER; /* they are listened to again */
    end_rv = polite_walk(worker, &end);
    rv = rv < 0 ? rv : end_rv;
    if (rv == 0)
        *ret_count = ending.ended;
    return rv;
}
