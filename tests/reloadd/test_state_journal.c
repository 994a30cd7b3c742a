#include "diary.h"
#include "wire/seal.h"

#include "base/error.h"
#include "os/text_file.h"

#include <dirent.h>
#include <sys/resource.h>

enum { LINES_MAX = 200 };

/* As scratch_test(), in memory: thousands of journals are synced. */
static int memory_setup(void **state)
{
    char template[] = "/dev/shm/reloadd-test-XXXXXX";

    if (mkdtemp(template) == NULL)
        return scratch_setup(state);
    *state = strdup(template);
    return *state != NULL ? 0 : -1;
}

#define memory_test(f) cmocka_unit_test_setup_teardown(f, memory_setup, scratch_teardown)

/* A journal with some life in it, its lines, and the state that each line ends with. */
struct sample {
    char *text;
    size_t size;
    size_t line_n;
    size_t ends[LINES_MAX]; /* offset behind the newline */
    char *pictures[LINES_MAX];
};

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* A whole file, with a NUL behind it; the caller's. */
static char *read_whole(const char *path)
{
    char *text = NULL;
    size_t size;

    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 16 << 20, &text, &size), 0);
    return text;
}

static size_t size_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return (size_t)status.st_size;
}

static void live(struct diary *diary)
{
    diary_boot(diary, "v1");
    diary_reload(diary, "v2", false);
    diary_reload(diary, "bad", true);
    diary_step(diary, (struct event){.kind = EVENT_SCALE, .workers = 3});
    diary_pump(diary);
    diary_reload(diary, NULL, false);
}

static void sample_lines(struct sample *sample)
{
    for (size_t i = 0; i < sample->size; i++)
        if (sample->text[i] == '\n') {
            assert_true(sample->line_n < LINES_MAX);
            sample->ends[sample->line_n++] = i + 1;
        }
}

/* Opens the first `size` bytes of the sample as a journal. */
static void open_prefix(struct diary *diary, const struct sample *sample, size_t size,
                        const char *path)
{
    write_file(path, sample->text, size);
    assert_int_equal(diary_open(diary, path), 0);
}

static void sample_make(struct sample *sample, void **state, bool compacted)
{
    struct diary diary;
    char path[PATH_MAX];

    scratch_path(state, "sample.jsonl", path);
    diary_init(&diary);
    assert_int_equal(diary_open(&diary, path), 0);
    live(&diary);
    if (compacted) {
        assert_int_equal(state_journal_compact(diary.journal, diary.rollout, &diary.revisions,
                                               (struct instant){diary.clock}, diary.update),
                         0);
        diary_reload(&diary, "after", false);
    }
    *sample = (struct sample){.text = read_whole(path), .size = size_of(path)};
    diary_close(&diary);
    sample_lines(sample);
    for (size_t i = 0; i < sample->line_n; i++) {
        open_prefix(&diary, sample, sample->ends[i], path);
        sample->pictures[i] = diary_picture(&diary);
        diary_close(&diary);
    }
    diary_release(&diary);
}

static void sample_release(struct sample *sample)
{
    free(sample->text);
    for (size_t i = 0; i < sample->line_n; i++)
        free(sample->pictures[i]);
}

/* Line by line, so that a failure shows the line. */
static void assert_picture(struct diary *diary, const char *wanted)
{
    _cleanup_free_ char *picture = diary_picture(diary);
    _cleanup_free_ char *copy = strdup(wanted);
    char *rest = picture;
    char *wanted_rest = copy;
    const char *line;

    assert_non_null(copy);
    while ((line = strsep(&rest, "\n")) != NULL) {
        const char *wanted_line = strsep(&wanted_rest, "\n");

        assert_non_null(wanted_line);
        assert_string_equal(line, wanted_line);
    }
    assert_null(wanted_rest);
}

/* Closes it, opens it again, and finds all of it. */
static void assert_reopens_equal(struct diary *diary, const char *path)
{
    _cleanup_free_ char *before = diary_picture(diary);

    diary_close(diary);
    assert_int_equal(diary_open(diary, path), 0);
    assert_int_equal(diary->recovery.torn_bytes, 0);
    assert_string_equal(diary->recovery.damage, "");
    assert_picture(diary, before);
}

