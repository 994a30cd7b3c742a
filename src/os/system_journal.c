#include "os/system_journal.h"

#include "base/error.h"
#include "os/directories.h"
#include "os/unix_socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-journal.h>

static const char stream_path[] = "/run/systemd/journal/stdout";

static_assert(SYSTEM_JOURNAL_APP_SIZE == APP_NAME_MAX + 1, "an app's name fits");

void system_journal_identifier(const char *app, uint64_t revision, uint64_t worker,
                               uint32_t slot,
                               char identifier[static SYSTEM_JOURNAL_IDENTIFIER_SIZE])
{
    int length =
        snprintf(identifier, SYSTEM_JOURNAL_IDENTIFIER_SIZE,
                 "%s-r%" PRIu64 "-w%" PRIu64 "-s%" PRIu32, app, revision, worker, slot);

    assert(length > 0 && length < SYSTEM_JOURNAL_IDENTIFIER_SIZE);
}

/* Takes "-LETTER NUMBER" off the end of the text, whose length is *length. Read from the end,
 * for the name of an app may have such parts, too. */
static bool take_number(const char *text, size_t *length, char letter, uint64_t max,
                        uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t digits = *length;

    while (digits > 0 && text[digits - 1] >= '0' && text[digits - 1] <= '9')
        digits--;
    if (digits < 2 || digits == *length || text[digits - 1] != letter ||
        text[digits - 2] != '-' || (text[digits] == '0' && *length - digits > 1))
        return false;
    for (size_t i = digits; i < *length; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *length = digits - 2;
    *ret_number = number;
    return true;
}

int system_journal_parse(const char *identifier, struct system_journal_source *ret_source)
{
    struct system_journal_source source = {0};
    size_t length = strnlen(identifier, SYSTEM_JOURNAL_IDENTIFIER_SIZE);
    uint64_t slot;

    if (length == SYSTEM_JOURNAL_IDENTIFIER_SIZE ||
        !take_number(identifier, &length, 's', UINT32_MAX, &slot) ||
        !take_number(identifier, &length, 'w', UINT64_MAX, &source.worker) ||
        !take_number(identifier, &length, 'r', UINT64_MAX, &source.revision) ||
        length >= sizeof(source.app))
        return 1;
    memcpy(source.app, identifier, length);
    if (!app_name_is_valid(source.app))
        return 1;
    source.slot = (uint32_t)slot;
    *ret_source = source;
    return 0;
}

/* Whether a connection would be made at once. sd_journal_stream_fd(3) connects blocking, and
 * waits without end where the queue of connections is full: journald has stopped taking them,
 * some thousand ago. Returns 0, 1: nobody listens; -EAGAIN: the queue is full; -errno. */
static int probe(void)
{
    _cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address;
    socklen_t size;
    int r;

    if (fd < 0)
        return error_from_errno();
    r = unix_socket_address(stream_path, &address, &size);
    if (r < 0)
        return r;
    if (connect(fd, (const struct sockaddr *)&address, size) == 0)
        return 0;
    return errno == ENOENT || errno == ECONNREFUSED ? 1 : error_from_errno();
}

int system_journal_stream(const char *identifier, int *ret_fd)
{
    int r = probe();
    int fd;

    if (r != 0)
        return r;
    fd = sd_journal_stream_fd(identifier, LOG_INFO, 1);
    if (fd == -ENOENT || fd == -ECONNREFUSED)
        return 1;
    if (fd < 0)
        return fd;
    *ret_fd = fd;
    return 0;
}

int system_journal_stream_name(int fd, char name[static SYSTEM_JOURNAL_STREAM_NAME_SIZE])
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return error_from_errno();
    (void)snprintf(name, SYSTEM_JOURNAL_STREAM_NAME_SIZE, "%" PRIuMAX ":%" PRIuMAX,
                   (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return 0;
}
