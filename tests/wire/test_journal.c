#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "wire/document.h"
#include "wire/journal.h"
#include "wire/sample.h"
#include "wire/seal.h"

/* What reading a buffer to its end came to. */
struct reading {
    size_t headers, records, histories;
    enum journal_item_kind last;
    size_t line, offset;
    struct fault fault;
};

static struct reading read_all(const char *data, size_t size)
{
    struct reading reading = {0};
    struct journal_reader reader;

    journal_reader_init(&reader, data, size);
    do {
        _cleanup_(journal_item_release) struct journal_item item = {0};

        assert_int_equal(journal_next(&reader, &item), 0);
        reading.headers += item.kind == JOURNAL_HEADER;
        reading.records += item.kind == JOURNAL_RECORD;
        reading.histories += item.kind == JOURNAL_HISTORY;
        reading.last = item.kind;
        reading.line = item.line;
        reading.offset = item.offset;
        reading.fault = item.fault;
    } while (reading.last < JOURNAL_END);
    return reading;
}

static void add_record(struct text *journal, enum record_kind kind, uint64_t seq)
{
    const struct record record = sample_record(kind);
    const struct record_stamp stamp = sample_stamp(seq);
    _cleanup_free_ char *line = NULL;

    assert_int_equal(
        record_encode(&record, &stamp,
                      kind == RECORD_REVISION_ACCEPTED ? "{\"exec\":[\"a\"]}" : NULL, &line),
        0);
    assert_int_equal(text_append_string(journal, line), 0);
}

static void add_header(struct text *journal, uint64_t seq)
{
    const struct record_stamp stamp = sample_stamp(seq);
    _cleanup_free_ char *line = NULL;

    assert_int_equal(journal_header_encode("web", &stamp, &line), 0);
    assert_int_equal(text_append_string(journal, line), 0);
}

static void add_sealed(struct text *journal, const char *body)
{
    _cleanup_free_ char *line = seal(body);

    assert_int_equal(text_append_string(journal, line), 0);
}

/* A header and three records. */
static struct text small_journal(void)
{
    struct text journal = {0};

    add_header(&journal, 40);
    add_record(&journal, RECORD_REVISION_ACCEPTED, 41);
    add_record(&journal, RECORD_WORKER_STARTED, 42);
    add_record(&journal, RECORD_WORKER_GONE, 43);
    return journal;
}

static void next_of_whole_journal_gives_every_line(void **state)
{
    _cleanup_text_ struct text journal = small_journal();
    struct reading reading = read_all(journal.data, journal.size);

    (void)state;
    assert_int_equal(reading.last, JOURNAL_END);
    assert_int_equal(reading.headers, 1);
    assert_int_equal(reading.records, 3);
    assert_int_equal(reading.offset, journal.size);
}

static void next_of_empty_buffer_is_the_end(void **state)
{
    (void)state;
    assert_int_equal(read_all("", 0).last, JOURNAL_END);
    assert_int_equal(read_all(NULL, 0).last, JOURNAL_END);
}

static void next_of_every_prefix_is_whole_or_torn(void **state)
{
    _cleanup_text_ struct text journal = small_journal();
    size_t line_start = 0;

    (void)state;
    for (size_t size = 0; size <= journal.size; size++) {
        /* A copy of its own, so that a byte too far is seen. */
        _cleanup_free_ char *prefix = malloc(size + 1);
        struct reading reading;

        memcpy(prefix, journal.data, size);
        if (size > 0 && prefix[size - 1] == '\n')
            line_start = size;
        reading = read_all(prefix, size);
        assert_int_equal(reading.last, size == line_start ? JOURNAL_END : JOURNAL_TORN);
        assert_int_equal(reading.offset, line_start);
    }
}

