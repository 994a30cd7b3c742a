/* Watches a descriptor until it can be read: a pidfd (its process has ended), a notify socket,
 * an exec-status pipe. It reads nothing itself; level-triggered, so what is left unread is told
 * again.
 *
 * libuv sets O_NONBLOCK on a watched descriptor, and that flag belongs to the open file
 * description, which duplicates and children share. So never watch a listening socket that
 * workers accept on, nor any other description that another process may use.
 */
#pragma once

#include "loop/loop.h"

struct descriptor;

/* Calls `readable` as long as `fd` has something to read, has ended or has failed: reading
 * tells which. After a failure (POLLERR) it is told once and then no more. Borrows `fd`, which
 * must stay open until descriptor_unwatch().
 *
 * Returns 0; -ENOMEM; -EEXIST where it is watched already; -EPERM for a regular file. */
MUST_CHECK int descriptor_watch(struct loop *loop, int fd, void (*readable)(void *user, int fd),
                                void *user, struct descriptor **ret_descriptor);

/* The same until `fd` can be written to: a connection is made, or has failed. */
MUST_CHECK int descriptor_watch_writable(struct loop *loop, int fd,
                                         void (*writable)(void *user, int fd), void *user,
                                         struct descriptor **ret_descriptor);

/* As descriptor_watch(), and owns `fd` on success: descriptor_unwatch() closes it. */
MUST_CHECK int descriptor_watch_take(struct loop *loop, int fd,
                                     void (*readable)(void *user, int fd), void *user,
                                     struct descriptor **ret_descriptor);

/* Ends the watch; a borrowed descriptor may be closed right after it. NULL is ignored. */
void descriptor_unwatch(struct descriptor *descriptor);
