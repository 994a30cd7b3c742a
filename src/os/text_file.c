#include "os/text_file.h"

#include "base/error.h"

#include <fcntl.h>
#include <string.h>

enum {
    FIRST_SIZE = 4096,
};

/* As read(2), but begun again after a signal. */
static ssize_t read_some(int fd, char *buffer, size_t size)
{
    ssize_t count;

    do {
        count = read(fd, buffer, size);
    } while (count < 0 && errno == EINTR);
    return count;
}

int text_file_read(int dir_fd, const char *path, char *buffer, size_t size, size_t *ret_size)
{
    _cleanup_fd_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t filled = 0;
    char beyond;
    ssize_t count;

    assert(size > 0);
    if (fd < 0)
        return error_from_errno();
    while (filled < size - 1) {
        count = read_some(fd, buffer + filled, size - 1 - filled);
        if (count < 0)
            return error_from_errno();
        if (count == 0)
            break;
        filled += (size_t)count;
    }
    buffer[filled] = '\0';
    count = filled == size - 1 ? read_some(fd, &beyond, 1) : 0;
    if (count < 0)
        return error_from_errno();
    *ret_size = filled;
    return count > 0;
}

int text_file_read_fd(int fd, size_t limit, char **ret_text, size_t *ret_size)
{
    _cleanup_free_ char *text = NULL;
    size_t capacity = 0;
    size_t filled = 0;

    for (;;) {
        ssize_t count;

        if (capacity - filled < 2) {
            size_t wanted = capacity > 0 ? capacity * 2 : FIRST_SIZE;
            char *grown = realloc(text, wanted);

            if (grown == NULL)
                return -ENOMEM;
            text = grown;
            capacity = wanted;
        }
        count = read_some(fd, text + filled, capacity - filled - 1);
        if (count < 0)
            return error_from_errno();
        if (count == 0)
            break;
        filled += (size_t)count;
        if (filled > limit)
            return -EFBIG;
    }
    text[filled] = '\0';
    *ret_text = take_ptr(text);
    *ret_size = filled;
    return 0;
}

int text_file_read_whole(int dir_fd, const char *path, size_t limit, char **ret_text,
                         size_t *ret_size)
{
    _cleanup_fd_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return error_from_errno();
    return text_file_read_fd(fd, limit, ret_text, ret_size);
}

int text_file_write(int dir_fd, const char *path, const char *text)
{
    _cleanup_fd_ int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t size = strlen(text);
    ssize_t count;

    if (fd < 0)
        return error_from_errno();
    do {
        count = write(fd, text, size);
    } while (count < 0 && errno == EINTR);
    if (count < 0)
        return error_from_errno();
    return (size_t)count == size ? 0 : -EIO;
}
