#include "reloadctl/progress.h"

#include "reloadctl/captured.h"

static const struct failure_view failure = {.cause = "exited", .text = "exited with status 1"};

static struct step_view step(int64_t worker, const char *state, double at)
{
    return (struct step_view){
        .worker = worker,
        .slot = worker % 10,
        .revision = worker / 10,
        .state = state,
        .pid = 100 + worker,
        .at = at,
    };
}

static void take(struct progress *progress, const struct step_view *taken)
{
    assert_int_equal(progress_take(progress, taken), 0);
}

static void assert_rendered(const struct progress *progress, size_t rows, double now,
                            const char *expected)
{
    struct captured captured;

    captured_open(&captured);
    const struct rendering rendering = {
        .stream = captured.stream,
        .terminal = {.is_terminal = true, .can_redraw = true, .columns = 80, .rows = rows},
        .now = now,
    };
    progress_render(progress, &rendering);
    captured_assert(&captured, expected);
}

static void render_tells_seconds_of_each_phase(void **state)
{
    struct progress progress = {0};
    const struct step_view steps[] = {
        step(80, "spawning", 10),
        step(80, "admitted", 10.5),
        step(70, "draining", 10.5),
        step(81, "starting", 11),
    };

    (void)state;
    for (size_t i = 0; i < 4; i++)
        take(&progress, &steps[i]);
    assert_rendered(&progress, 24, 12,
                    "  slot 0   revision 8    pid 180      ready     0.5 s\n"
                    "  slot 0   revision 7    pid 170      draining  1.5 s\n"
                    "  slot 1   revision 8    pid 181      starting  1.0 s\n");
    progress_release(&progress);
}

static void render_on_few_rows_leaves_out_what_is_done(void **state)
{
    struct progress progress = {0};
    const struct step_view steps[] = {step(80, "admitted", 10), step(70, "draining", 10),
                                      step(81, "starting", 11)};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        take(&progress, &steps[i]);
    assert_rendered(&progress, 4, 11,
                    "  slot 0   revision 7    pid 170      draining  1.0 s\n"
                    "  slot 1   revision 8    pid 181      starting  0.0 s\n");
    progress_release(&progress);
}

static void render_of_a_failed_worker_says_why(void **state)
{
    struct progress progress = {0};
    struct step_view gone = step(80, "gone", 10.25);

    (void)state;
    gone.failure = &failure;
    take(&progress,
         &(struct step_view){.worker = 80, .revision = 8, .state = "spawning", .at = 10});
    take(&progress, &gone);
    assert_rendered(
        &progress, 24, 12,
        "  slot 0   revision 8    pid 180      gone      0.2 s  exited with status 1\n");
    progress_release(&progress);
}

static void render_step_is_one_line(void **state)
{
    struct progress progress = {0};
    struct step_view gone = step(80, "gone", 10.5);
    struct captured captured;

    (void)state;
    gone.failure = &failure;
    captured_open(&captured);
    const struct rendering rendering = {.stream = captured.stream, .terminal = no_terminal};
    const struct step_view started = step(80, "starting", 10);
    take(&progress, &started);
    progress_render_step(&progress, &rendering, &started);
    take(&progress, &gone);
    progress_render_step(&progress, &rendering, &gone);
    captured_assert(&captured,
                    "slot 0: worker 80 (revision 8, pid 180) starting\n"
                    "slot 0: worker 80 (revision 8, pid 180) gone after 0.5 s: exited with "
                    "status 1\n");
    progress_release(&progress);
}

/* Told again and again, it drains since it began to. */
static void render_of_a_draining_worker_shows_its_connections(void **state)
{
    static const struct connections_view connections = {
        .open = 3, .active = 1, .idle = 2, .oldest_seconds = {true, 41}};
    struct progress progress = {0};
    struct step_view picture = step(70, "draining", 12);
    struct step_view killing = step(70, "killing", 14);
    struct captured captured;

    (void)state;
    picture.connections = killing.connections = &connections;
    take(&progress, &(struct step_view){.worker = 70, .state = "draining", .at = 10});
    take(&progress, &picture);
    assert_rendered(&progress, 24, 13,
                    "  slot 0   revision 0    pid 170      draining  3.0 s  1 active, 2 idle "
                    "(oldest 41 s)\n");
    captured_open(&captured);
    const struct rendering rendering = {.stream = captured.stream, .terminal = no_terminal};
    progress_render_step(&progress, &rendering, &picture);
    take(&progress, &killing);
    progress_render_step(&progress, &rendering, &killing);
    captured_assert(&captured,
                    "slot 0: worker 70 drains: 1 active, 2 idle (oldest 41 s)\n"
                    "slot 0: worker 70 (revision 7, pid 170) killing after 4.0 s with 3 "
                    "connections open: 1 active, 2 idle (oldest 41 s)\n");
    progress_release(&progress);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(render_tells_seconds_of_each_phase),
        cmocka_unit_test(render_on_few_rows_leaves_out_what_is_done),
        cmocka_unit_test(render_of_a_failed_worker_says_why),
        cmocka_unit_test(render_step_is_one_line),
        cmocka_unit_test(render_of_a_draining_worker_shows_its_connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
