#include "diary.h"

#include "base/error.h"

static void pin(struct revisions *revisions, uint64_t revision, const char *release)
{
    struct spec spec = diary_spec(release, 2);
    char *text = NULL;

    assert_int_equal(spec_encode(&spec, &text), 0);
    assert_int_equal(
        revisions_pin_take(revisions, revision, (struct wall){(int64_t)revision}, &spec, &text),
        0);
    assert_null(text);
    assert_null(spec.exec);
}

static void pin_adds_spec_and_history(void **state)
{
    struct revisions revisions = {0};
    const struct revision_entry *entry;

    (void)state;
    pin(&revisions, 3, "v3");
    pin(&revisions, 4, NULL);
    entry = revisions_find(&revisions, 3);
    assert_true(entry->pinned);
    assert_string_equal(entry->history.release, "v3");
    assert_string_equal(entry->history.exec[1], "--quick");
    assert_string_equal(entry->history.executable, "/usr/bin/server");
    assert_string_equal(entry->history.working_directory, "/srv");
    assert_int_equal(entry->history.accepted.microseconds, 3);
    assert_null(revisions_find(&revisions, 4)->history.release);
    assert_null(revisions_find(&revisions, 5));
    revisions_release(&revisions);
}

static void forget_keeps_history_alone(void **state)
{
    struct revisions revisions = {0};

    (void)state;
    pin(&revisions, 1, "v1");
    revisions_forget(&revisions, 1);
    revisions_forget(&revisions, 2);
    assert_false(revisions_find(&revisions, 1)->pinned);
    assert_null(revisions_find(&revisions, 1)->spec_text);
    assert_string_equal(revisions_find(&revisions, 1)->history.release, "v1");
    revisions_release(&revisions);
}

static void pin_of_a_known_one_keeps_its_history(void **state)
{
    struct revisions revisions = {0};
    struct history_entry history = {.revision = 5,
                                    .accepted = {77},
                                    .outcome = OUTCOME_COMPLETE,
                                    .working_directory = strdup("/old"),
                                    .executable = strdup("/old/server")};

    (void)state;
    assert_int_equal(revisions_remember_take(&revisions, &history), 0);
    assert_null(history.executable);
    pin(&revisions, 5, "v5");
    assert_int_equal(revisions.n, 1);
    assert_true(revisions.items[0].pinned);
    assert_int_equal(revisions.items[0].history.accepted.microseconds, 77);
    assert_string_equal(revisions.items[0].history.executable, "/old/server");
    revisions_release(&revisions);
}

static void remember_in_any_order_stays_ascending(void **state)
{
    static const uint64_t order[] = {5, 2, 9, 1};
    struct revisions revisions = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct history_entry history = {.revision = order[i]};

        assert_int_equal(revisions_remember_take(&revisions, &history), 0);
    }
    assert_int_equal(revisions.n, 4);
    for (size_t i = 1; i < 4; i++)
        assert_true(revisions.items[i - 1].history.revision <
                    revisions.items[i].history.revision);
    revisions_release(&revisions);
}

static void history_beyond_its_limit_loses_the_oldest_not_pinned(void **state)
{
    struct revisions revisions = {0};

    (void)state;
    for (uint64_t i = 1; i <= 200; i++) {
        pin(&revisions, i, NULL);
        if (i != 2)
            revisions_forget(&revisions, i);
    }
    assert_int_equal(revisions.n, REVISIONS_HISTORY_MAX);
    assert_non_null(revisions_find(&revisions, 2));
    assert_true(revisions_find(&revisions, 2)->pinned);
    assert_int_equal(revisions.items[1].history.revision, 200 - REVISIONS_HISTORY_MAX + 2);
    assert_int_equal(revisions.items[revisions.n - 1].history.revision, 200);
    revisions_release(&revisions);
}

static void history_of_pinned_ones_alone_grows_beyond_its_limit(void **state)
{
    struct revisions revisions = {0};

    (void)state;
    for (uint64_t i = 1; i <= REVISIONS_HISTORY_MAX + 10; i++)
        pin(&revisions, i, NULL);
    assert_int_equal(revisions.n, REVISIONS_HISTORY_MAX + 10);
    revisions_release(&revisions);
}

static void end_and_date_write_history(void **state)
{
    struct revisions revisions = {0};
    const struct reason reason = {.cause = CAUSE_EXITED, .code = 3, .worker = 8};

    (void)state;
    pin(&revisions, 1, NULL);
    revisions_date(&revisions, 1, (struct wall){10});
    revisions_end(&revisions, 1, (struct wall){20}, OUTCOME_FAILED, &reason);
    revisions_end(&revisions, 2, (struct wall){20}, OUTCOME_FAILED, &reason);
    assert_int_equal(revisions.items[0].history.accepted.microseconds, 10);
    assert_int_equal(revisions.items[0].history.ended.microseconds, 20);
    assert_int_equal(revisions.items[0].history.outcome, OUTCOME_FAILED);
    assert_int_equal(revisions.items[0].history.reason.code, 3);
    revisions_release(&revisions);
}

static void remove_leaves_the_others(void **state)
{
    struct revisions revisions = {0};

    (void)state;
    for (uint64_t i = 1; i <= 3; i++)
        pin(&revisions, i, "r");
    revisions_remove(&revisions, 2);
    revisions_remove(&revisions, 7);
    assert_int_equal(revisions.n, 2);
    assert_non_null(revisions_find(&revisions, 1));
    assert_null(revisions_find(&revisions, 2));
    assert_non_null(revisions_find(&revisions, 3));
    revisions_release(&revisions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pin_adds_spec_and_history),
        cmocka_unit_test(forget_keeps_history_alone),
        cmocka_unit_test(pin_of_a_known_one_keeps_its_history),
        cmocka_unit_test(remember_in_any_order_stays_ascending),
        cmocka_unit_test(history_beyond_its_limit_loses_the_oldest_not_pinned),
        cmocka_unit_test(history_of_pinned_ones_alone_grows_beyond_its_limit),
        cmocka_unit_test(end_and_date_write_history),
        cmocka_unit_test(remove_leaves_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
