#include "reloadctl/last_words.h"

#include "os/system_journal.h"
#include "os/unix_socket.h"
#include "reloadctl/clock.h"
#include "reloadctl/complain.h"
#include "reloadctl/journal_lines.h"
#include "wire/strings.h"

#include <string.h>

static const struct span sync_limit = {1000000000u};

enum {
    LAST_LINES_MAX = 10,
};

/* Has journald take in all that was written to it: the worker's last words may still be on
 * their way while its death is already told. Only root may ask for that (journalctl(1) --sync
 * does it so); others read what is there. */
static void sync_journal(void)
{
    static const char path[] = "/run/systemd/journal/io.systemd.journal";
    static const char call[] =
        "{\"method\":\"io.systemd.Journal.Synchronize\",\"parameters\":{}}";
    _cleanup_(client_release) struct client client = {0};
    const struct instant deadline = instant_plus(clock_now(), sync_limit);
    const char *reply;
    size_t size;
    int fd;

    if (unix_socket_connect(path, sync_limit, &fd) != 0)
        return;
    client_init_take(&client, fd);
    if (client_send(&client, call, deadline) == 0)
        (void)client_receive(&client, deadline, &reply, &size);
}

/* The newest of the reader's entries, oldest first. *ret_lines is the caller's (strings_free).
 * Returns 0 or -errno. */
static int read_newest(struct journal_reader *reader, char ***ret_lines)
{
    _cleanup_strings_ char **lines = calloc(LAST_LINES_MAX + 1, sizeof(*lines));
    struct journal_entry entry;
    size_t n = 0;
    int r;

    if (!lines)
        return -ENOMEM;
    r = journal_reader_seek_end(reader);
    while (r == 0 && n < LAST_LINES_MAX) {
        r = journal_reader_previous(reader, &entry);
        if (r != 0)
            break;
        memmove(lines + 1, lines, n * sizeof(*lines));
        lines[0] = strdup(entry.text);
        if (!lines[0]) {
            /* What comes after a NULL would not be freed. */
            memmove(lines, lines + 1, n * sizeof(*lines));
            lines[n] = NULL;
            return -ENOMEM;
        }
        n++;
    }
    if (r < 0)
        return r;
    *ret_lines = take_ptr(lines);
    return 0;
}

/* Whether the primary knows which worker it was, and none of its lines. */
static bool lacks_lines(const struct failure_view *failure)
{
    return failure->line_n == 0 && failure->worker.present && failure->revision.present &&
           failure->slot.present;
}

static int read_lines(const struct conversation *talk, const struct failure_view *failure,
                      char ***ret_lines)
{
    _cleanup_journal_reader_ struct journal_reader *reader = NULL;
    _cleanup_(app_unit_release) struct app_unit unit = {0};
    char identifier[SYSTEM_JOURNAL_IDENTIFIER_SIZE];
    int fd = talk->client.fd > 0 ? talk->client.fd : -1;
    int r = app_unit_find(&talk->target, fd, &unit);

    if (r < 0)
        return r;
    system_journal_identifier(talk->target.name, (uint64_t)failure->revision.value,
                              (uint64_t)failure->worker.value, (uint32_t)failure->slot.value,
                              identifier);
    r = journal_reader_open(NULL, &reader);
    if (r == 0)
        r = journal_reader_match_identifier(
            reader, &(struct journal_unit){unit.name, unit.is_user, unit.uid}, identifier);
    return r == 0 ? read_newest(reader, ret_lines) : r;
}

void last_words_complain(const struct conversation *talk, const struct failure_view *failure)
{
    _cleanup_strings_ char **lines = NULL;

    for (size_t i = 0; i < failure->line_n; i++)
        complain_line("  | ", failure->lines[i]);
    if (!lacks_lines(failure))
        return;
    sync_journal();
    if (read_lines(talk, failure, &lines) < 0)
        return;
    for (size_t i = 0; lines[i]; i++)
        complain_line("  | ", lines[i]);
}

void last_words_release(struct last_words *words)
{
    if (!words)
        return;
    for (size_t i = 0; words->lines && i < words->n; i++)
        strings_free(words->lines[i]);
    free(words->lines);
    free(words->failures);
    free(words->slots);
    *words = (struct last_words){0};
}

void last_words_fill(const struct conversation *talk, struct app_view *app,
                     struct last_words *words)
{
    *words = (struct last_words){
        .slots = calloc(app->slot_n + 1, sizeof(*words->slots)),
        .failures = calloc(app->slot_n + 1, sizeof(*words->failures)),
        .lines = calloc(app->slot_n + 1, sizeof(*words->lines)),
        .n = app->slot_n,
    };
    if (!app->survives || !words->slots || !words->failures || !words->lines)
        return;
    for (size_t i = 0; i < app->slot_n; i++) {
        const struct failure_view *last = app->slots[i].last;

        words->slots[i] = app->slots[i];
        if (!last || !lacks_lines(last) || read_lines(talk, last, &words->lines[i]) < 0)
            continue;
        words->failures[i] = *last;
        words->failures[i].lines = (const char *const *)words->lines[i];
        words->failures[i].line_n = strings_count((const char *const *)words->lines[i]);
        words->slots[i].last = &words->failures[i];
    }
    app->slots = words->slots;
}
