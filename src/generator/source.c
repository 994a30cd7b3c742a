#include "generator/source.h"

#include "base/error.h"
#include "os/directories.h"
#include "os/text_file.h"
#include "wire/config.h"
#include "wire/journal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { JOURNAL_SIZE_MAX = 64 << 20 };

/* Opens it without waiting for a pipe's other end, and without becoming a terminal's. Returns
 * 0; 1 where it is no regular file; -errno. */
static int open_regular(const char *path, int *ret_fd)
{
    _cleanup_fd_ int fd = -1;
    struct stat status;

    /* Looked at first: opening a device may do something. */
    if (stat(path, &status) < 0)
        return error_from_errno();
    if (!S_ISREG(status.st_mode))
        return 1;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return error_from_errno();
    if (!S_ISREG(status.st_mode))
        return 1;
    *ret_fd = take_fd(fd);
    return 0;
}

/* Returns 0; 1 where errors were added; 2 where it is no regular file; -ENOMEM. */
static int read_config(const char *path, struct spec *ret_spec, struct config_errors *errors)
{
    _cleanup_free_ char *text = NULL;
    _cleanup_fd_ int fd = -1;
    struct spec spec = {0};
    size_t size;
    int r = open_regular(path, &fd);

    if (r == 1)
        return 2;
    if (r == 0)
        r = text_file_read_fd(fd, CONFIG_SIZE_MAX, &text, &size);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        r = r == -EFBIG ? config_errors_add_at(errors, 0, 0, NULL, "expected at most %d bytes",
                                               CONFIG_SIZE_MAX)
                        : config_errors_add_at(errors, 0, 0, NULL,
                                               "expected a file that can be read, found: %s",
                                               strerror(-r));
        return r < 0 ? r : 1;
    }
    r = config_decode(text, size, 0, &spec, errors);
    if (r == 0)
        *ret_spec = spec;
    else
        spec_release(&spec);
    return r < 0 ? r : r != 0;
}

/* The text of the newest spec in a journal; NULL: there is none. */
static int find_accepted(const char *data, size_t size, char **ret_text)
{
    _cleanup_free_ char *newest = NULL;
    struct journal_reader reader;
    bool at_end = false;

    journal_reader_init(&reader, data, size);
    while (!at_end) {
        struct journal_item item = {0};
        int r = journal_next(&reader, &item);

        if (r < 0)
            return r;
        at_end = item.kind >= JOURNAL_END;
        if (item.kind == JOURNAL_RECORD && item.spec_text != NULL) {
            free(newest);
            newest = take_ptr(item.spec_text);
        }
        journal_item_release(&item);
    }
    *ret_text = take_ptr(newest);
    return 0;
}

/* Whether the app's primary runs, or was killed and comes back: who leaves takes the socket
 * along. */
static bool has_primary(const struct directories *directories)
{
    _cleanup_free_ char *path = directories_path(directories->runtime, "control");

    return path != NULL && access(path, F_OK) == 0;
}

/* Returns 0; 1 where nothing is known; -ENOMEM. */
static int read_accepted(const char *app, struct spec *ret_spec)
{
    _cleanup_(directories_release) struct directories directories = {0};
    _cleanup_free_ char *path = NULL;
    _cleanup_free_ char *data = NULL;
    _cleanup_free_ char *text = NULL;
    size_t size;
    int r = directories_find(geteuid(), app, &directories);

    if (r < 0)
        return r == -ENOMEM ? r : 1;
    if (!has_primary(&directories))
        return 1;
    path = directories_path(directories.state, "journal.jsonl");
    r = path ? text_file_read_whole(AT_FDCWD, path, JOURNAL_SIZE_MAX, &data, &size) : -ENOMEM;
    if (r == 0)
        r = find_accepted(data, size, &text);
    if (r < 0)
        return r == -ENOMEM ? r : 1;
    return text != NULL ? spec_decode(text, strlen(text), ret_spec) : 1;
}

int source_read(const char *app, const char *path, struct spec *ret_spec,
                enum source_kind *ret_kind, struct config_errors *errors)
{
    static const char no_file[] = "{}";
    struct config_errors ignored = {0};
    int r = read_config(path, ret_spec, errors);

    if (r == 2 || r < 0)
        return r < 0 ? r : 1;
    *ret_kind = SOURCE_CONFIG;
    if (r == 0)
        return 0;
    *ret_kind = SOURCE_ACCEPTED;
    r = read_accepted(app, ret_spec);
    if (r <= 0)
        return r;
    *ret_kind = SOURCE_NOTHING;
    r = config_decode(no_file, strlen(no_file), CONFIG_EXEC_ELSEWHERE | CONFIG_LISTEN_ELSEWHERE,
                      ret_spec, &ignored);
    config_errors_release(&ignored);
    assert(r <= 0);
    return r;
}