static void next_after_any_flipped_bit_never_takes_the_line(void **state)
{
    _cleanup_text_ struct text journal = small_journal();
    size_t last_line = journal.size;

    (void)state;
    while (journal.data[last_line - 2] != '\n')
        last_line--;
    last_line--;
    for (size_t i = 0; i < journal.size; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            size_t whole_lines = 0;
            struct reading reading;

            for (size_t j = 0; j < i; j++)
                whole_lines += journal.data[j] == '\n';
            journal.data[i] = (char)(journal.data[i] ^ (1 << bit));
            reading = read_all(journal.data, journal.size);
            journal.data[i] = (char)(journal.data[i] ^ (1 << bit));

            /* Just the lines before it are believed. In the last line, or in the newline before
             * it, it looks as if that one was torn, unless what was flipped cut it in two. */
            assert_int_equal(reading.headers + reading.records, whole_lines);
            if (i + 1 < last_line)
                assert_int_equal(reading.last, JOURNAL_DAMAGED);
            else
                assert_true(reading.last == JOURNAL_DAMAGED || reading.last == JOURNAL_TORN);
        }
}

static void next_of_damaged_line_says_where(void **state)
{
    _cleanup_text_ struct text journal = small_journal();
    struct reading reading;
    char *second = strchr(journal.data, '\n') + 1;

    (void)state;
    second[5] = '#';
    reading = read_all(journal.data, journal.size);
    assert_int_equal(reading.last, JOURNAL_DAMAGED);
    assert_int_equal(reading.line, 2);
    assert_int_equal(reading.offset, second - journal.data);
    assert_non_null(strstr(reading.fault.text, "checksum"));
}

static void next_after_the_end_stays_there(void **state)
{
    struct journal_reader reader;
    struct journal_item item;

    (void)state;
    journal_reader_init(&reader, "{", 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(journal_next(&reader, &item), 0);
        assert_int_equal(item.kind, JOURNAL_TORN);
        assert_int_equal(item.offset, 0);
    }
}

static void next_of_lost_or_repeated_line_is_damage(void **state)
{
    static const uint64_t wrong[] = {0, 40, 42, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        _cleanup_text_ struct text journal = {0};
        struct reading reading;

        add_header(&journal, 40);
        add_record(&journal, RECORD_STOPPED, wrong[i]);
        reading = read_all(journal.data, journal.size);
        assert_int_equal(reading.last, JOURNAL_DAMAGED);
        assert_int_equal(reading.records, 0);
        assert_non_null(strstr(reading.fault.text, "follows 40"));
    }
}

static void next_of_record_in_place_of_header_is_damage(void **state)
{
    _cleanup_text_ struct text journal = {0};

    (void)state;
    add_record(&journal, RECORD_STOPPED, 1);
    assert_int_equal(read_all(journal.data, journal.size).last, JOURNAL_DAMAGED);
}

static void next_of_newer_format_is_damage_that_says_so(void **state)
{
    _cleanup_text_ struct text journal = {0};
    struct reading reading;

    (void)state;
    add_sealed(&journal, "{\"format\":2,\"app\":\"web\",\"seq\":1,"
                         "\"time\":\"2026-01-31T23:59:58.000002Z\",\"boot\":\"b\"}");
    reading = read_all(journal.data, journal.size);
    assert_int_equal(reading.last, JOURNAL_DAMAGED);
    assert_string_equal(reading.fault.text, "format 2; this reloadd reads format 1");
}

/* A good checksum is no torn line, even at the end: somebody has written this. */
static void next_of_sealed_nonsense_at_the_end_is_damage(void **state)
{
    _cleanup_text_ struct text journal = {0};

    (void)state;
    add_header(&journal, 1);
    add_sealed(&journal, "{\"seq\":2}");
    assert_int_equal(read_all(journal.data, journal.size).last, JOURNAL_DAMAGED);
}

/* Reads a fixture and writes it again, byte by byte the same. Returns the kinds in it, a bit
 * each. */
