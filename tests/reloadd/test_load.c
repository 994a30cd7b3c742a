#include "reloadd/folder.h"

#include "reloadd/load.h"
#include "wire/config.h"
#include "wire/environment.h"
#include "wire/fail_allocation.h"

static const char *const base[] = {"PATH=/usr/bin:/bin", "A=base", NULL};

static int load(const struct load_request *request, struct spec *spec,
                struct config_errors *errors)
{
    struct load_request whole = *request;

    whole.environment = base;
    return load_spec(&whole, spec, errors);
}

static struct spec load_good(void **state, const struct load_request *request)
{
    struct config_errors errors = {0};
    struct spec spec = {0};
    int r = load(request, &spec, &errors);

    expect_errors(state, &errors, "");
    assert_int_equal(r, 0);
    return spec;
}

/* And the spec is as it was. */
static void expect_refused(void **state, const struct load_request *request,
                           const char *expected)
{
    struct config_errors errors = {0};
    struct spec spec = {.drain_signal = 77};
    int r = load(request, &spec, &errors);

    expect_errors(state, &errors, expected);
    assert_int_equal(r, 1);
    assert_int_equal(spec.drain_signal, 77);
    assert_null(spec.exec);
}

static const char *write_config(void **state, const char *text, char path[static PATH_MAX])
{
    write_file(state, "web.json", 0644, text);
    return scratch_path(state, "web.json", path);
}

static void load_file_pins_what_it_says(void **state)
{
    char path[PATH_MAX];
    struct load_request request = {
        .config_path = write_config(state,
                                    "{\"exec\": [\"./app\"], \"working_directory\": \".\", "
                                    "\"listen\": [\"80\"], \"workers\": 2}",
                                    path),
        .release = "v7",
    };
    struct spec spec;

    write_file(state, "app", 0755, "");
    spec = load_good(state, &request);
    expect_path(state, spec.pinned_executable, "app");
    assert_string_equal(spec.pinned_directory, *state);
    assert_string_equal(environment_get(spec.pinned_environment, "A"), "base");
    assert_string_equal(spec.release, "v7");
    assert_string_equal(spec.listeners[0].address, "[::]:80");
    assert_int_equal(spec.policy.workers, 2);
    spec_release(&spec);
}

static void load_flags_alone_need_no_file(void **state)
{
    static const char *const listen[] = {"127.0.0.1:80", "/run/x", NULL};
    char shell[] = "sh", fd[] = "{fd:listen1}";
    char *command[] = {shell, fd, NULL};
    struct spec spec = load_good(
        state, &(struct load_request){.listen = listen, .workers = "3", .command = command});

    assert_int_equal(spec.listener_n, 2);
    assert_string_equal(spec.listeners[1].name, "listen1");
    assert_int_equal(spec.policy.workers, 3);
    assert_string_equal(spec.exec[1], "{fd:listen1}");
    assert_non_null(spec.pinned_executable);
    spec_release(&spec);
}

static void load_flags_win_over_the_file(void **state)
{
    static const char *const listen[] = {"81", NULL};
    char path[PATH_MAX];
    char shell[] = "sh";
    char *command[] = {shell, NULL};
    struct load_request request = {
        .config_path =
            write_config(state,
                         "{\"exec\": [\"/no/such\", \"{fd:a}\"], \"workers\": 2, "
                         "\"listen\": [{\"name\": \"a\", \"stream\": \"80\"}, \"82\"]}",
                         path),
        .listen = listen,
        .workers = "5",
        .command = command,
    };
    struct spec spec = load_good(state, &request);

    assert_int_equal(spec.listener_n, 1);
    assert_string_equal(spec.listeners[0].address, "[::]:81");
    assert_string_equal(spec.exec[0], "sh");
    assert_null(spec.exec[1]);
    assert_int_equal(spec.policy.workers, 5);
    spec_release(&spec);
}

static void load_file_that_can_not_be_read_says_why(void **state)
{
    char path[PATH_MAX];

    expect_refused(
        state, &(struct load_request){.config_path = scratch_path(state, "no.json", path)},
        "web.json: expected a file that can be read, found: No such file or directory\n");
    expect_refused(state, &(struct load_request){.config_path = *state},
                   "web.json: expected a file that can be read, found: Is a directory\n");
    assert_int_equal(mkfifo(scratch_path(state, "pipe", path), 0644), 0);
    expect_refused(state, &(struct load_request){.config_path = path},
                   "web.json: expected a file that can be read, found: not a regular file\n");
    assert_int_equal(truncate(write_config(state, "{", path), CONFIG_SIZE_MAX + 1), 0);
    expect_refused(state, &(struct load_request){.config_path = path},
                   "web.json: expected at most 1048576 bytes, found 1048577\n");
}

