#include "os/journal_reader.h"

#include "base/error.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-journal.h>
#include <time.h>

struct journal_reader {
    sd_journal *journal;
    bool is_watched; /* changes are told from now on */
    struct text identifier;
    struct text cgroup;
    struct text command;
    struct text text;
};

/* Namespaces too: a unit may have a journald of its own (LogNamespace=, systemd.exec(5)). */
static const int local_flags = SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_ALL_NAMESPACES;

int journal_reader_open(const char *directory, struct journal_reader **ret_reader)
{
    _cleanup_journal_reader_ struct journal_reader *reader = calloc(1, sizeof(*reader));
    int r;

    if (!reader)
        return -ENOMEM;
    r = directory ? sd_journal_open_directory(&reader->journal, directory, 0)
                  : sd_journal_open_namespace(&reader->journal, NULL, local_flags);
    if (r < 0)
        return r;
    *ret_reader = take_ptr(reader);
    return 0;
}

void journal_reader_free(struct journal_reader *reader)
{
    if (!reader)
        return;
    sd_journal_close(reader->journal);
    text_release(&reader->identifier);
    text_release(&reader->cgroup);
    text_release(&reader->command);
    text_release(&reader->text);
    free(reader);
}

static int add_match(struct journal_reader *reader, const char *field, const char *value)
{
    _cleanup_text_ struct text match = {0};
    int r = text_appendf(&match, "%s=%s", field, value);

    return r < 0 ? r : sd_journal_add_match(reader->journal, match.data, match.size);
}

static int add_match_uid(struct journal_reader *reader, const char *field, uid_t uid)
{
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", (unsigned)uid);
    return add_match(reader, field, text);
}

/* The next matches are an alternative to those that were added. */
static int or_match(struct journal_reader *reader)
{
    return sd_journal_add_disjunction(reader->journal);
}

/* Fields that begin with "_" are journald's own word, the others are the writer's, who must
 * then be one to be believed (systemd.journal-fields(7)). */

static int match_processes(struct journal_reader *reader, const struct journal_unit *unit)
{
    int r;

    if (!unit->is_user)
        return add_match(reader, "_SYSTEMD_UNIT", unit->name);
    r = add_match(reader, "_SYSTEMD_USER_UNIT", unit->name);
    return r < 0 ? r : add_match_uid(reader, "_UID", unit->uid);
}

static int match_manager(struct journal_reader *reader, const struct journal_unit *unit)
{
    int r = add_match(reader, unit->is_user ? "USER_UNIT" : "UNIT", unit->name);

    if (r < 0)
        return r;
    return unit->is_user ? add_match_uid(reader, "_UID", unit->uid)
                         : add_match(reader, "_PID", "1");
}

static int match_root(struct journal_reader *reader, const struct journal_unit *unit)
{
    int r = add_match(
        reader, unit->is_user ? "OBJECT_SYSTEMD_USER_UNIT" : "OBJECT_SYSTEMD_UNIT", unit->name);

    if (r >= 0 && unit->is_user)
        r = add_match_uid(reader, "OBJECT_UID", unit->uid);
    return r < 0 ? r : add_match_uid(reader, "_UID", 0);
}

int journal_reader_match_unit(struct journal_reader *reader, const struct journal_unit *unit)
{
    int r;

    sd_journal_flush_matches(reader->journal);
    r = match_processes(reader, unit);
    if (r >= 0)
        r = or_match(reader);
    if (r >= 0)
        r = match_manager(reader, unit);
    if (r >= 0)
        r = or_match(reader);
    if (r >= 0)
        r = match_root(reader, unit);
    return r < 0 ? r : 0;
}

int journal_reader_match_identifier(struct journal_reader *reader,
                                    const struct journal_unit *unit, const char *identifier)
{
    int r;

    sd_journal_flush_matches(reader->journal);
    r = match_processes(reader, unit);
    if (r >= 0)
        r = add_match(reader, "SYSLOG_IDENTIFIER", identifier);
    return r < 0 ? r : 0;
}

int journal_reader_seek_end(struct journal_reader *reader)
{
    int r = sd_journal_seek_tail(reader->journal);

    return r < 0 ? r : 0;
}

int journal_reader_seek_begin(struct journal_reader *reader)
{
    int r = sd_journal_seek_head(reader->journal);

    return r < 0 ? r : 0;
}

int journal_reader_seek_time(struct journal_reader *reader, uint64_t since_microseconds)
{
    int r = sd_journal_seek_realtime_usec(reader->journal, since_microseconds);

    return r < 0 ? r : 0;
}

/* The value of a field as a C string in `text`; "" where the entry has no such field. */
static int read_field(struct journal_reader *reader, const char *field, struct text *text)
{
    size_t prefix = strlen(field) + 1; /* what is got begins with "FIELD=" */
    const void *data = NULL;
    size_t size = 0;
    int r = sd_journal_get_data(reader->journal, field, &data, &size);

    text_truncate(text, 0);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return r;
    if (size < prefix)
        return -EBADMSG;
    r = text_append(text, (const char *)data + prefix, size - prefix);
    for (size_t i = 0; r == 0 && i < text->size; i++)
        if (text->data[i] == '\0')
            text->data[i] = '?';
    return r;
}

