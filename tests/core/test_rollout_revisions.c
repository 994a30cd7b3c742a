/* How revisions are remembered and forgotten, and what happens when there are too many. */
#include "invariant.c"
#include "transcript.c"

/* Reloads once more; the old worker never finishes to drain. */
static void reload_undrained(struct transcript *t, const struct policy *policy)
{
    (void)transcript_reload(t, policy, CONFLICT_SUPERSEDE);
    transcript_ready(t, t->rollout->last_worker);
}

static void reload_beyond_revision_max_refuses_until_one_is_forgotten(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    while (t.rollout->revision_n < REVISION_MAX)
        reload_undrained(&t, &policy);
    assert_int_equal(t.rollout->last_revision, REVISION_MAX);
    text_truncate(&t.text, 0);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_exited(&t, 1, 0);
    transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    transcript_expect(&t, "");
    transcript_close(&t);
}

static void boot_beyond_revision_max_starts_stable(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    while (t.rollout->revision_n < REVISION_MAX)
        reload_undrained(&t, &policy);
    transcript_boot(&t, transcript_accept(&t, &policy));
    assert_int_equal(t.rollout->state, ROLLOUT_STEADY);
    assert_int_equal(t.rollout->target, REVISION_MAX);
    assert_int_equal(t.rollout->revision_n, 1);
    transcript_close(&t);
}

static void forget_keeps_revision_while_a_worker_drains(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    reload_undrained(&t, &policy);
    assert_non_null(rollout_revision(t.rollout, 1));
    assert_true(rollout_uses(t.rollout, 1));
    transcript_exited(&t, 1, 0);
    assert_null(rollout_revision(t.rollout, 1));
    assert_false(rollout_uses(t.rollout, 1));
    transcript_close(&t);
}

/* It may still wait for its RELOAD. */
static void forget_keeps_revision_just_accepted(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(1);
    uint64_t revision;

    (void)state;
    transcript_open(&t);
    transcript_begin(&t, &policy);
    revision = transcript_accept(&t, &policy);
    transcript_event(&t, EVENT_TICK);
    assert_non_null(rollout_revision(t.rollout, revision));
    assert_false(rollout_uses(t.rollout, revision));
    transcript_close(&t);
}

static void run_as_many_workers_as_there_can_be(void **state)
{
    struct transcript t;
    struct policy policy = policy_of(32);

    (void)state;
    transcript_open(&t);
    policy.max_surge = (struct share){100, true};
    transcript_begin(&t, &policy);
    /* Each reload leaves 32 more workers that drain, until no place is left for a new one. */
    while (t.rollout->worker_n < WORKER_MAX) {
        (void)transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
        for (uint64_t i = t.rollout->last_worker - 31; i <= t.rollout->last_worker; i++)
            transcript_ready(&t, i);
    }
    (void)transcript_reload(&t, &policy, CONFLICT_SUPERSEDE);
    assert_int_equal(t.rollout->worker_n, WORKER_MAX);
    transcript_settle(&t);
    assert_int_equal(t.rollout->worker_n, 32);
    assert_int_equal(t.rollout->state, ROLLOUT_STEADY);
    transcript_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reload_beyond_revision_max_refuses_until_one_is_forgotten),
        cmocka_unit_test(boot_beyond_revision_max_starts_stable),
        cmocka_unit_test(forget_keeps_revision_while_a_worker_drains),
        cmocka_unit_test(forget_keeps_revision_just_accepted),
        cmocka_unit_test(run_as_many_workers_as_there_can_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