static uint32_t rewrite_fixture(const char *path)
{
    _cleanup_free_ char *fixture = read_file(path);
    struct journal_reader reader;
    _cleanup_text_ struct text again = {0};
    uint32_t seen = 0;
    bool more = true;

    journal_reader_init(&reader, fixture, strlen(fixture));
    while (more) {
        _cleanup_(journal_item_release) struct journal_item item = {0};
        _cleanup_free_ char *line = NULL;
        int r = 0;

        assert_int_equal(journal_next(&reader, &item), 0);
        if (item.kind == JOURNAL_HEADER)
            r = journal_header_encode(item.header.app, &item.stamp, &line);
        else if (item.kind == JOURNAL_RECORD)
            r = record_encode(&item.record, &item.stamp, item.spec_text, &line);
        else if (item.kind == JOURNAL_HISTORY)
            r = history_encode(&item.history, &item.stamp, &line);
        else
            more = false;
        assert_int_equal(r, 0);
        if (more)
            assert_int_equal(text_append_string(&again, line), 0);
        else
            assert_int_equal(item.kind, JOURNAL_END);
        if (item.kind == JOURNAL_RECORD)
            seen |= UINT32_C(1) << item.record.kind;
    }
    assert_string_equal(again.data, fixture);
    return seen;
}

/* Format 1 as it was first written, and with what came to it since: it stays readable, and is
 * still written byte by byte so. */
static void next_of_fixtures_reads_and_writes_format_1(void **state)
{
    uint32_t seen = rewrite_fixture(TEST_FIXTURES "/journal/format-1.jsonl");

    (void)state;
    seen |= rewrite_fixture(TEST_FIXTURES "/journal/format-1-adoption.jsonl");
    assert_int_equal(seen, (UINT32_C(1) << RECORD_N) - 1);
}

/* What a line does not say, for it was written before there was such a thing: a worker that was
 * neither asked to go nor expired, a policy that recycles nobody. */
static void next_of_first_fixture_has_nothing_of_what_came_since(void **state)
{
    _cleanup_free_ char *fixture = read_file(TEST_FIXTURES "/journal/format-1.jsonl");
    struct journal_reader reader;
    size_t seen = 0;
    bool more = true;

    (void)state;
    journal_reader_init(&reader, fixture, strlen(fixture));
    while (more) {
        _cleanup_(journal_item_release) struct journal_item item = {0};

        assert_int_equal(journal_next(&reader, &item), 0);
        more = item.kind < JOURNAL_END;
        if (item.kind != JOURNAL_RECORD)
            continue;
        if (item.record.kind == RECORD_SNAPSHOT_WORKER) {
            assert_true(instant_is_never(item.record.expired));
            assert_true(instant_is_never(item.record.asked));
            assert_int_equal(item.record.watchdog.nanoseconds, 0);
            seen++;
        }
        if (item.record.kind == RECORD_REVISION_ACCEPTED) {
            assert_int_equal(item.record.policy.recycle_age.nanoseconds, 0);
            assert_int_equal(item.record.policy.recycle_memory, 0);
            seen++;
        }
    }
    assert_int_equal(seen, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(next_of_whole_journal_gives_every_line),
        cmocka_unit_test(next_of_empty_buffer_is_the_end),
        cmocka_unit_test(next_of_every_prefix_is_whole_or_torn),
        cmocka_unit_test(next_after_any_flipped_bit_never_takes_the_line),
        cmocka_unit_test(next_of_damaged_line_says_where),
        cmocka_unit_test(next_after_the_end_stays_there),
        cmocka_unit_test(next_of_lost_or_repeated_line_is_damage),
        cmocka_unit_test(next_of_record_in_place_of_header_is_damage),
        cmocka_unit_test(next_of_newer_format_is_damage_that_says_so),
        cmocka_unit_test(next_of_sealed_nonsense_at_the_end_is_damage),
        cmocka_unit_test(next_of_fixtures_reads_and_writes_format_1),
        cmocka_unit_test(next_of_first_fixture_has_nothing_of_what_came_since),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