static int read_entry(struct journal_reader *reader, struct journal_entry *ret_entry)
{
    uint64_t at = 0;
    int r = sd_journal_get_realtime_usec(reader->journal, &at);

    if (r >= 0)
        r = read_field(reader, "MESSAGE", &reader->text);
    if (r >= 0)
        r = read_field(reader, "SYSLOG_IDENTIFIER", &reader->identifier);
    if (r >= 0)
        r = read_field(reader, "_SYSTEMD_CGROUP", &reader->cgroup);
    if (r >= 0)
        r = read_field(reader, "_COMM", &reader->command);
    if (r < 0)
        return r;
    *ret_entry = (struct journal_entry){
        .at_microseconds = at,
        .identifier = text_string(&reader->identifier),
        .cgroup = text_string(&reader->cgroup),
        .command = text_string(&reader->command),
        .text = text_string(&reader->text),
    };
    return 0;
}

/* What says that the entry can't be read, and the ones beside it perhaps can: its file is cut
 * or garbled, or packed as this machine's library does not unpack. */
static bool is_damage(int error)
{
    return error == -EBADMSG || error == -EADDRNOTAVAIL || error == -EPROTONOSUPPORT ||
           error == -EIO || error == -E2BIG;
}

static int move(struct journal_reader *reader, int (*step)(sd_journal *),
                struct journal_entry *ret_entry)
{
    for (;;) {
        int r = step(reader->journal);

        if (r == 0)
            return 1;
        if (r < 0)
            return r;
        r = read_entry(reader, ret_entry);
        if (r == 0 || !is_damage(r))
            return r;
    }
}

int journal_reader_next(struct journal_reader *reader, struct journal_entry *ret_entry)
{
    return move(reader, sd_journal_next, ret_entry);
}

int journal_reader_previous(struct journal_reader *reader, struct journal_entry *ret_entry)
{
    return move(reader, sd_journal_previous, ret_entry);
}

/* Where changes are not told at once (files on a network), sd_journal_get_timeout(3) says when
 * to look. Returns the milliseconds until then, at most `limit_ms`; -1: neither is a limit. */
static int poll_limit(struct journal_reader *reader, int limit_ms)
{
    uint64_t until = UINT64_MAX;
    struct timespec now;
    uint64_t microseconds;
    uint64_t left;

    if (sd_journal_get_timeout(reader->journal, &until) < 0 || until == UINT64_MAX)
        return limit_ms;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    microseconds = (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
    left = until > microseconds ? (until - microseconds + 999) / 1000 : 0;
    return limit_ms >= 0 && (uint64_t)limit_ms < left ? limit_ms
           : left > INT_MAX                           ? INT_MAX
                                                      : (int)left;
}

int journal_reader_wait(struct journal_reader *reader, int hang_up_fd, int timeout_ms)
{
    int fd = sd_journal_get_fd(reader->journal);
    int limit_ms;
    int r;

    if (fd < 0)
        return fd;
    if (!reader->is_watched) {
        /* What came before is not told of. */
        reader->is_watched = true;
        return 0;
    }
    limit_ms = poll_limit(reader, timeout_ms);
    struct pollfd waiting[] = {
        {.fd = fd, .events = (short)sd_journal_get_events(reader->journal)},
        {.fd = hang_up_fd}, /* POLLERR and POLLHUP are told unasked; -1 is passed over */
    };
    r = poll(waiting, 2, limit_ms);
    if (r < 0 && errno != EINTR)
        return error_from_errno();
    if (waiting[1].revents & (POLLERR | POLLHUP | POLLNVAL))
        return JOURNAL_READER_HUNG_UP;
    if (r == 0 && limit_ms == timeout_ms)
        return JOURNAL_READER_TIMEOUT;
    r = sd_journal_process(reader->journal);
    return r < 0 ? r : 0;
}

/* What the files of one folder are to the caller, which has to be "FOLDER/MACHINE". */
static enum journal_access look_into(const char *path)
{
    enum journal_access access = JOURNAL_ACCESS_ABSENT;
    const struct dirent *entry;
    DIR *folder = opendir(path);

    if (!folder)
        return errno == EACCES ? JOURNAL_ACCESS_DENIED : JOURNAL_ACCESS_ABSENT;
    while ((entry = readdir(folder)) != NULL) {
        /* A user's own file is readable, and says nothing of the system's. */
        if (strncmp(entry->d_name, "system", strlen("system")) != 0)
            continue;
        access = faccessat(dirfd(folder), entry->d_name, R_OK, AT_EACCESS) == 0
                     ? JOURNAL_ACCESS_GRANTED
                     : JOURNAL_ACCESS_DENIED;
        if (access == JOURNAL_ACCESS_DENIED)
            break;
    }
    (void)closedir(folder);
    return access;
}

enum journal_access journal_access_look(void)
{
    static const char *const folders[] = {"/run/log/journal", "/var/log/journal"};
    enum journal_access access = JOURNAL_ACCESS_ABSENT;
    char machine[SD_ID128_STRING_MAX];
    sd_id128_t id;

    if (sd_id128_get_machine(&id) < 0)
        return access;
    (void)sd_id128_to_string(id, machine);
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[PATH_MAX];
        enum journal_access found;

        (void)snprintf(path, sizeof(path), "%s/%s", folders[i], machine);
        found = look_into(path);
        if (found == JOURNAL_ACCESS_DENIED)
            return found;
        if (found == JOURNAL_ACCESS_GRANTED)
            access = found;
    }
    return access;
}