static void open_without_file_begins_empty(void **state)
{
    struct diary diary;
    char path[PATH_MAX];

    diary_init(&diary);
    assert_int_equal(diary_open(&diary, scratch_path(state, "journal", path)), 0);
    assert_int_equal(diary.recovery.records, 0);
    assert_int_equal(diary.rollout->last_revision, 0);
    assert_null(state_journal_trouble(diary.journal));
    assert_reopens_equal(&diary, path);
    diary_release(&diary);
}

static void open_after_a_life_finds_it_whole(void **state)
{
    struct diary diary;
    char path[PATH_MAX];

    diary_init(&diary);
    assert_int_equal(diary_open(&diary, scratch_path(state, "journal", path)), 0);
    live(&diary);
    assert_int_equal(diary.rollout->stable, 4);
    assert_int_equal(diary.rollout->scale, 3);
    assert_reopens_equal(&diary, path);
    assert_int_equal(revisions_find(&diary.revisions, 3)->history.outcome, OUTCOME_FAILED);
    assert_int_equal(revisions_find(&diary.revisions, 3)->history.reason.code, 3);
    assert_string_equal(revisions_find(&diary.revisions, 2)->history.release, "v2");
    diary_release(&diary);
}

/* Each prefix is a journal whose last line was being written: it is cut to whole lines, has the
 * state of these, and a primary goes on with it. */
static void check_every_prefix(void **state, const struct sample *sample, size_t from)
{
    struct diary diary;
    char path[PATH_MAX];
    size_t line = 0; /* whole lines in the prefix */

    scratch_path(state, "journal", path);
    diary_init(&diary);
    while (from > sample->ends[line])
        line++;
    for (size_t size = from; size <= sample->size; size++) {
        size_t whole;

        if (size >= sample->ends[line] && line + 1 < sample->line_n)
            line++;
        whole = size == sample->size ? sample->size : line == 0 ? 0 : sample->ends[line - 1];
        open_prefix(&diary, sample, size, path);
        assert_int_equal(diary.recovery.torn_bytes, size - whole);
        assert_string_equal(diary.recovery.damage, "");
        if (whole > 0) {
            assert_int_equal(size_of(path), whole);
            assert_picture(
                &diary, sample->pictures[size == sample->size ? sample->line_n - 1 : line - 1]);
        }
        if (size == whole || size == from) {
            diary_boot(&diary, "next");
            assert_int_equal(diary.rollout->state, ROLLOUT_STEADY);
            assert_reopens_equal(&diary, path);
        }
        diary_close(&diary);
    }
    diary_release(&diary);
}

static void open_cut_at_every_byte_recovers(void **state)
{
    struct sample sample;

    sample_make(&sample, state, false);
    check_every_prefix(state, &sample, 1);
    sample_release(&sample);
}

/* Behind the snapshot's first record. */
static size_t snapshot_end(const struct sample *sample)
{
    const char *snapshot = strstr(sample->text, "\"event\":\"snapshot\"");

    assert_non_null(snapshot);
    return (size_t)(strchr(snapshot, '\n') + 1 - sample->text);
}

static void open_compacted_cut_at_every_byte_recovers(void **state)
{
    struct sample sample;

    sample_make(&sample, state, true);
    check_every_prefix(state, &sample, snapshot_end(&sample));
    sample_release(&sample);
}

/* A snapshot is written whole or not at all, so its lack is damage; no number is used again. */
static void open_without_the_snapshot_after_history_sets_aside(void **state)
{
    struct sample sample;
    struct diary diary;
    char path[PATH_MAX];
    char aside[2 * PATH_MAX];

    scratch_path(state, "journal", path);
    sample_make(&sample, state, true);
    diary_init(&diary);
    for (size_t size = sample.ends[1]; size < snapshot_end(&sample); size++) {
        uint64_t newest;

        open_prefix(&diary, &sample, size, path);
        newest = diary.revisions.items[diary.revisions.n - 1].history.revision;
        assert_non_null(strstr(diary.recovery.damage, "the snapshot is missing"));
        assert_string_not_equal(diary.recovery.aside, "");
        assert_int_equal(diary_accept(&diary, "next", 2), newest + 1);
        diary_close(&diary);
        assert_int_equal(unlink(path), 0);
        (void)snprintf(aside, sizeof(aside), "%s/%s", (const char *)*state,
                       diary.recovery.aside);
        assert_int_equal(unlink(aside), 0);
    }
    diary_release(&diary);
    sample_release(&sample);
}

