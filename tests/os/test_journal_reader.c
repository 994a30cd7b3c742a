/* What needs no journal, or none that is whole; tests/reloadctl/test_logs.py reads real ones.
 */
#include "os/scratch.h"

#include "os/journal_reader.h"

#include <errno.h>

static const struct journal_unit unit = {.name = "web.service"};

static void write_file(void **state, const char *name, const char *text, size_t size)
{
    char path[PATH_MAX];
    int fd = open(scratch_path(state, name, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_true(write(fd, text, size) == (ssize_t)size);
    (void)close(fd);
}

static struct journal_reader *open_scratch(void **state)
{
    struct journal_reader *reader = NULL;

    assert_int_equal(journal_reader_open(*state, &reader), 0);
    return reader;
}

static void open_without_a_folder_says_so(void **state)
{
    struct journal_reader *reader = NULL;
    char path[PATH_MAX];

    assert_int_equal(journal_reader_open(scratch_path(state, "none", path), &reader), -ENOENT);
    write_file(state, "file", "", 0);
    assert_int_equal(journal_reader_open(scratch_path(state, "file", path), &reader), -ENOTDIR);
    assert_null(reader);
    journal_reader_free(reader);
}

static void read_of_an_empty_folder_ends_at_once(void **state)
{
    _cleanup_journal_reader_ struct journal_reader *reader = open_scratch(state);
    struct journal_entry entry;

    assert_int_equal(journal_reader_match_unit(reader, &unit), 0);
    assert_int_equal(journal_reader_seek_end(reader), 0);
    assert_int_equal(journal_reader_previous(reader, &entry), 1);
    assert_int_equal(journal_reader_seek_begin(reader), 0);
    assert_int_equal(journal_reader_next(reader, &entry), 1);
    assert_int_equal(journal_reader_match_identifier(reader, &unit, "web-r1-w1-s0"), 0);
    assert_int_equal(journal_reader_seek_time(reader, 1), 0);
    assert_int_equal(journal_reader_next(reader, &entry), 1);
}

static void read_of_garbage_ends_at_once(void **state)
{
    static const char garbage[5000] = "LPKSHHRH and nothing that follows from it";
    struct journal_entry entry;

    write_file(state, "system.journal", garbage, sizeof(garbage));
    write_file(state, "system@0-0.journal", "", 0);
    _cleanup_journal_reader_ struct journal_reader *reader = open_scratch(state);
    assert_int_equal(journal_reader_match_unit(reader, &unit), 0);
    assert_int_equal(journal_reader_seek_end(reader), 0);
    assert_int_equal(journal_reader_previous(reader, &entry), 1);
}

static void match_of_a_user_unit_is_taken(void **state)
{
    const struct journal_unit own = {"web.service", .is_user = true, .uid = 4294967294u};
    _cleanup_journal_reader_ struct journal_reader *reader = open_scratch(state);
    struct journal_entry entry;

    assert_int_equal(journal_reader_match_unit(reader, &own), 0);
    assert_int_equal(journal_reader_seek_begin(reader), 0);
    assert_int_equal(journal_reader_next(reader, &entry), 1);
}

static void wait_ends_by_time_by_news_and_by_a_hang_up(void **state)
{
    _cleanup_journal_reader_ struct journal_reader *reader = open_scratch(state);
    char path[PATH_MAX];
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    /* The first time it only begins to watch. */
    assert_int_equal(journal_reader_wait(reader, ends[1], -1), 0);
    assert_int_equal(journal_reader_wait(reader, ends[1], 0), JOURNAL_READER_TIMEOUT);
    assert_int_equal(journal_reader_wait(reader, -1, 1), JOURNAL_READER_TIMEOUT);
    write_file(state, "system.journal", "", 0);
    assert_int_equal(journal_reader_wait(reader, ends[1], -1), 0);
    (void)unlink(scratch_path(state, "system.journal", path));
    ends[0] = close_fd(ends[0]);
    assert_int_equal(journal_reader_wait(reader, ends[1], -1), JOURNAL_READER_HUNG_UP);
    (void)close(ends[1]);
}

static void access_is_told_of_any_machine(void **state)
{
    enum journal_access access = journal_access_look();

    (void)state;
    assert_in_range(access, JOURNAL_ACCESS_ABSENT, JOURNAL_ACCESS_GRANTED);
    if (geteuid() == 0)
        assert_int_not_equal(access, JOURNAL_ACCESS_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(open_without_a_folder_says_so),
        scratch_test(read_of_an_empty_folder_ends_at_once),
        scratch_test(read_of_garbage_ends_at_once),
        scratch_test(match_of_a_user_unit_is_taken),
        scratch_test(wait_ends_by_time_by_news_and_by_a_hang_up),
        cmocka_unit_test(access_is_told_of_any_machine),
    };

    return run_os_tests(tests);
}
