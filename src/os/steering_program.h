/* The program of a steered group: text in the language of classic BPF, from a plan. Nothing
 * here talks to the kernel; os/steering.h does.
 *
 * The plan says two things. Shares: who gets the connections of the world, each lane in
 * proportion to its weight, by a random number for each connection; so a canary of weight 5
 * beside others of 95 gets 5 % of them. Probes: a connection from this one address and port
 * goes to this one lane, admitted or not. So a candidate is asked before anybody else is sent
 * to it.
 *
 * What the kernel shows a program (run_bpf_filter() in net/core/sock_reuseport.c): its data
 * begin behind the TCP header, so there is nothing to read in a SYN; the headers before are at
 * SKF_NET_OFF, counted from the IP header. A probe is recognised by
 *   - the interface, which is lo (always number 1): nobody beyond this machine can pose as one,
 *   - its source address and port, which the probe's socket holds (os/steering_probe.h), so
 *     that no other program here can connect from it meanwhile,
 *   - an IP header without options or extensions, for such the probe sends none.
 * Everything else is the world. A listener of [::] that takes IPv4 in sees IPv4 headers.
 *
 * A load beyond the packet would end a classic program with 0, that is lane 0; all that is read
 * here has been checked by the kernel before (tcp_v4_rcv(), tcp_v6_rcv()).
 */
#pragma once

#include "base/own.h"

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    STEERING_SHARES_MAX = 1024, /* lanes admitted at once */
    STEERING_PROBES_MAX = 64,   /* probes under way at once */
    STEERING_PROGRAM_MAX = 2 * STEERING_SHARES_MAX + 11 * STEERING_PROBES_MAX + 16,
};

/* A lane by its place in the group, 0 … n − 1. */
struct steering_share {
    uint32_t index;
    uint16_t weight; /* 0: as if it was not named */
};

/* from: AF_INET, AF_INET6, or IPv4 as ::ffff:0:0/96; with the port. */
struct steering_probe {
    struct sockaddr_storage from;
    uint32_t index;
};

/* Borrowed by whoever is given it. */
struct steering_plan {
    const struct steering_share *shares;
    size_t share_count;
    const struct steering_probe *probes;
    size_t probe_count;
};

struct steering_program {
    struct sock_filter code[STEERING_PROGRAM_MAX];
    size_t length;
};

/* Writes the program of a plan: at most two instructions a share, eleven a probe. Where nobody
 * is admitted yet, name lane 0, where connections then wait. Pure. Returns 0; -EINVAL where no
 * share has a weight, or a probe is not of a TCP address; -E2BIG over the limits above. */
MUST_CHECK int steering_program_build(const struct steering_plan *plan,
                                      struct steering_program *ret_program);
