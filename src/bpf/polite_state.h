/* What the kernel's half of a polite drain knows of each covered connection: the value of its
 * map, written by bpf/polite.bpf.c and read by os/polite.c. The key is the socket's cookie. */
#pragma once

#include "bpf/polite_head.h"

/* How far it is with a connection. */
enum polite_phase {
    POLITE_SILENT,   /* the worker has sent nothing since it was covered */
    POLITE_UNSURE,   /* it sent, and it is not known that a head had to begin there */
    POLITE_TOLD,     /* a head was changed: the client knows that the connection ends */
    POLITE_CLOSING,  /* the program itself said so */
    POLITE_UPGRADED, /* 101 went by: not HTTP any more */
    POLITE_LEFT,     /* a head that could not be changed: the next one will be */
    POLITE_TLS,      /* both sides send TLS records */
    POLITE_OTHER,    /* where a head was expected, there was none */
    POLITE_PHASE_N,
};

/* `place`: this bit, enum polite_kind from bit 33 on, and a sequence number. */
#define POLITE_PLACE_KNOWN      (1ull << 32)
#define POLITE_PLACE_KIND_SHIFT 33

struct polite_state {
    /* Where in the worker's output (its TCP sequence number) the answer to what the client sent
     * last has to begin. Written whole, by either program. */
    __u64 place;
    /* The number of bytes sent (tcpi_bytes_sent) when `place` was noted: as long as it stays
     * so, the answer is owed. */
    __u64 sent_before;
    /* The number of bytes sent when an unread request lay there at covering;
     * unless something is sent meanwhile, its answer begins there. 0: none lay there. */
    __u64 asked_after;
    __u32 owner; /* the worker's number, modulo 2^32 */
    __u32 phase; /* enum polite_phase */
    __u32 told_at;
    __u32 pieces; /* in which the head under way has come so far */
    /* The head that is being read: here, since the kernel's verifier follows what is on a
     * program's stack through every turn of a loop. */
    struct polite_head head;
};
