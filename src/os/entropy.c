#include "os/entropy.h"

#include "base/error.h"

#include <sys/random.h>

int entropy_fill(void *bytes, size_t size)
{
    ssize_t count;

    assert(size <= 256);
    do {
        count = getrandom(bytes, size, 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_from_errno();
    return (size_t)count == size ? 0 : -EIO;
}
