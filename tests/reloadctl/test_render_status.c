#include "reloadctl/render.h"

#include "reloadctl/captured.h"

static const struct listener_view listeners[] = {
    {.name = "http", .address = "127.0.0.1:8080", .source = "opened"},
    {.name = "admin", .address = "/run/web/admin.sock", .source = "inherited"},
};
static const char *const lines[] = {"Error: no such module", "\033[31mat app.js\033[0m"};
static const struct failure_view crash = {
    .cause = "exited",
    .text = "worker 12 (slot 1, revision 7) exited with status 1",
    .lines = lines,
    .line_n = 2,
};
static const struct slot_view slots[] = {
    {.slot = 0, .state = "filled"},
    {.slot = 1,
     .state = "waiting",
     .failures = 4,
     .crash_loop = true,
     .retry = {.present = true, .value = 1003},
     .last = &crash},
};

static struct app_view steady_app(void)
{
    static const struct worker_view worker = {
        .id = 10,
        .slot = 0,
        .revision = 7,
        .state = "admitted",
        .pid = 100,
        .since = 940,
        .memory_bytes = {.present = true, .value = 3 << 20},
    };
    return (struct app_view){
        .name = "web",
        .pid = 99,
        .version = "0.1.0",
        .started = 900,
        .desired = 1,
        .admitted = 1,
        .revision = 7,
        .rollout = {.state = "steady", .since = 940, .stable = 7, .target = 7},
        .listeners = listeners,
        .listener_n = 1,
        .slots = slots,
        .slot_n = 1,
        .workers = &worker,
        .worker_n = 1,
    };
}

static void assert_status(const struct app_view *app, const struct terminal *terminal,
                          const char *expected)
{
    struct captured captured;

    captured_open(&captured);
    const struct rendering rendering = {
        .stream = captured.stream, .terminal = *terminal, .now = 1000};
    render_status(&rendering, app);
    captured_assert(&captured, expected);
}

static void status_of_a_healthy_app_is_short(void **state)
{
    const struct app_view app = steady_app();

    (void)state;
    assert_status(&app, &no_terminal,
                  "web: running, 1 of 1 workers ready, for 60 s\n"
                  "   revision: 7\n"
                  "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
                  "    listens: 127.0.0.1:8080 (http, opened)\n"
                  "\n"
                  "  SLOT  PID  REVISION  STATE  FOR   MEMORY\n"
                  "  0     100  7         ready  60 s  3.0 MiB\n");
}

static struct app_view troubled_app(void)
{
    static const struct worker_view workers[] = {
        {.id = 10,
         .slot = 0,
         .revision = 7,
         .state = "draining",
         .pid = 100,
         .since = 998.5,
         .waits_for = "3 connections",
         .status = "busy\007"},
        {.id = 13,
         .slot = 0,
         .revision = 8,
         .release = "v8",
         .state = "starting",
         .pid = 103,
         .since = 999,
         .waits_for = "READY=1"},
    };
    static const int64_t queued[] = {9, 10};
    static const char *const warnings[] = {"the journal can't be written"};
    static const struct outcome_view last = {.revision = 6,
                                             .release = "v6",
                                             .outcome = "failed",
                                             .at = 700,
                                             .seconds = 2,
                                             .failure = &crash};
    struct app_view app = steady_app();

    app.rollout = (struct rollout_view){
        .state = "forward",
        .since = 998,
        .stable = 7,
        .target = 8,
        .trial = {.present = true, .value = 8},
        .waits_for = "1 worker to get ready",
        .queued = queued,
        .queued_n = 2,
        .failure = NULL,
    };
    app.release = "v7";
    app.config = "/etc/reloadd/web.json";
    app.scale = optional_int(2);
    app.desired = 2;
    app.listener_n = 2;
    app.slot_n = 2;
    app.workers = workers;
    app.worker_n = 2;
    app.warnings = warnings;
    app.warning_n = 1;
    app.last = &last;
    return app;
}

