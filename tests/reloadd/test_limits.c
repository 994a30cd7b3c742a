#include "folder.h"

#include "diary.h"

#include "os/cgroup_limits.h"
#include "os/text_file.h"
#include "reloadd/app.h"
#include "reloadd/limits.h"
#include "reloadd/process.h"

#include <string.h>

enum { WORKER = 7 };

/* An app with one revision and one worker of it, whose cgroups are plain files. */
struct fixture {
    struct app app;
    struct process process;
    char folder[PATH_MAX];
    char worker[PATH_MAX];
    unsigned said; /* lines that the app has said */
};

static void pin(struct app *app, uint64_t revision, const struct limits *limits)
{
    struct spec spec = diary_spec(NULL, 1);
    char *text = NULL;

    spec.limits = *limits;
    assert_int_equal(spec_encode(&spec, &text), 0);
    assert_int_equal(
        revisions_pin_take(&app->revisions, revision, (struct wall){1}, &spec, &text), 0);
}

static void add_worker(struct rollout *rollout, uint64_t id, enum worker_state state)
{
    rollout->workers[rollout->worker_n++] = (struct worker){.id = id, .state = state};
}

static void on_line(void *user, const struct output_line *line)
{
    struct fixture *fixture = user;

    (void)line;
    fixture->said++;
}

static struct fixture *fixture_new(void **state, const struct limits *limits)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    make_folder(state, "unit");
    make_folder(state, "unit/worker-7");
    (void)scratch_path(state, "unit", fixture->folder);
    (void)scratch_path(state, "unit/worker-7", fixture->worker);
    fixture->app.cgroup = fixture->folder;
    fixture->app.rollout = calloc(1, sizeof(*fixture->app.rollout));
    assert_non_null(fixture->app.rollout);
    assert_int_equal(output_new(false, on_line, fixture, &fixture->app.output), 0);
    assert_int_equal(loop_new(&fixture->app.loop), 0);
    pin(&fixture->app, 1, limits);
    fixture->app.rollout->target = 1;
    fixture->process = (struct process){.app = &fixture->app,
                                        .worker = WORKER,
                                        .revision = 1,
                                        .cgroup = fixture->worker,
                                        .pid = 1234};
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    limits_release(&fixture->app);
    revisions_release(&fixture->app.revisions);
    output_free(fixture->app.output);
    loop_free(fixture->app.loop);
    free(fixture->app.rollout);
    free(fixture);
}

static void expect_file(void **state, const char *name, const char *expected)
{
    char path[PATH_MAX];
    char text[64];
    size_t size;

    assert_int_equal(
        text_file_read(AT_FDCWD, scratch_path(state, name, path), text, sizeof(text), &size),
        0);
    assert_string_equal(text, expected);
}

static void apply_enables_what_is_needed_and_sets_it(void **state)
{
    struct fixture *fixture = fixture_new(
        state, &(struct limits){.memory_max = 1 << 30, .memory_high = 1 << 29, .tasks_max = 9});

    write_file(state, "unit/cgroup.controllers", 0600, "cpu memory pids\n");
    write_file(state, "unit/cgroup.subtree_control", 0600, "pids\n");
    write_file(state, "unit/worker-7/memory.max", 0600, "");
    write_file(state, "unit/worker-7/memory.high", 0600, "");
    write_file(state, "unit/worker-7/pids.max", 0600, "");
    limits_apply(&fixture->process);
    expect_file(state, "unit/cgroup.subtree_control", "+memory");
    expect_file(state, "unit/worker-7/memory.max", "1073741824");
    expect_file(state, "unit/worker-7/memory.high", "536870912");
    expect_file(state, "unit/worker-7/pids.max", "9");
    assert_int_equal(fixture->app.limits.enabled, CGROUP_MEMORY | CGROUP_PIDS);
    assert_null(limits_missing(&fixture->app));
    assert_int_equal(fixture->said, 0);
    fixture_free(fixture);
}

static void apply_without_limits_enables_nothing(void **state)
{
    struct fixture *fixture = fixture_new(state, &(struct limits){0});

    write_file(state, "unit/cgroup.controllers", 0600, "cpu memory pids\n");
    write_file(state, "unit/cgroup.subtree_control", 0600, "");
    limits_apply(&fixture->process);
    expect_file(state, "unit/cgroup.subtree_control", "");
    assert_null(limits_missing(&fixture->app));
    fixture_free(fixture);
}

