/* Calls that an earlier primary took to its grave.
 *
 * The descriptor of a capture filter outlives the primary in a descriptor store. A worker that
 * binds meanwhile waits, and the next primary is told of it (os/capture.h). But what the dead
 * one had received and not yet answered is told to nobody again, and its answer's number is not
 * known: the worker would wait for ever. So the worker's thread is taken out of the call, and
 * the kernel makes it anew.
 *
 *     while (capture_receive(fd, &request) == 0) …     first what was not received at all
 *     if (!capture_is_answered(fd))                    then what was
 *         capture_renew(pid, &count)                   for each process of the worker
 */
#pragma once

#include "base/own.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Is every call that was received also answered? A primary that has just been given `fd` and
 * sees false knows that the one before it died in between. Does not block. */
bool capture_is_answered(int fd);

/* Takes all threads of a process that wait in bind or listen out of the call for a moment, so
 * that the kernel makes it anew. To be used after what is readable has been received. It is
 * done by ptrace(2), for a trap of one thread disturbs no other and is not seen by the parent;
 * where the process has a debugger already, by a SIGSTOP and a SIGCONT to that thread (to the
 * process, the kernel would wake any one of its threads), of which the others' epoll_wait(2)
 * may see EINTR (signal(7)). Waits until each thread has been scheduled. *ret_count says how
 * many they were; a thread that is only on its way to where it waits is missed, so it is asked
 * for again while capture_is_answered() says no. Returns 0; 1 where there is no such process;
 * -EACCES or -EPERM where it may not be looked into; -errno. */
MUST_CHECK int capture_renew(pid_t process, size_t *ret_count);
