#include "reloadctl/journal_lines.h"

#include "base/error.h"
#include "os/system_journal.h"
#include "os/unit.h"
#include "os/unix_socket.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void app_unit_release(struct app_unit *unit)
{
    if (!unit)
        return;
    free(unit->name);
    *unit = (struct app_unit){0};
}

int app_unit_find(const struct target *target, int fd, struct app_unit *ret_unit)
{
    _cleanup_(app_unit_release) struct app_unit unit = {
        .is_user = geteuid() != 0,
        .uid = geteuid(),
    };
    struct unix_socket_peer peer = {0};

    if (fd >= 0 && unix_socket_read_peer(fd, &peer) == 0 && peer.pid > 0) {
        int r = unit_of_process(peer.pid, &unit.name, &unit.is_user);

        if (r < 0)
            return r;
        unit.uid = peer.uid;
    }
    if (!unit.name && asprintf(&unit.name, "%s.service", target->name) < 0) {
        unit.name = NULL;
        return -ENOMEM;
    }
    *ret_unit = unit;
    unit.name = NULL;
    return 0;
}

/* The number of the worker that the cgroup is of: ".../web.service/worker-12", or a folder that
 * the worker has made below it. Returns false where it is none. */
static bool worker_of_cgroup(const char *cgroup, int64_t *ret_worker)
{
    const char *found = strstr(cgroup, ".service/worker-");
    uint64_t worker;
    int end = 0;

    if (!found || sscanf(found, ".service/worker-%" SCNu64 "%n", &worker, &end) != 1 ||
        (found[end] != '\0' && found[end] != '/') || worker > INT64_MAX)
        return false;
    *ret_worker = (int64_t)worker;
    return true;
}

/* systemd runs ExecReload= and the like in a folder of their own, under the unit's identifier.
 */
static bool is_control_process(const struct journal_entry *entry)
{
    static const char folder[] = "/.control";
    size_t length = strlen(entry->cgroup);

    return length >= strlen(folder) &&
           strcmp(entry->cgroup + length - strlen(folder), folder) == 0;
}

static const char *source_of(const struct line_wish *wish, const struct journal_entry *entry)
{
    if (is_control_process(entry) && entry->command[0] != '\0')
        return entry->command;
    if (entry->identifier[0] == '\0' || strcmp(entry->identifier, wish->app) == 0 ||
        strcmp(entry->identifier, "reloadd") == 0)
        return NULL;
    return entry->identifier;
}

static bool is_number(const struct optional_int *wanted, uint64_t number)
{
    return !wanted->present || (wanted->value >= 0 && (uint64_t)wanted->value == number);
}

bool journal_line_take(const struct line_wish *wish, const struct journal_entry *entry,
                       struct line_view *ret_line)
{
    const struct wall at = {(int64_t)entry->at_microseconds};
    struct line_view line = {.at = wall_to_seconds(at), .text = entry->text};
    struct system_journal_source source;
    int64_t worker;

    if (system_journal_parse(entry->identifier, &source) == 0 &&
        strcmp(source.app, wish->app) == 0) {
        if (!is_number(&wish->slot, source.slot) ||
            !is_number(&wish->revision, source.revision))
            return false;
        line.slot = optional_int(source.slot);
        line.revision = optional_int((int64_t)source.revision);
        line.worker = optional_int((int64_t)source.worker);
    } else if (wish->slot.present || wish->revision.present) {
        return false;
    } else if (worker_of_cgroup(entry->cgroup, &worker)) {
        line.worker = optional_int(worker);
    } else {
        line.source = source_of(wish, entry);
    }
    *ret_line = line;
    return true;
}

/* Goes back over as many wanted lines as there are to be. Returns 0: the reader is at the first
 * of them; 1: it is before it; -errno. */
static int go_back(struct journal_reader *reader, const struct line_wish *wish,
                   struct line_view *ret_line)
{
    int64_t left = wish->lines.value;
    struct journal_entry entry;
    int r = journal_reader_seek_end(reader);

    if (r < 0)
        return r;
    do {
        r = journal_reader_previous(reader, &entry);
        if (r == 0 && (int64_t)entry.at_microseconds < wish->since.microseconds)
            return 1;
        if (r == 0 && left > 0 && journal_line_take(wish, &entry, ret_line) && --left == 0)
            return 0;
    } while (r == 0 && left > 0);
    if (r == 1)
        r = journal_reader_seek_begin(reader);
    return r < 0 ? r : 1;
}

int journal_lines_first(struct journal_reader *reader, const struct line_wish *wish,
                        struct line_view *ret_line)
{
    int r;

    if (wish->lines.present)
        r = go_back(reader, wish, ret_line);
    else
        r = journal_reader_seek_time(reader, (uint64_t)wish->since.microseconds);
    if (r < 0 || (r == 0 && wish->lines.present))
        return r;
    return journal_lines_next(reader, wish, ret_line);
}

int journal_lines_next(struct journal_reader *reader, const struct line_wish *wish,
                       struct line_view *ret_line)
{
    struct journal_entry entry;
    int r;

    do
        r = journal_reader_next(reader, &entry);
    while (r == 0 && !journal_line_take(wish, &entry, ret_line));
    return r;
}
