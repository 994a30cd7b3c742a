/* Ends keep-alive connections politely, for programs that know nothing of it: the kernel says
 * `Connection: close` in the program's place.
 *
 * A server that closes a connection that is kept alive may close it while the next request is
 * on its way, which is then lost. HTTP's answer is to say so in the last response (RFC 9112,
 * 9.6), and hardly any program can be made to say it. So, for the time of a drain, each
 * connection of the worker gets two small programs (bpf/polite.bpf.c): one sees what comes in
 * and notes where in the worker's output the answer has to begin; the other sees what the
 * worker sends, and changes the one response head that begins there. The client takes its
 * response and closes by itself. docs/DRAIN.md says what is changed, and why nothing else is.
 *
 * Life cycle: polite_open() once, polite_cover() at the beginning of a drain and again and
 * again while it goes on (each covers what is new), polite_look() for the counts,
 * polite_end_idle() for connections on which nothing happens, polite_release().
 *
 * The descriptors of the maps can be handed to a successor (they are all there is): as long as
 * somebody holds them, everything stays in force, whoever dies. When the last is closed, the
 * connections leave the map and their programs send again as ever; of a head that a program was
 * sending in pieces at that very moment, the pieces kept back are lost, and so is the response.
 */
#pragma once

#include "base/mono.h"
#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct polite {
    int sockets; /* the map of the connections, with the message program */
    int states;  /* what is known of each */
    int shut;    /* those that are being ended */
    int filter;  /* the program that sees what comes in */
};

#define POLITE_NONE ((struct polite){.sockets = -1, .states = -1, .shut = -1, .filter = -1})

/* Can it be done here, as far as that shows without doing it? Returns 0; 1 where it can't, and
 * *ret_why, a string constant, says why: built without, no right (CAP_BPF, CAP_NET_ADMIN and
 * CAP_PERFMON), or a kernel without BTF. */
MUST_CHECK int polite_check(const char **ret_why);

/* Why polite_open() failed with -errno, as a string constant. */
const char *polite_reason(int error);

/* Loads the programs and makes the maps, for at most `connections` at a time; some 35 ms
 * (docs/BENCHMARKS.md). Needs Linux 5.17 (bpf_loop()). Returns 0; -EOPNOTSUPP where it was
 * built without; -EPERM; -errno of bpf(2). */
MUST_CHECK int polite_open(uint32_t connections, struct polite *ret_polite);

/* Closes the descriptors. NULL-safe, and again. */
void polite_release(struct polite *polite);

/* Whose connections: those of the processes to one of the local ports. */
struct polite_worker {
    const pid_t *pids;
    size_t pid_n;
    const uint16_t *ports;
    size_t port_n;
    uint32_t owner; /* a number of the caller's, to tell workers apart */
};

struct polite_covered {
    unsigned covered; /* by this call */
    unsigned before;  /* were already */
    unsigned refused; /* can't be: kernel TLS, SO_ZEROCOPY, another's socket map or filter */
    unsigned woken;   /* were uncovered for once, for the program slept (os/polite_rescue.h) */
    int error;        /* why, of the last one refused; 0: none */
};

/* Covers the worker's established connections that are not covered yet. Each is borrowed for a
 * moment (pidfd_getfd(2)); processes and connections that end meanwhile are passed over. Does
 * not block. Costs a walk over the machine's sockets and the worker's descriptors, and some 10
 * µs for each new connection. Returns 0; -EACCES or -EPERM where a process may not be looked
 * into; -ENOMEM; -errno. */
MUST_CHECK int polite_cover(const struct polite *polite, const struct polite_worker *worker,
                            struct polite_covered *ret_covered);

/* The first half of polite_cover(): what comes in is seen, nothing is changed, and the worker's
 * sending is as ever. Whoever does this some time before the drain knows at its beginning which
 * requests are being answered; without it, the answers to requests that the worker had read by
 * then are let pass, and the next ones are changed. Optional. As polite_cover(). */
MUST_CHECK int polite_watch(const struct polite *polite, const struct polite_worker *worker,
                            struct polite_covered *ret_covered);

/* Undoes polite_watch() for connections that were not covered since. Returns as polite_cover().
 */
MUST_CHECK int polite_unwatch(const struct polite *polite, const struct polite_worker *worker);

/* What came of the connections; the open ones by what is known of them, and the others. */
struct polite_counts {
    unsigned open;
    unsigned silent;   /* nothing sent since */
    unsigned unsure;   /* in the middle of a response, or so it may be */
    unsigned told;     /* a head was changed, and the client has not closed yet */
    unsigned closing;  /* the program said so itself */
    unsigned upgraded; /* websockets and the like */
    unsigned left;     /* a head that could not be changed; the next one will be */
    unsigned tls;
    unsigned other;      /* not HTTP */
    unsigned ended;      /* closed, since the last look; these are forgotten */
    unsigned ended_told; /* of these, told before */
};

/* Looks at the covered connections of an owner, and forgets those that are closed. Costs about
 * 1 µs for each connection of any owner. Does not block. Returns 0 or -errno of bpf(2). */
MUST_CHECK int polite_look(const struct polite *polite, uint32_t owner,
                           struct polite_counts *ret_counts);

/* Forgets all connections of an owner that has ended. Returns 0 or -errno of bpf(2). */
MUST_CHECK int polite_forget(const struct polite *polite, uint32_t owner);

/* Ends connections on which nothing has happened for `idle`: nothing received, nothing sent,
 * nothing unread and nothing unacknowledged. From a moment before the last check on, nothing
 * that the client sends is taken any more, and the check waits until what was taken before has
 * arrived; then the FIN is sent. So no request is read, or carried out, and then not
 * answered: a client whose request crosses the FIN sees the end of the connection before any
 * answer, and no reset; the worker then sees the end, too, at the next call. Where the check
 * fails, the client's TCP sends again what was dropped, after some 200 ms, and nothing is lost.
 *
 * Blocks for some 10 ms where there is something to end (membarrier(2)), and not otherwise.
 * Upgraded and encrypted ones, and what is not HTTP, are left alone. *ret_count says how many
 * were ended. Returns 0 or -errno as polite_cover(). */
MUST_CHECK int polite_end_idle(const struct polite *polite, const struct polite_worker *worker,
                               struct span idle, unsigned *ret_count);