static void load_inside_and_outside_are_told_together(void **state)
{
    static const char *const listen[] = {"x:80", NULL};
    char path[PATH_MAX];
    struct load_request request = {
        .config_path = write_config(state,
                                    "{\"exek\": 1, \"check\": [\"./no\"],\n"
                                    "\"working_directory\": \".\", \"user\": \"no-one\"}",
                                    path),
        .listen = listen,
        .workers = "none",
    };

    expect_refused(
        state, &request,
        "web.json:1:2: $.exek: expected a known key (did you mean \"exec\"?), found \"exek\"\n"
        "web.json:1:23: $.check[0]: expected a program that can be executed, found \"./no\": "
        "No "
        "such file or directory (from DIR)\n"
        "web.json:2:35: $.user: expected a user of this machine, found \"no-one\": there is "
        "none of that name\n"
        "--listen: expected a numeric host before the port, such as 127.0.0.1 or [::1], or "
        "localhost, found \"x:80\"\n"
        "--workers: expected a number from 1 to 1024, \"max\" or \"max-1\", found \"none\"\n");
}

static void load_syntax_error_stops_all_but_the_flags(void **state)
{
    char path[PATH_MAX];
    char missing[] = "/no/such";
    char *command[] = {missing, NULL};
    struct load_request request = {
        .config_path = write_config(state, "{\"user\": \"no-one\",}", path),
        .workers = "0",
        .command = command,
    };

    expect_refused(state, &request,
                   "web.json:1:19: $: expected JSON, found a mistake: string or '}' expected "
                   "near '}' (no comma behind the last one)\n"
                   "--workers: expected a number from 1 to 1024, \"max\" or \"max-1\", found "
                   "0\n");
}

static void load_wrong_flags_are_told_under_their_names(void **state)
{
    static const char *const twice[] = {"80", "80", NULL};
    char missing[] = "/no/such", fd[] = "{fd:web}", nothing[] = "";
    char *command[] = {missing, fd, NULL}, *empty[] = {nothing, NULL};

    expect_refused(
        state, &(struct load_request){.listen = twice, .command = command},
        "--listen: expected an address of its own, found [::]:80 of listen[0] again\n"
        "--: expected a program that can be executed, found \"/no/such\": No such "
        "file or directory\n");
    expect_refused(state, &(struct load_request){.listen = twice + 1, .command = command},
                   "--: expected the name of a listener in {fd:NAME}, found \"web\"\n"
                   "--: expected a program that can be executed, found \"/no/such\": No such "
                   "file or directory\n");
    expect_refused(state, &(struct load_request){.command = empty},
                   "--: expected a command, found nothing\n");
    expect_refused(state, &(struct load_request){.workers = "1"},
                   "--: expected a command, found nothing\n");
}

static void load_with_failures(const struct load_request *request, int expected)
{
    int r = -ENOMEM;

    for (long n = 0; r == -ENOMEM; n++) {
        struct config_errors errors = {0};
        struct spec spec = {0};

        assert_true(n < 10000);
        fail_allocation_after(n);
        r = load(request, &spec, &errors);
        fail_no_allocation();
        spec_release(&spec);
        config_errors_release(&errors);
    }
    assert_int_equal(r, expected);
}

static void load_out_of_memory_says_so(void **state)
{
    static const char *const listen[] = {"80", "/run/x", NULL};
    char path[PATH_MAX];
    char shell[] = "sh", fd[] = "{fd:listen1}", missing[] = "./no";
    char *command[] = {shell, fd, NULL}, *wrong[] = {missing, fd, NULL};
    struct load_request request = {
        .config_path =
            write_config(state, "{\"exec\": [\"x\"], \"environment\": {\"B\": \"c\"}}", path),
        .listen = listen,
        .workers = "max",
        .command = command,
        .release = "v1",
    };

    load_with_failures(&request, 0);
    request.command = wrong;
    request.workers = "no";
    load_with_failures(&request, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(load_file_pins_what_it_says),
        scratch_test(load_flags_alone_need_no_file),
        scratch_test(load_flags_win_over_the_file),
        scratch_test(load_file_that_can_not_be_read_says_why),
        scratch_test(load_inside_and_outside_are_told_together),
        scratch_test(load_syntax_error_stops_all_but_the_flags),
        scratch_test(load_wrong_flags_are_told_under_their_names),
        scratch_test(load_out_of_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