/* The damaged journal is told of, kept beside, and what stood before the damage goes on. */
static void assert_damage(struct diary *diary, const struct sample *sample, size_t line,
                          size_t position, const char *folder)
{
    size_t start = line == 0 ? 0 : sample->ends[line - 1];
    char where[64];
    char aside[PATH_MAX];
    _cleanup_free_ char *kept = NULL;

    (void)snprintf(where, sizeof(where), "line %zu (byte %zu): ", line + 1, start);
    assert_memory_equal(diary->recovery.damage, where, strlen(where));
    assert_non_null(state_journal_trouble(diary->journal));
    (void)snprintf(aside, sizeof(aside), "%s/%s", folder, diary->recovery.aside);
    assert_int_equal(size_of(aside), sample->size);
    kept = read_whole(aside);
    assert_int_equal(kept[position], sample->text[position]);
    assert_int_equal(unlink(aside), 0);
    if (line > 0)
        assert_picture(diary, sample->pictures[line - 1]);
    else
        assert_int_equal(diary->rollout->last_revision, 0);
}

static void check_flip(struct diary *diary, const struct sample *sample, size_t line,
                       size_t position, void **state)
{
    size_t last = sample->ends[sample->line_n - 2]; /* where the last line begins */
    char path[PATH_MAX];

    open_prefix(diary, sample, sample->size, scratch_path(state, "journal", path));
    if (position < last - 1) {
        assert_damage(diary, sample, line, position, *state);
    } else {
        /* Of the last line, or the newline before it: nobody can tell it from a torn one. */
        size_t from = position == last - 1 ? sample->ends[sample->line_n - 3] : last;

        assert_int_equal(diary->recovery.torn_bytes, sample->size - from);
        assert_int_equal(size_of(path), from);
    }
    if (position == (line == 0 ? 0 : sample->ends[line - 1]) + 5) {
        diary_boot(diary, "next");
        assert_int_equal(state_journal_compact(diary->journal, diary->rollout,
                                               &diary->revisions, (struct instant){1},
                                               diary->update),
                         0);
        assert_null(state_journal_trouble(diary->journal));
        diary_reload(diary, "and on", false);
        assert_reopens_equal(diary, path);
    }
    diary_close(diary);
}

static void check_every_flip(void **state, struct sample *sample)
{
    struct diary diary;
    size_t line = 0;

    diary_init(&diary);
    for (size_t position = 0; position < sample->size; position++) {
        char whole = sample->text[position];

        if (position == sample->ends[line])
            line++;
        sample->text[position] = (char)(whole ^ 1);
        check_flip(&diary, sample, line, position, state);
        sample->text[position] = whole;
    }
    diary_release(&diary);
}

static void open_flipped_at_every_byte_sets_aside(void **state)
{
    struct sample sample;

    sample_make(&sample, state, true);
    check_every_flip(state, &sample);
    sample_release(&sample);
}

static void open_of_another_app_is_refused(void **state)
{
    struct diary diary;
    char path[PATH_MAX];
    _cleanup_free_ char *before = NULL;
    _cleanup_free_ char *after = NULL;

    diary_init(&diary);
    assert_int_equal(diary_open(&diary, scratch_path(state, "journal", path)), 0);
    live(&diary);
    diary_close(&diary);
    before = read_whole(path);
    assert_int_equal(state_journal_open(path, "shop", diary.rollout, &diary.revisions,
                                        &diary.journal, &diary.recovery),
                     1);
    assert_non_null(strstr(diary.recovery.damage, "\"web\""));
    after = read_whole(path);
    assert_string_equal(before, after);
    diary_release(&diary);
}

static void open_of_a_newer_format_is_refused(void **state)
{
    struct diary diary;
    char path[PATH_MAX];
    _cleanup_free_ char *line =
        seal("{\"format\":2,\"app\":\"web\",\"seq\":1,\"time\":\"2026-01-31T23:59:58.000002Z\","
             "\"boot\":\"0f0e0d0c-0b0a-4908-8706-050403020100\"}");
    _cleanup_free_ char *both = NULL;
    _cleanup_free_ char *after = NULL;

    diary_init(&diary);
    assert_true(asprintf(&both, "%s%s", line, "{\"what\":\"nobody knows\"}\n") > 0);
    write_file(scratch_path(state, "journal", path), both, strlen(both));
    assert_int_equal(diary_open(&diary, path), 1);
    assert_non_null(strstr(diary.recovery.damage, "format 2"));
    assert_string_equal(diary.recovery.aside, "");
    after = read_whole(path);
    assert_string_equal(both, after);
    diary_release(&diary);
}

