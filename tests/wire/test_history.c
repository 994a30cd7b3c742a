#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "wire/allocation.h"
#include "wire/history.h"
#include "wire/sample.h"
#include "wire/seal.h"

static char program[] = "node", script[] = "app.js", release[] = "v7";
static char directory[] = "/srv/web/7", executable[] = "/usr/bin/node";
static char *exec[] = {program, script, NULL};

static struct history_entry sample_entry(void)
{
    return (struct history_entry){
        .revision = 7,
        .release = release,
        .accepted = {INT64_C(1769903998000001)},
        .ended = {INT64_C(1769904000500000)},
        .outcome = OUTCOME_FAILED,
        .reason = {CAUSE_EXITED, 1, 12, 0, 7},
        .exec = exec,
        .working_directory = directory,
        .executable = executable,
    };
}

static void assert_same_entry(const struct history_entry *a, const struct history_entry *b)
{
    assert_true(a->revision == b->revision);
    assert_int_equal(a->release != NULL, b->release != NULL);
    if (a->release)
        assert_string_equal(a->release, b->release);
    assert_true(a->accepted.microseconds == b->accepted.microseconds);
    assert_true(a->ended.microseconds == b->ended.microseconds);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->reason.cause, b->reason.cause);
    assert_int_equal(a->reason.code, b->reason.code);
    for (size_t i = 0; a->exec[i]; i++)
        assert_string_equal(a->exec[i], b->exec[i]);
    assert_string_equal(a->working_directory, b->working_directory);
    assert_string_equal(a->executable, b->executable);
}

static void check_round_trip(const struct history_entry *entry)
{
    const struct record_stamp stamp = sample_stamp(9);
    _cleanup_free_ char *line = NULL;
    _cleanup_(history_entry_release) struct history_entry again = {0};
    struct record_stamp stamp_again;

    assert_int_equal(history_encode(entry, &stamp, &line), 0);
    assert_int_equal(history_decode(line, strlen(line), &again, &stamp_again, NULL), 0);
    assert_same_entry(entry, &again);
    assert_true(stamp_again.seq == 9);
}

static void decode_encoded_entry_gives_it_back(void **state)
{
    const struct history_entry entry = sample_entry();

    (void)state;
    check_round_trip(&entry);
}

static void decode_encoded_entry_without_release_and_end_gives_it_back(void **state)
{
    struct history_entry entry = sample_entry();

    (void)state;
    entry.release = NULL;
    entry.ended = (struct wall){0};
    entry.outcome = OUTCOME_NONE;
    entry.reason = (struct reason){0};
    check_round_trip(&entry);
}

static void decode_of_a_record_is_refused(void **state)
{
    const struct record record = sample_record(RECORD_STOPPED);
    const struct record_stamp stamp = sample_stamp(1);
    _cleanup_free_ char *line = NULL;
    struct history_entry entry;
    struct record_stamp stamp_again;
    struct fault fault;

    (void)state;
    assert_int_equal(record_encode(&record, &stamp, NULL, &line), 0);
    assert_int_equal(history_decode(line, strlen(line), &entry, &stamp_again, &fault), 1);
    assert_non_null(strstr(fault.text, "\"event\""));
}

static void decode_of_wrong_exec_is_refused(void **state)
{
    _cleanup_free_ char *line = seal(
        "{\"seq\":1,\"time\":\"2026-01-31T23:59:58.000002Z\",\"boot\":\"b\","
        "\"event\":\"history\",\"revision\":1,\"accepted\":\"2026-01-31T23:59:58.000002Z\","
        "\"outcome\":\"complete\",\"reason\":{\"cause\":\"none\"},\"exec\":[\"a\",7],"
        "\"working_directory\":\"/\",\"executable\":\"/a\"}");
    struct history_entry entry;
    struct record_stamp stamp;
    struct fault fault;

    (void)state;
    assert_int_equal(history_decode(line, strlen(line), &entry, &stamp, &fault), 1);
    assert_non_null(strstr(fault.text, "\"exec\""));
}

static void encode_without_memory_says_so(void **state)
{
    const struct history_entry entry = sample_entry();
    const struct record_stamp stamp = sample_stamp(9);
    _cleanup_free_ char *line = NULL;
    int r = -ENOMEM;

    (void)state;
    for (unsigned n = 1; r != 0 && n < 1000; n++) {
        allocation_fail_at(n);
        r = history_encode(&entry, &stamp, &line);
        allocation_fail_at(0);
        assert_true(r == 0 || r == -ENOMEM);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_encoded_entry_gives_it_back),
        cmocka_unit_test(decode_encoded_entry_without_release_and_end_gives_it_back),
        cmocka_unit_test(decode_of_a_record_is_refused),
        cmocka_unit_test(decode_of_wrong_exec_is_refused),
        cmocka_unit_test(encode_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
