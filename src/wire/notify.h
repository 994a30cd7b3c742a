/* What a worker says over its NOTIFY_SOCKET, as sd_notify(3) writes it: one datagram of
 * newline-separated NAME=value.
 *
 * A worker may send anything. A line that is not known or has no sense is skipped, the others
 * count; nothing in a datagram can be an error.
 */
#pragma once

#include "base/mono.h"

#include <stddef.h>

enum notice_bit {
    NOTICE_READY = 1 << 0,
    NOTICE_STOPPING = 1 << 1,
    NOTICE_RELOADING = 1 << 2,
    NOTICE_STATUS = 1 << 3,       /* status, status_size */
    NOTICE_ERRNO = 1 << 4,        /* error */
    NOTICE_MAIN_PID = 1 << 5,     /* pid */
    NOTICE_PING = 1 << 6,         /* WATCHDOG=1 */
    NOTICE_TRIGGER = 1 << 7,      /* WATCHDOG=trigger */
    NOTICE_WATCHDOG_SET = 1 << 8, /* watchdog */
    NOTICE_EXTEND = 1 << 9,       /* extend */
    NOTICE_FD_STORE = 1 << 10,
    NOTICE_FD_STORE_REMOVE = 1 << 11,
    NOTICE_FD_NAME = 1 << 12,   /* name, name_size */
    NOTICE_BARRIER = 1 << 13,   /* close the one descriptor that came with it */
    NOTICE_MONOTONIC = 1 << 14, /* monotonic: with RELOADING */
};

/* What a datagram said: `said` has the bits, and only their members are set. The last of
 * several lines of one name wins. Texts are borrowed from the datagram and end where their size
 * says. */
struct notice {
    uint32_t said; /* of enum notice_bit */
    const char *status;
    size_t status_size;
    const char *name;
    size_t name_size;
    int32_t error; /* a positive errno; 0: none */
    int32_t pid;   /* > 0 */
    struct span watchdog;
    struct span extend;
    struct instant monotonic;
};

/* Reads the `size` bytes of a datagram. */
struct notice notice_parse(const char *datagram, size_t size);