static void compact_round_trip_is_equal(void **state)
{
    struct diary diary;
    char path[PATH_MAX];
    _cleanup_free_ char *before = NULL;
    size_t long_size;

    diary_init(&diary);
    assert_int_equal(diary_open(&diary, scratch_path(state, "journal", path)), 0);
    live(&diary);
    for (int i = 0; i < 20; i++)
        diary_reload(&diary, "again", false);
    before = diary_picture(&diary);
    long_size = size_of(path);
    assert_int_equal(state_journal_compact(diary.journal, diary.rollout, &diary.revisions,
                                           (struct instant){diary.clock}, diary.update),
                     0);
    assert_true(size_of(path) < long_size);
    assert_reopens_equal(&diary, path);
    assert_picture(&diary, before);
    diary_release(&diary);
}

static void limit_file_size(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit stands for the full disk: write(2) takes a part, then nothing. */
static void append_on_a_full_disk_is_behind_until_compacted(void **state)
{
    struct diary diary;
    char path[PATH_MAX];
    size_t size;

    (void)signal(SIGXFSZ, SIG_IGN);
    diary_init(&diary);
    assert_int_equal(diary_open(&diary, scratch_path(state, "journal", path)), 0);
    live(&diary);
    size = size_of(path);
    limit_file_size(size + 30);
    diary_reload(&diary, "unheard", false);
    assert_non_null(state_journal_trouble(diary.journal));
    assert_int_equal(size_of(path), size);
    assert_true(state_journal_sync(diary.journal) < 0);

    limit_file_size(RLIM_INFINITY);
    diary_reload(&diary, "unheard, too", false); /* would leave a gap before it */
    assert_int_equal(size_of(path), size);
    limit_file_size(64);
    assert_int_equal(state_journal_compact(diary.journal, diary.rollout, &diary.revisions,
                                           (struct instant){1}, diary.update),
                     -EFBIG);
    limit_file_size(RLIM_INFINITY);
    assert_int_equal(size_of(path), size);
    assert_non_null(state_journal_trouble(diary.journal));
    assert_int_equal(state_journal_compact(diary.journal, diary.rollout, &diary.revisions,
                                           (struct instant){1}, diary.update),
                     0);
    assert_null(state_journal_trouble(diary.journal));
    diary_reload(&diary, "heard", false);
    assert_reopens_equal(&diary, path);
    assert_int_equal(diary.rollout->stable, 7);
    diary_release(&diary);
}

static void is_long_asks_for_a_snapshot_and_is_content_after_it(void **state)
{
    struct diary diary;
    char path[PATH_MAX];

    diary_init(&diary);
    assert_int_equal(diary_open(&diary, scratch_path(state, "journal", path)), 0);
    diary_boot(&diary, "v1");
    assert_false(state_journal_is_long(diary.journal));
    while (size_of(path) <= 512 * 1024) {
        assert_false(state_journal_is_long(diary.journal));
        diary_reload(&diary, "more", false);
    }
    assert_true(state_journal_is_long(diary.journal));
    assert_int_equal(state_journal_compact(diary.journal, diary.rollout, &diary.revisions,
                                           (struct instant){1}, diary.update),
                     0);
    assert_false(state_journal_is_long(diary.journal));
    diary_release(&diary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(open_without_file_begins_empty),
        scratch_test(open_after_a_life_finds_it_whole),
        memory_test(open_cut_at_every_byte_recovers),
        memory_test(open_compacted_cut_at_every_byte_recovers),
        memory_test(open_without_the_snapshot_after_history_sets_aside),
        memory_test(open_flipped_at_every_byte_sets_aside),
        scratch_test(open_of_another_app_is_refused),
        scratch_test(open_of_a_newer_format_is_refused),
        scratch_test(compact_round_trip_is_equal),
        scratch_test(append_on_a_full_disk_is_behind_until_compacted),
        scratch_test(is_long_asks_for_a_snapshot_and_is_content_after_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
