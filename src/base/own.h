/* Ownership of descriptors and heap memory, spelled in the declaration.
 *
 * A local that owns something carries _cleanup_fd_ or _cleanup_free_; it leaves the function by
 * take_fd() or take_ptr(), which return the value and disarm the local. So every return path is
 * right by construction, also the one that somebody adds next year.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* Closes a descriptor and returns -1, so that `fd = close_fd(fd)` can't be closed twice.
 * errno is kept. A negative fd is ignored. */
static inline int close_fd(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        /* Linux releases the descriptor also when close() says EINTR (close(2), "Dealing with
         * error returns"): never retried. */
        (void)close(fd);
        errno = saved;
    }
    return -1;
}

static inline void cleanup_fd(int *fd)
{
    *fd = close_fd(*fd);
}

static inline void cleanup_free(void *ptr)
{
    free(*(void **)ptr);
}

static inline int take_fd_from(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _cleanup_fd_   _cleanup_(cleanup_fd)
#define _cleanup_free_ _cleanup_(cleanup_free)
#define take_fd(fd)    take_fd_from(&(fd))
#define take_ptr(ptr)                                                                          \
    __extension__({                                                                            \
        __typeof__(ptr) taken_ = (ptr);                                                        \
        (ptr) = NULL;                                                                          \
        taken_;                                                                                \
    })
