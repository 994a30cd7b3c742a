/* The error algebra of the whole tree.
 *
 *   0         done
 *   negative  -errno: this operation failed; forwarded unchanged, never re-invented on the way
 *   positive  a condition documented at *this* function, which its caller must tell apart
 *
 * Every int function is MUST_CHECK (base/own.h); `(void)` marks an ignore that was chosen.
 * assert() is for our own bugs and stays on in release. Out of memory is -ENOMEM, not an abort.
 */
#pragma once

#include <assert.h>
#include <errno.h>

/* -errno of the call that has just failed; a libc that forgot to set it counts as -EIO. */
static inline int error_from_errno(void)
{
    return errno > 0 ? -errno : -EIO;
}