static void status_of_captured_workers_tells_how_many(void **state)
{
    static const struct worker_view workers[] = {
        {.id = 10,
         .revision = 7,
         .state = "admitted",
         .pid = 100,
         .since = 940,
         .delivery = "capture"},
        {.id = 11,
         .slot = 1,
         .revision = 7,
         .state = "admitted",
         .pid = 101,
         .since = 940,
         .delivery = "inherit"},
    };
    struct app_view app = steady_app();

    (void)state;
    app.delivery = "auto";
    app.workers = workers;
    app.worker_n = 2;
    assert_status(&app, &no_terminal,
                  "web: running, 1 of 1 workers ready, for 60 s\n"
                  "   revision: 7\n"
                  "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
                  "    listens: 127.0.0.1:8080 (http, opened)\n"
                  "   delivery: auto: 1 of 2 workers by capture\n"
                  "\n"
                  "  SLOT  PID  REVISION  STATE  FOR\n"
                  "  0     100  7         ready  60 s\n"
                  "  1     101  7         ready  60 s\n");
}

static void status_of_a_rollout_in_trouble_tells_all(void **state)
{
    const struct app_view app = troubled_app();

    (void)state;
    assert_status(
        &app, &no_terminal,
        "web: rolling out revision 8, 1 of 2 workers ready, for 2.0 s\n"
        "  waits for: 1 worker to get ready\n"
        "   revision: 7 (v7), on trial: 8, queued: 9, 10\n"
        "  scaled to: 2 workers\n"
        "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
        "     config: /etc/reloadd/web.json\n"
        "    listens: 127.0.0.1:8080 (http, opened)\n"
        "           : /run/web/admin.sock (admin, inherited)\n"
        "       last: revision 6 (v6) failed after 2.0 s, 5 min 0 s ago\n"
        "           : worker 12 (slot 1, revision 7) exited with status 1\n"
        "    warning: the journal can't be written\n"
        "\n"
        "  SLOT  PID  REVISION  RELEASE  STATE     FOR    NOTE\n"
        "  0     100  7                  draining  1.5 s  waits for 3 connections; busy\\x07\n"
        "  0     103  8         v8       starting  1.0 s  waits for READY=1\n"
        "\n"
        "  slot 1: crash loop, 4 failures in a row, next try in 3.0 s\n"
        "    worker 12 (slot 1, revision 7) exited with status 1\n"
        "    | Error: no such module\n"
        "    | \\x1b[31mat app.js\\x1b[0m\n");
}

static void status_of_busy_app_counts_connections(void **state)
{
    static const struct connections_view few = {
        .open = 2, .active = 1, .idle = 1, .oldest_seconds = {true, 3}};
    static const struct connections_view more = {
        .open = 5, .idle = 5, .queued = {true, 1}, .oldest_seconds = {true, 41}};
    static const struct connections_view none = {0};
    static const struct outcome_view last = {
        .revision = 7, .outcome = "complete", .at = 990, .seconds = 1, .cut = {true, 2}};
    static const struct worker_view workers[] = {
        {.id = 10, .revision = 7, .state = "admitted", .pid = 1, .connections = &few},
        {.id = 11, .revision = 7, .state = "admitted", .pid = 2, .connections = &more},
        {.id = 12, .revision = 7, .state = "admitted", .pid = 3, .connections = &none},
    };
    struct app_view app = steady_app();

    (void)state;
    app.workers = workers;
    app.worker_n = 3;
    app.desired = app.admitted = 3;
    app.fairness = optional_float(2.5);
    app.last = &last;
    assert_status(&app, &no_terminal,
                  "web: running, 3 of 3 workers ready, for 60 s\n"
                  "   revision: 7\n"
                  "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
                  "    listens: 127.0.0.1:8080 (http, opened)\n"
                  "connections: 7 open, 1 of them active; the fullest worker has 2.50 times "
                  "those of the emptiest\n"
                  "       last: revision 7 complete after 1.0 s, 10 s ago\n"
                  "           : cut off 2 connections at the drain deadline\n"
                  "\n"
                  "  SLOT  PID  REVISION  STATE  FOR          NOTE\n"
                  "  0     1    7         ready  16 min 40 s  1 active, 1 idle (oldest 3.0 s)\n"
                  "  0     2    7         ready  16 min 40 s  5 idle, 1 queued (oldest 41 s)\n"
                  "  0     3    7         ready  16 min 40 s\n");
}

