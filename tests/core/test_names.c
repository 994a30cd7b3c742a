#include "core/rollout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Fit for JSON keys and command lines: lower case letters and underscores, not empty. */
static void assert_name(const char *name)
{
    assert_non_null(name);
    assert_int_not_equal(strlen(name), 0);
    assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
}

static void name_every_enumerator_has_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < READINESS_N; i++)
        assert_name(readiness_name((enum readiness)i));
    for (unsigned i = 0; i < CAUSE_N; i++)
        assert_name(cause_name((enum cause)i));
    for (unsigned i = 0; i < EVENT_N; i++)
        assert_name(event_name((enum event_kind)i));
    for (unsigned i = 0; i < CONFLICT_N; i++)
        assert_name(conflict_name((enum conflict)i));
    for (unsigned i = 0; i < OUTCOME_N; i++)
        assert_name(outcome_name((enum outcome)i));
    for (unsigned i = 0; i < EFFECT_N; i++)
        assert_name(effect_name((enum effect_kind)i));
    for (unsigned i = 0; i < RECORD_N; i++)
        assert_name(record_name((enum record_kind)i));
    for (unsigned i = 0; i < WORKER_STATE_N; i++)
        assert_name(worker_state_name((enum worker_state)i));
    for (unsigned i = 0; i < ROLLOUT_STATE_N; i++)
        assert_name(rollout_state_name((enum rollout_state)i));
    for (unsigned i = 0; i < SLOT_STATE_N; i++)
        assert_name(slot_state_name((enum slot_state)i));
}

static void find_name_of_enumerator_gives_it_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CAUSE_N; i++)
        assert_int_equal(cause_from_name(cause_name((enum cause)i)), i);
    for (unsigned i = 0; i < OUTCOME_N; i++)
        assert_int_equal(outcome_from_name(outcome_name((enum outcome)i)), i);
    for (unsigned i = 0; i < RECORD_N; i++)
        assert_int_equal(record_from_name(record_name((enum record_kind)i)), i);
}

static void find_name_unknown_gives_none(void **state)
{
    (void)state;
    assert_int_equal(cause_from_name("exite"), CAUSE_N);
    assert_int_equal(outcome_from_name(""), OUTCOME_N);
    assert_int_equal(record_from_name("booted "), RECORD_N);
}

/* What only a snapshot has. */
static const uint32_t of_snapshots = FIELD_STATE | FIELD_SINCE | FIELD_STARTED | FIELD_READY |
                                     FIELD_PROGRESS | FIELD_STABLE | FIELD_TARGET |
                                     FIELD_TRIAL | FIELD_SCALE_BASE | FIELD_LAST_REVISION |
                                     FIELD_LAST_WORKER | FIELD_EXPIRED | FIELD_ASKED;

static void fields_of_every_record_fit_its_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RECORD_N; i++) {
        const char *name = record_name((enum record_kind)i);
        uint32_t fields = record_fields((enum record_kind)i);

        assert_int_equal(fields >> 25, 0);
        if (strncmp(name, "worker_", 7) == 0)
            assert_true(fields & FIELD_WORKER);
        if (strncmp(name, "rollout_", 8) == 0 || strncmp(name, "revision_", 9) == 0)
            assert_true(fields & FIELD_REVISION);
        if (strncmp(name, "slot_", 5) == 0)
            assert_true(fields & FIELD_SLOT);
        if (strncmp(name, "snapshot", 8) != 0)
            assert_int_equal(fields & of_snapshots, 0);
        else
            assert_true(fields & FIELD_STATE);
        if (fields & FIELD_OUTCOME)
            assert_true(fields & FIELD_REASON);
        assert_int_equal(!!(fields & FIELD_POLICY), i == RECORD_REVISION_ACCEPTED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_every_enumerator_has_one),
        cmocka_unit_test(find_name_of_enumerator_gives_it_back),
        cmocka_unit_test(find_name_unknown_gives_none),
        cmocka_unit_test(fields_of_every_record_fit_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
