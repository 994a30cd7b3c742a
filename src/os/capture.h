/* The primary's half of capture: what a filtered worker asks for, and the answer.
 *
 * The worker sits in bind(2) or listen(2) (os/capture_filter.h) until it is answered. Nothing
 * is decided here: capture_receive() describes the call, and one of three verbs ends it:
 *
 *     capture_place()   puts one of our sockets where the worker's own is, in the worker's
 * table of descriptors, and says 0: the program never knows capture_answer()  says 0, or an
 * error, and does nothing capture_pass()    lets the kernel do what was asked for
 *
 * A description is of the moment of the call. Another thread of the program can change the
 * address or the descriptor behind it meanwhile; so none of this is a safeguard against the
 * program, which could have bound anything before it was filtered, and is not meant as one.
 * What is ruled out is to describe a stranger: that the worker still waits is asked after
 * everything was read (SECCOMP_IOCTL_NOTIF_ID_VALID).
 *
 * A signal that the program handles takes it out of the call (seccomp_unotify(2), "Design
 * goals"); the verbs return 1 then. With SA_RESTART, and after a stop, the kernel makes the
 * call anew and it is told of anew, perhaps with our socket already in place: whoever sees a
 * bind of a socket that is one of our own answers 0.
 *
 * The descriptor (one a worker) outlives us in a descriptor store, and binds wait meanwhile.
 * What had been received and not been answered is not told of again by itself:
 * capture_is_answered() sees that, capture_renew() mends it.
 *
 * Linux 5.9. Reading the worker's memory needs the right to trace it (ptrace(2), "Ptrace access
 * mode checking"), which root has, and, over its own user's descendants, everybody; placing a
 * socket needs none.
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum capture_call {
    CAPTURE_BIND,
    CAPTURE_LISTEN,
};

/* The worker's own socket. One of a kind that is never captured has family AF_UNSPEC. */
struct capture_socket {
    uint64_t inode; /* 0: no socket, or it can't be seen */
    int family;     /* AF_INET, AF_INET6, AF_UNIX: a stream socket; else AF_UNSPEC */
    bool nonblocking;
    bool close_on_exec;
};

struct capture_request {
    uint64_t id;     /* the kernel's, for the answer */
    pid_t thread;    /* who waits, in our pid namespace; 0: in another one */
    bool compatible; /* a call of the other, 32-bit kind of program */
    enum capture_call call;
    int fd;      /* in the worker's table */
    int backlog; /* listen */
    struct capture_socket socket;
    /* Bind: the address that is asked for, `address_size` bytes; none where address_error says
     * why: -EFAULT, -EINVAL: the program's own fault, and the kernel will tell it; -EPERM: we
     * may not read its memory. Behind the address are zeroes, so that a path is ended. */
    struct sockaddr_storage address;
    socklen_t address_size;
    int address_error;
};

enum {
    CAPTURE_NONE = 1,  /* nothing is asked */
    CAPTURE_ENDED = 2, /* and never will be: no process is under the filter any more */
};

/* Takes a copy of the descriptor that capture_filter_hand_over() has sent, from a unix socket
 * of any type. The message stays in the channel, so that whoever has that still has the filter,
 * too, until the copy is in safety, and closes the channel then. Does not block. *ret_fd is the
 * caller's and close-on-exec. Returns 0; 1 where it has not come yet; -EPIPE where the other
 * end is closed and it never will; -EBADMSG where something else came; -EOPNOTSUPP where the
 * kernel can't place descriptors (before Linux 5.9); -EMFILE where we can have no more; -errno,
 * also what came by capture_filter_decline(). */
MUST_CHECK int capture_take(int channel, int *ret_fd);

/* Says whether the descriptor is a filter's, and the kernel can do what is needed here. Returns
 * 0, -EBADMSG, -EOPNOTSUPP, or -errno. */
MUST_CHECK int capture_check(int fd);

/* Takes the next call; to be called while the descriptor polls readable. Does not block.
 * Returns 0; CAPTURE_NONE, also where the worker was taken out of its call meanwhile;
 * CAPTURE_ENDED; -errno. */
MUST_CHECK int capture_receive(int fd, struct capture_request *ret_request);

/* Puts a copy of `socket`, which stays ours, in the place of the worker's own, with its
 * close-on-exec, and says 0 to it. O_NONBLOCK is set or cleared as the worker has it on its
 * own; the flag belongs to the open socket, and so to all who share it (os/listener.h). The
 * kernel has the worker itself do it, so this waits until that is scheduled; where its cgroup
 * is throttled, for the rest of the period. Returns 0; 1 where the worker is not in the call
 * any more (the socket may be in place); -errno, and the worker waits on. */
MUST_CHECK int capture_place(int fd, const struct capture_request *request, int socket);

/* Ends the call with `error`: 0, or the -errno that the program is to see. Returns 0; 1 where
 * the worker is not in the call any more; -errno. */
MUST_CHECK int capture_answer(int fd, const struct capture_request *request, int error);

/* Lets the kernel make the call as it was meant. Returns as capture_answer(). */
MUST_CHECK int capture_pass(int fd, const struct capture_request *request);

/* A copy of the worker's own socket (pidfd_getfd(2), which Docker's default seccomp profile
 * forbids): to read what the program had set on it, or where it is bound. Before
 * capture_place(). *ret_fd is the caller's. Returns 0; 1 where the worker is gone; -EPERM;
 * -errno. */
MUST_CHECK int capture_borrow(const struct capture_request *request, int *ret_fd);