static void missing_controller_is_told_once_and_asked_for_the_target(void **state)
{
    struct fixture *fixture = fixture_new(
        state, &(struct limits){.memory_max = 1 << 30, .cpu_weight = 50, .tasks_max = 9});
    char expected[PATH_MAX + 128];

    write_file(state, "unit/cgroup.controllers", 0600, "cpu\n");
    write_file(state, "unit/cgroup.subtree_control", 0600, "");
    write_file(state, "unit/worker-7/cpu.weight", 0600, "");
    assert_null(limits_missing(&fixture->app)); /* nothing was tried yet */
    limits_apply(&fixture->process);
    limits_apply(&fixture->process);
    expect_file(state, "unit/worker-7/cpu.weight", "50");
    (void)snprintf(expected, sizeof(expected),
                   "limits.memory_max, limits.tasks_max not in force: %s has no controller "
                   "memory, pids",
                   fixture->folder);
    assert_string_equal(limits_missing(&fixture->app), expected);
    assert_int_equal(fixture->said, 1);

    pin(&fixture->app, 2, &(struct limits){.cpu_weight = 60});
    fixture->app.rollout->target = 2;
    assert_null(limits_missing(&fixture->app));
    fixture->app.rollout->target = 3; /* not known yet */
    assert_null(limits_missing(&fixture->app));
    fixture_free(fixture);
}

static void missing_cgroup_is_told(void **state)
{
    struct fixture *fixture = fixture_new(state, &(struct limits){.cpu_percent = 50});

    fixture->app.cgroup = NULL;
    fixture->process.cgroup = NULL;
    limits_apply(&fixture->process);
    assert_string_equal(
        limits_missing(&fixture->app),
        "limits.cpu_percent not in force: there is no cgroup that can be written");
    fixture_free(fixture);
}

static struct reason killed(void)
{
    return (struct reason){.cause = CAUSE_SIGNALED, .code = SIGKILL};
}

static void judge_names_the_kernels_kill_alone(void **state)
{
    struct fixture *fixture = fixture_new(state, &(struct limits){0});
    struct app *app = &fixture->app;
    struct reason reason = {.cause = CAUSE_SIGNALED, .code = SIGSEGV};

    write_file(state, "unit/worker-7/memory.events", 0600, "oom_kill 0\n");
    add_worker(app->rollout, WORKER, WORKER_ADMITTED);
    limits_apply(&fixture->process);
    assert_int_equal(limits_judge_end(&fixture->process, killed()).cause, CAUSE_SIGNALED);
    write_file(state, "unit/worker-7/memory.events", 0600, "oom_kill 1\n");
    assert_int_equal(limits_judge_end(&fixture->process, reason).cause, CAUSE_SIGNALED);
    assert_int_equal(limits_judge_end(&fixture->process, killed()).cause, CAUSE_OOM_KILLED);
    app->rollout->workers[0].state = WORKER_KILLING; /* by us */
    assert_int_equal(limits_judge_end(&fixture->process, killed()).cause, CAUSE_SIGNALED);
    app->rollout->worker_n = 0;
    assert_int_equal(limits_judge_end(&fixture->process, killed()).cause, CAUSE_SIGNALED);
    fixture_free(fixture);
}

static void judge_says_a_suspicion_aloud_and_claims_nothing(void **state)
{
    struct fixture *fixture = fixture_new(state, &(struct limits){0});
    char path[PATH_MAX];

    write_file(state, "vmstat", 0600, "oom_kill 4\n");
    add_worker(fixture->app.rollout, WORKER, WORKER_ADMITTED);
    fixture->app.limits.begun = true;
    fixture->app.limits.oom = (struct oom_watch){
        .file = strdup(scratch_path(state, "vmstat", path)), .of_machine = true, .seen = 3};
    assert_int_equal(limits_judge_end(&fixture->process, killed()).cause, CAUSE_SIGNALED);
    assert_int_equal(fixture->said, 1);
    assert_int_equal(limits_judge_end(&fixture->process, killed()).cause, CAUSE_SIGNALED);
    assert_int_equal(fixture->said, 1);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(apply_enables_what_is_needed_and_sets_it),
        scratch_test(apply_without_limits_enables_nothing),
        scratch_test(missing_controller_is_told_once_and_asked_for_the_target),
        scratch_test(missing_cgroup_is_told),
        scratch_test(judge_names_the_kernels_kill_alone),
        scratch_test(judge_says_a_suspicion_aloud_and_claims_nothing),
    };

    return cmocka_run_group_tests(tests, NULL,
                                  NULL); /* libuv keeps a pipe of its own for ever */
}
