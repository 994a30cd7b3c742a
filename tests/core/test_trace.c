#include "core/trace.h"
#include "core/update.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void describe_every_cause_in_words(void **state)
{
    static const struct {
        struct reason reason;
        const char *expected;
    } rows[] = {
        {{.cause = CAUSE_NONE}, "no reason"},
        {{CAUSE_EXITED, 1, 12, 0, 3}, "worker 12 (slot 0, revision 3) exited with status 1"},
        {{CAUSE_SIGNALED, SIGSEGV, 12, 0, 3},
         "worker 12 (slot 0, revision 3) was ended by SIGSEGV"},
        {{CAUSE_SIGNALED, 999, 0, 0, 0}, "was ended by SIG?"},
        {{CAUSE_OOM_KILLED, 0, 12, 0, 3},
         "worker 12 (slot 0, revision 3) was ended by the kernel's OOM killer"},
        {{CAUSE_VANISHED, 0, 7, 2, 3},
         "worker 7 (slot 2, revision 3) ended, and its exit status is not known"},
        {{CAUSE_SPAWN_FAILED, 2, 7, 2, 3},
         "worker 7 (slot 2, revision 3) could not be started: No such file or directory"},
        {{CAUSE_SPAWN_FAILED, -5, 0, 0, 0}, "could not be started: unknown error"},
        {{CAUSE_NOT_READY, 0, 7, 2, 3}, "worker 7 (slot 2, revision 3) was not ready in time"},
        {{CAUSE_WATCHDOG, 0, 7, 2, 3}, "worker 7 (slot 2, revision 3) missed its watchdog"},
        {{.cause = CAUSE_NO_PROGRESS}, "no progress within progress_deadline_seconds"},
        {{.cause = CAUSE_SUPERSEDED, .revision = 4}, "superseded by revision 4"},
        {{.cause = CAUSE_BUSY, .revision = 4}, "the rollout of revision 4 is under way"},
        {{.cause = CAUSE_STOPPED}, "the app was stopped"},
        {{.cause = CAUSE_JOURNAL}, "the state journal can't be written"},
        {{.cause = CAUSE_PRIMARY}, "the primary ended before the rollout did"},
        {{CAUSE_PRIMARY, 0, 7, 2, 3},
         "worker 7 (slot 2, revision 3) was being started when the primary ended"},
        {{CAUSE_AGE, 0, 7, 2, 3},
         "worker 7 (slot 2, revision 3) is as old as recycle.max_age_seconds allows"},
        {{CAUSE_MEMORY, 0, 7, 2, 3},
         "worker 7 (slot 2, revision 3) uses more than recycle.memory_bytes"},
        {{CAUSE_UNHEALTHY, 500, 7, 2, 3},
         "worker 7 (slot 2, revision 3) failed its probe: answered 500"},
        {{CAUSE_UNANSWERED, 110, 7, 2, 3},
         "worker 7 (slot 2, revision 3) failed its probe: no answer in time"},
        {{CAUSE_UNANSWERED, 111, 0, 0, 0}, "failed its probe: Connection refused"},
        {{.cause = CAUSE_N}, "unknown reason"},
    };
    char text[256];

    (void)state;
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), CAUSE_N + 5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(reason_describe(&rows[i].reason, text, sizeof(text)),
                            rows[i].expected);
}

static void describe_record_too_long_is_cut_and_terminated(void **state)
{
    static const struct record record = {
        .kind = RECORD_WORKER_GONE, .worker = 12, .reason = {CAUSE_EXITED, 1, 12, 0, 3}};
    char whole[256];

    (void)state;
    (void)record_describe(&record, whole, sizeof(whole));
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        char text[256];

        memset(text, 'x', sizeof(text));
        (void)record_describe(&record, text, size);
        assert_int_equal(strlen(text), size - 1);
        assert_memory_equal(text, whole, size - 1);
        assert_int_equal(text[size], 'x');
    }
}

static void describe_every_record_says_something(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RECORD_N; i++) {
        struct record record = {.kind = (enum record_kind)i};
        char text[256];

        assert_int_not_equal(strlen(record_describe(&record, text, sizeof(text))), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describe_every_cause_in_words),
        cmocka_unit_test(describe_record_too_long_is_cut_and_terminated),
        cmocka_unit_test(describe_every_record_says_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