static void status_of_recovered_app_tells_what_went_on(void **state)
{
    static const struct recovered_view recovered = {.at = 990, .adopted = 3, .vanished = 2};
    static const struct listener_view listener = {.name = "http",
                                                  .address = "127.0.0.1:8080",
                                                  .source = "inherited",
                                                  .differs = "the file says 127.0.0.1:80"};
    static const struct worker_view worker = {.id = 10,
                                              .slot = 0,
                                              .revision = 7,
                                              .state = "admitted",
                                              .pid = 100,
                                              .since = 940,
                                              .adopted = true,
                                              .expired = "memory",
                                              .status = "busy\007"};
    struct app_view app = steady_app();

    (void)state;
    app.survives = true;
    app.recovered = &recovered;
    app.limits_missing = "limits.memory_max is not in force: no controller";
    app.listeners = &listener;
    app.workers = &worker;
    assert_status(&app, &no_terminal,
                  "web: running, 1 of 1 workers ready, for 60 s\n"
                  "   revision: 7\n"
                  "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
                  "  recovered: 10 s ago: 3 workers went on, 2 had ended\n"
                  "     limits: limits.memory_max is not in force: no controller\n"
                  "    listens: 127.0.0.1:8080 (http, inherited)\n"
                  "           : the file says 127.0.0.1:80\n"
                  "\n"
                  "  SLOT  PID  REVISION  STATE  FOR   NOTE\n"
                  "  0     100  7         ready  60 s  to be replaced for its memory; adopted; "
                  "busy\\x07\n");
}

static void status_of_found_workers_names_them(void **state)
{
    static const struct recovered_view recovered = {.at = 995, .adopted = 1, .found = 1};
    struct app_view app = steady_app();

    (void)state;
    app.recovered = &recovered;
    app.listener_n = 0;
    app.worker_n = 0;
    assert_status(
        &app, &no_terminal,
        "web: running, 1 of 1 workers ready, for 60 s\n"
        "   revision: 7\n"
        "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
        "  recovered: 5.0 s ago: 2 workers went on, 1 of them unknown to the journal\n");
}

static void status_without_survival_tells_why(void **state)
{
    struct app_view app = steady_app();

    (void)state;
    app.survives_not = "not started with --adopt\033[2J";
    app.listener_n = 0;
    app.worker_n = 0;
    assert_status(&app, &no_terminal,
                  "web: running, 1 of 1 workers ready, for 60 s\n"
                  "   revision: 7\n"
                  "    primary: pid 99, reloadd 0.1.0, up for 100 s\n"
                  "no survival: not started with --adopt\\x1b[2J\n");
}

static void status_on_a_terminal_colours_states_alone(void **state)
{
    const struct terminal terminal = coloured_terminal(80, 24);
    struct app_view app = steady_app();

    (void)state;
    app.admitted = 0;
    app.listener_n = 0;
    app.worker_n = 0;
    assert_status(&app, &terminal,
                  "\033[1mweb\033[0m: \033[1;31mdown\033[0m, 0 of 1 workers ready, for 60 s\n"
                  "   revision: 7\n"
                  "    primary: pid 99, reloadd 0.1.0, up for 100 s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_of_a_healthy_app_is_short),
        cmocka_unit_test(status_of_captured_workers_tells_how_many),
        cmocka_unit_test(status_of_a_rollout_in_trouble_tells_all),
        cmocka_unit_test(status_of_busy_app_counts_connections),
        cmocka_unit_test(status_of_recovered_app_tells_what_went_on),
        cmocka_unit_test(status_of_found_workers_names_them),
        cmocka_unit_test(status_without_survival_tells_why),
        cmocka_unit_test(status_on_a_terminal_colours_states_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
