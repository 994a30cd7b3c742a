/* The worker's half of capture: a seccomp filter that holds its process, and all that come from
 * it, at bind(2) and listen(2) until whoever has the filter's descriptor answers
 * (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2)). The other half is os/capture.h.
 *
 * It is no sandbox: it keeps nobody from anything, and every other call passes. What that costs
 * was kept as low as the kernel allows: for a call whose number alone decides, the program is
 * run once, at its installation, and a bitmap answers from then on (seccomp_is_const_allow() in
 * kernel/seccomp.c, Linux 5.11); so the program looks at arguments only in bind(2) and in the
 * socketcall(2) of i386. The mitigation against speculative store bypass, which older kernels
 * turn on for a filtered process, is declined (SECCOMP_FILTER_FLAG_SPEC_ALLOW).
 *
 * Life cycle, in the chain loader, which has one thread:
 *
 *     capture_filter_install(scope, &fd)        while still root: no_new_privs is not needed
 * then capture_filter_hand_over(channel, fd)     to the primary, capture_take() close fd, close
 * channel, exec             both are close-on-exec
 *
 * From the first line on, a bind of this process waits until it is answered; should the last
 * copy of the descriptor be closed, it fails with ENOSYS, for ever. A copy that waits in a
 * socket counts. Everything here is async-signal-safe: it makes system calls and nothing else.
 *
 * Not seen: sockets that io_uring binds (IORING_OP_BIND, Linux 6.11), for seccomp does not see
 * them.
 */
#pragma once

#include "base/own.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which calls of bind(2) are told. */
enum capture_filter_scope {
    CAPTURE_FILTER_INTERNET, /* those with an address of 16 bytes at least, as IPv4's is: glibc
                              * binds a netlink socket (12 bytes) in getaddrinfo(3) */
    CAPTURE_FILTER_ALL,      /* all, unix sockets' too */
};

/* What a filtered call is. */
enum capture_filter_call {
    CAPTURE_FILTER_BIND,
    CAPTURE_FILTER_LISTEN,
    CAPTURE_FILTER_SOCKETCALL, /* i386: its first argument says which, the second where the
                                * arguments are */
};

enum {
    CAPTURE_FILTER_SIZE = 67, /* instructions of the program */
};

/* Writes the program, one for all architectures. Pure. */
void capture_filter_build(enum capture_filter_scope scope,
                          struct sock_filter program[static CAPTURE_FILTER_SIZE]);

/* Which call `number` is for the architecture (AUDIT_ARCH_*), both as struct seccomp_data has
 * them. Returns false where the filter does not tell of it. Pure. */
bool capture_filter_identify(uint32_t architecture, int number,
                             enum capture_filter_call *ret_call);

/* Puts the calling thread under the filter. *ret_fd, the caller's, is close-on-exec. Without
 * CAP_SYS_ADMIN the kernel wants no_new_privs (seccomp(2)), which is set then, and stays.
 * Returns 0; 1: done, and no_new_privs had to be set; -EBUSY where the process is under
 * a filter already whose descriptor is open somewhere; -EINVAL or -ENOSYS where the kernel is
 * older than 5.9, for a filter whose calls can't be answered would stay for ever, or has no
 * seccomp; -EPERM where an outer sandbox forbids it; -errno.
 * capture_filter_explain() has words. */
MUST_CHECK int capture_filter_install(enum capture_filter_scope scope, int *ret_fd);

/* Sends a copy of the filter's descriptor over a connected unix socket, of any type; both stay
 * the caller's. Does not wait for it to be taken, but for room in the socket. Returns 0, or
 * -errno (-EPIPE: nobody will take it). */
MUST_CHECK int capture_filter_hand_over(int channel, int fd);

/* Says instead that there is no filter, for `error` (-errno) came of capture_filter_install():
 * capture_take() returns it. Returns as capture_filter_hand_over(). */
MUST_CHECK int capture_filter_decline(int channel, int error);

/* Why capture_filter_install() failed with `error` (-errno), and what can be done, as a clause:
 * "another program … ". Static; NULL where errno's own text says as much. */
const char *capture_filter_explain(int error);
