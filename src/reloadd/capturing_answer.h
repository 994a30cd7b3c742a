/* What is answered to a captured call: the inner half of capturing.h. */
#pragma once

#include "base/mono.h"
#include "os/capture.h"
#include "reloadd/process.h"

#include <netinet/in.h>

struct descriptor;

enum { CAPTURING_PORTS_MAX = 16 };

/* A socket that was bound with port 0, and may listen or not. */
struct capturing_port {
    uint64_t inode;
    char host[INET6_ADDRSTRLEN + 8]; /* as in an address: "127.0.0.1", "[::]" */
    bool v6only;
};

struct capturing {
    struct process *process;
    int channel; /* -1: the filter's descriptor was taken, or never will be */
    int filter;  /* -1: not there yet, or no process is under it any more */
    struct descriptor *channel_watch;
    struct descriptor *filter_watch;
    bool told_limit;         /* that the app can have no more listeners */
    bool used;               /* something was answered with a listener */
    struct instant listened; /* the first time on one of ours */
    /* Listeners that its configuration does not have, by the inode of their own socket. */
    uint64_t *bound;
    size_t bound_n;
    struct capturing_port
        *ports; /* the latest CAPTURING_PORTS_MAX, in a ring; NULL: none yet */
    size_t port_n;
};

/* Ends the call, in one of the ways of os/capture.h. */
void capturing_answer(struct capturing *capturing, const struct capture_request *request);

/* Sees by the descriptors of an adopted worker what it had bound; where it may not be looked
 * into, it may have bound all that was discovered. */
void capturing_look(struct capturing *capturing);
