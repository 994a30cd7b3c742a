/* How revisions are remembered and forgotten, and what happens when there are too many. */
#include "invariant.c"
#include "transcript.c"

#include <stdlib.h>

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
    transcript_expect(
        &t, "0.000 accept 129\n"
            "0.000 reload 129\n"
            "  | revision 129: ended, refused: the rollout of revision 128 is under way\n"
            "  > outcome 129 refused\n"
            "0.000 exited 1 (exited with status 0)\n"
            "  | worker 1: gone: worker 1 (slot 0, revision 1) exited with status 0\n"
            "  | revision 1: forgotten\n"
            "  > sweep 1\n"
            "  > forget 1\n"
            "0.000 accept 129 | revision 129: accepted\n"
            "0.000 reload 129\n"
            "  | revision 128: ended, complete\n"
            "  | revision 129: started\n"
            "  | worker 129: started, slot 0, revision 129\n"
            "  > outcome 128 complete\n"
            "  > spawn 129\n"
            "0.000 spawned 129 | worker 129: spawned, pid 229\n");
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

/* As the shell does it: SPAWNED first, and then READY. */
static void answer_all(struct rollout *rollout, struct update *update)
{
    for (size_t i = 0; i < rollout->worker_n; i++) {
        struct event event = {.worker = rollout->workers[i].id};

        if (rollout->workers[i].state != WORKER_SPAWNING)
            continue;
        event.kind = EVENT_SPAWNED;
        rollout_step(rollout, &event, update);
    }
}

/* Without the harness, whose checks after every step would take minutes here: SLOT_MAX workers
 * at once, and reloads that leave them draining until WORKER_MAX live. */
static void reload_beyond_worker_max_waits_for_places(void **state)
{
    struct policy policy = policy_of(SLOT_MAX);
    struct rollout *rollout = calloc(1, sizeof(*rollout));
    struct update *update = calloc(1, sizeof(*update));

    (void)state;
    assert_non_null(rollout);
    assert_non_null(update);
    policy.max_surge = (struct share){100, true};
    policy.readiness = READINESS_DELAY;
    for (uint64_t revision = 1; revision <= 5; revision++) {
        struct event event = {.kind = EVENT_ACCEPT, .revision = revision, .policy = &policy};

        rollout_step(rollout, &event, update);
        event.kind = EVENT_RELOAD;
        rollout_step(rollout, &event, update);
        answer_all(rollout, update);
        event = (struct event){.kind = EVENT_TICK};
        rollout_step(rollout, &event, update);
    }
    assert_int_equal(rollout->worker_n, WORKER_MAX);
    assert_int_equal(rollout->state, ROLLOUT_FORWARD);
    for (uint64_t worker = 1; worker <= SLOT_MAX; worker++) {
        struct event event = {.kind = EVENT_EXITED, .worker = worker};

        rollout_step(rollout, &event, update);
    }
    assert_int_equal(rollout->worker_n, WORKER_MAX);
    assert_int_equal(rollout->workers[WORKER_MAX - 1].revision, 5);
    free(rollout);
    free(update);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reload_beyond_revision_max_refuses_until_one_is_forgotten),
        cmocka_unit_test(boot_beyond_revision_max_starts_stable),
        cmocka_unit_test(forget_keeps_revision_while_a_worker_drains),
        cmocka_unit_test(forget_keeps_revision_just_accepted),
        cmocka_unit_test(reload_beyond_worker_max_waits_for_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
