#include "reloadd/folder.h"

#include "reloadd/pin.h"
#include "wire/config.h"
#include "wire/environment.h"
#include "wire/fail_allocation.h"

static const char *const base[] = {"PATH=/usr/bin:/bin", "A=base", NULL};

/* Decodes a file of the scratch folder, whatever is wrong with it, and pins it. */
static int pin_text(void **state, const char *text, struct spec *spec,
                    struct config_errors *errors)
{
    const struct pin_request request = {
        .text = text,
        .size = strlen(text),
        .file_directory = *state,
        .exec_place = "$.exec[0]",
        .environment = base,
        .errors = errors,
    };
    int read = config_decode(text, strlen(text), 0, spec, errors);
    int r;

    assert_true(read == -ENOMEM || read == 0 || read == CONFIG_MISTAKEN);
    if (read < 0)
        return read;
    r = pin_spec(&request, spec);
    return r < 0 ? r : read | r;
}

static struct spec pin_good(void **state, const char *text)
{
    struct config_errors errors = {0};
    struct spec spec = {0};
    int r = pin_text(state, text, &spec, &errors);

    expect_errors(state, &errors, "");
    assert_int_equal(r, 0);
    return spec;
}

static void expect_complaints(void **state, const char *text, const char *expected)
{
    struct config_errors errors = {0};
    struct spec spec = {0};
    int r = pin_text(state, text, &spec, &errors);

    expect_errors(state, &errors, expected);
    assert_int_equal(r, 1);
    spec_release(&spec);
}

static void pin_release_behind_a_link_gives_real_paths(void **state)
{
    struct spec spec;

    make_folder(state, "v2");
    make_folder(state, "v2/bin");
    write_file(state, "v2/bin/app", 0755, "");
    make_link(state, "current", "v2");
    make_link(state, "v2/serve", "bin/app");
    spec = pin_good(state, "{\"exec\": [\"./serve\"], \"working_directory\": \"current\"}");
    expect_path(state, spec.pinned_directory, "v2");
    expect_path(state, spec.pinned_executable, "v2/bin/app");
    assert_string_equal(spec.exec[0], "./serve");
    spec_release(&spec);
}

static void pin_without_directory_is_where_the_primary_is(void **state)
{
    char here[PATH_MAX];
    struct spec spec = pin_good(state, "{\"exec\": [\"sh\"]}");

    assert_non_null(getcwd(here, sizeof(here)));
    assert_string_equal(spec.pinned_directory, here);
    spec_release(&spec);
}

static void pin_environment_file_counts_from_the_file(void **state)
{
    struct spec spec;

    write_file(state, "web.env", 0644, "# x\nA=file\nB=\"of file\"\n");
    spec = pin_good(state, "{\"exec\": [\"sh\"], \"environment_file\": \"web.env\", "
                           "\"environment\": {\"C\": \"own\"}}");
    assert_string_equal(environment_get(spec.pinned_environment, "A"), "file");
    assert_string_equal(environment_get(spec.pinned_environment, "B"), "of file");
    assert_string_equal(environment_get(spec.pinned_environment, "C"), "own");
    spec_release(&spec);
}

static void pin_program_is_looked_for_in_the_workers_path(void **state)
{
    struct spec spec;

    make_folder(state, "bin");
    write_file(state, "bin/sh", 0755, "");
    write_file(state, "web.env", 0644, "PATH=bin\n");
    spec = pin_good(state, "{\"exec\": [\"sh\"], \"working_directory\": \".\", "
                           "\"environment_file\": \"web.env\", \"check\": [\"sh\"]}");
    expect_path(state, spec.pinned_executable, "bin/sh");
    spec_release(&spec);
    expect_complaints(state,
                      "{\"exec\": [\"sh\"], \"environment\": {\"PATH\": \"/no\\n:\"}, "
                      "\"working_directory\": \".\"}",
                      "web.json:1:11: $.exec[0]: expected a program that can be executed, "
                      "found \"sh\": No such file or directory in PATH (/no\\n:)\n");
}

static void pin_workers_are_counted(void **state)
{
    struct spec spec = pin_good(state, "{\"exec\": [\"sh\"], \"workers\": \"max\"}");
    uint32_t all = spec.policy.workers;

    assert_true(all >= 1);
    spec_release(&spec);
    spec = pin_good(state, "{\"exec\": [\"sh\"], \"workers\": \"max-1\"}");
    assert_int_equal(spec.policy.workers, all > 1 ? all - 1 : 1);
    spec_release(&spec);
    spec = pin_good(state, "{\"exec\": [\"sh\"], \"workers\": 3}");
    assert_int_equal(spec.policy.workers, 3);
    spec_release(&spec);
}

static void pin_everything_missing_is_told_at_once_in_order(void **state)
{
    expect_complaints(
        state,
        "{\"check\": [\"./no-check\"], \"working_directory\": \".\",\n"
        "\"exec\": [\"/no/such\"],\n"
        "\"environment_file\": \"no.env\",\n"
        "\"listen\": [{\"stream\": \"/s\", \"group\": \"no-group\", \"owner\": "
        "\"no-owner\"}],\n"
        "\"group\": \"no-such\",\n"
        "\"user\": \"no-one\"}",
        "web.json:1:12: $.check[0]: expected a program that can be executed, found "
        "\"./no-check\": No such file or directory (from DIR)\n"
        "web.json:2:10: $.exec[0]: expected a program that can be executed, found "
        "\"/no/such\": No such file or directory\n"
        "web.json:3:21: $.environment_file: expected a file that can be read, found "
        "\"DIR/no.env\": No such file or directory\n"
        "web.json:4:38: $.listen[0].group: expected a group of this machine, found "
        "\"no-group\": there is none of that name\n"
        "web.json:4:59: $.listen[0].owner: expected a user of this machine, found "
        "\"no-owner\": there is none of that name\n"
        "web.json:5:10: $.group: expected a group of this machine, found \"no-such\": there "
        "is none of that name\n"
        "web.json:6:9: $.user: expected a user of this machine, found \"no-one\": there is "
        "none of that name\n");
}

static void pin_mistakes_of_the_file_hide_nothing_else(void **state)
{
    expect_complaints(
        state,
        "{\"exec\": [\"nod\", 1], \"worker\": 2,\n"
        "\"environment\": {\"PATH\": \"/no\", \"PORT\": 80},\n"
        "\"check\": [\"nod\"], \"listen\": [{\"stream\": 1, \"owner\": \"no-owner\"}]}",
        "web.json:1:11: $.exec[0]: expected a program that can be executed, found \"nod\": No "
        "such file or directory in PATH (/no)\n"
        "web.json:1:18: $.exec[1]: expected a string, found 1\n"
        "web.json:1:22: $.worker: expected a known key (did you mean \"workers\"?), found "
        "\"worker\"\n"
        "web.json:2:40: $.environment.PORT: expected a string (in quotes), found 80\n"
        "web.json:3:11: $.check[0]: expected a program that can be executed, found \"nod\": "
        "No such file or directory in PATH (/no)\n"
        "web.json:3:41: $.listen[0].stream: expected an address such as \"127.0.0.1:8080\", "
        "\"[::1]:8080\", \"8080\" or \"/run/web.sock\", found 1\n"
        "web.json:3:53: $.listen[0].owner: expected a user of this machine, found "
        "\"no-owner\": there is none of that name\n");
}

/* Where the folder, the PATH or the program itself is in doubt. */
static void pin_consequences_of_a_mistake_are_not_told(void **state)
{
    static const struct {
        const char *text;
        const char *errors;
    } cases[] = {
        {"{\"exec\": [\"./no\"], \"working_directory\": 3}",
         "web.json:1:41: $.working_directory: expected a path, found 3\n"},
        {"{\"exec\": [\"./no\"], \"working_dir\": \"x\"}",
         "web.json:1:20: $.working_dir: expected a known key (did you mean "
         "\"working_directory\"?), found \"working_dir\"\n"},
        {"{\"exec\": [\"./no\"], \"working_directory\": \"no\"}",
         "web.json:1:41: $.working_directory: expected a folder that can be entered, found "
         "\"DIR/no\": No such file or directory\n"},
        {"{\"exec\": [\"no\"], \"environment\": []}",
         "web.json:1:33: $.environment: expected an object of strings, such as "
         "{\"NODE_ENV\": \"production\"}, found an empty array\n"},
        {"{\"exec\": [\"no\"], \"environment\": {\"PATH\": 1}}",
         "web.json:1:42: $.environment.PATH: expected a string (in quotes), found 1\n"},
        {"{\"exec\": [\"no\"], \"environment_file\": \"no\"}",
         "web.json:1:38: $.environment_file: expected a file that can be read, found "
         "\"DIR/no\": No such file or directory\n"},
        {"{\"exec\": [\"no\"], \"enviroment_file\": \"no\"}",
         "web.json:1:18: $.enviroment_file: expected a known key (did you mean "
         "\"environment_file\"?), found \"enviroment_file\"\n"},
        {"{\"exec\": [\"no\"], \"environment_file\": \"bad.env\"}",
         "web.json:1:38: $.environment_file: expected lines NAME=value, found a line without "
         "\"=\" in DIR/bad.env:1\n"},
        {"{\"exec\": [3]}", "web.json:1:11: $.exec[0]: expected a string, found 3\n"},
        {"{\"exec\": [\"sh\"], \"listen\": [{\"stream\": \"80\", \"owner\": \"no\"}]}",
         "web.json:1:46: $.listen[0].owner: expected a key that TCP sockets have (this is for "
         "unix sockets), found \"owner\"\n"},
    };

    write_file(state, "bad.env", 0644, "PATH\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_complaints(state, cases[i].text, cases[i].errors);
}

static void pin_program_that_hangs_on_no_mistake_is_told(void **state)
{
    expect_complaints(state, "{\"exec\": [\"/no\"], \"working_directory\": 3}",
                      "web.json:1:11: $.exec[0]: expected a program that can be executed, "
                      "found \"/no\": No such file or directory\n"
                      "web.json:1:40: $.working_directory: expected a path, found 3\n");
    expect_complaints(state,
                      "{\"exec\": [\"no\"], \"environment_file\": \"no\", \"environment\": "
                      "{\"PATH\": \"/no\"}}",
                      "web.json:1:11: $.exec[0]: expected a program that can be executed, "
                      "found \"no\": No such file or directory in PATH (/no)\n"
                      "web.json:1:38: $.environment_file: expected a file that can be read, "
                      "found \"DIR/no\": No such file or directory\n");
}

static void pin_number_of_no_user_needs_a_group(void **state)
{
    struct spec spec =
        pin_good(state, "{\"exec\": [\"sh\"], \"user\": \"3999999999\", \"group\": \"0\"}");

    spec_release(&spec);
    spec = pin_good(state, "{\"exec\": [\"sh\"], \"user\": \"0\"}");
    spec_release(&spec);
    expect_complaints(state, "{\"exec\": [\"sh\"], \"user\": \"3999999999\"}",
                      "web.json:1:26: $.user: expected a user of this machine, or \"group\" "
                      "beside a number, found \"3999999999\": no user has this number\n");
    expect_complaints(state, "{\"exec\": [\"sh\"], \"user\": \"3999999999\", \"group\": 1}",
                      "web.json:1:49: $.group: expected the name or number of a group, as a "
                      "string, found 1\n");
}

static void pin_script_without_interpreter_says_so(void **state)
{
    write_file(state, "app", 0755, "#!/no/such/ruby -w\n");
    expect_complaints(state, "{\"exec\": [\"./app\"], \"working_directory\": \".\"}",
                      "web.json:1:11: $.exec[0]: expected a script whose interpreter can be "
                      "executed, found \"/no/such/ruby\": not there, or not to be executed\n");
}

static void pin_what_is_no_file_or_folder_says_so(void **state)
{
    char path[PATH_MAX];

    write_file(state, "plain", 0644, "");
    assert_int_equal(mkfifo(scratch_path(state, "pipe", path), 0644), 0);
    expect_complaints(state,
                      "{\"exec\": [\"sh\"], \"working_directory\": \"plain\", "
                      "\"environment_file\": \".\"}",
                      "web.json:1:39: $.working_directory: expected a folder that can be "
                      "entered, found \"DIR/plain\": Not a directory\n"
                      "web.json:1:68: $.environment_file: expected a file that can be read, "
                      "found \"DIR/.\": Is a directory\n");
    expect_complaints(state, "{\"exec\": [\"sh\"], \"environment_file\": \"pipe\"}",
                      "web.json:1:38: $.environment_file: expected a file that can be read, "
                      "found \"DIR/pipe\": Invalid argument\n");
}

static void pin_every_line_of_an_environment_file_is_told(void **state)
{
    write_file(state, "a\nb", 0644, "A\nB=1\nC D=2\nLISTEN_FDS=1\n");
    expect_complaints(
        state, "{\"exec\": [\"sh\"], \"environment_file\": \"a\\nb\"}",
        "web.json:1:38: $.environment_file: expected lines NAME=value, found a line without "
        "\"=\" in DIR/a\\nb:1\n"
        "web.json:1:38: $.environment_file: expected lines NAME=value, found a name of other "
        "characters than letters, digits and \"_\" in DIR/a\\nb:3\n"
        "web.json:1:38: $.environment_file: expected lines NAME=value, found a variable that "
        "reloadd sets itself, or keeps back in DIR/a\\nb:4\n");
}

static void pin_with_failures(void **state, const char *text, int expected)
{
    int r = -ENOMEM;

    for (long n = 0; r == -ENOMEM; n++) {
        struct config_errors errors = {0};
        struct spec spec = {0};

        assert_true(n < 10000);
        fail_allocation_after(n);
        r = pin_text(state, text, &spec, &errors);
        fail_no_allocation();
        spec_release(&spec);
        config_errors_release(&errors);
    }
    assert_int_equal(r, expected);
}

static void pin_out_of_memory_says_so(void **state)
{
    write_file(state, "web.env", 0644, "A=file\n");
    write_file(state, "app", 0755, "#!/bin/sh\n");
    pin_with_failures(state,
                      "{\"exec\": [\"./app\"], \"working_directory\": \".\", "
                      "\"environment_file\": \"web.env\", \"check\": [\"sh\"]}",
                      0);
    pin_with_failures(state,
                      "{\"exec\": [\"./no\"], \"working_directory\": \".\", "
                      "\"environment_file\": \"no.env\", \"check\": [\"no\"], \"worker\": 1}",
                      1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(pin_release_behind_a_link_gives_real_paths),
        scratch_test(pin_without_directory_is_where_the_primary_is),
        scratch_test(pin_environment_file_counts_from_the_file),
        scratch_test(pin_program_is_looked_for_in_the_workers_path),
        scratch_test(pin_workers_are_counted),
        scratch_test(pin_everything_missing_is_told_at_once_in_order),
        scratch_test(pin_mistakes_of_the_file_hide_nothing_else),
        scratch_test(pin_consequences_of_a_mistake_are_not_told),
        scratch_test(pin_program_that_hangs_on_no_mistake_is_told),
        scratch_test(pin_number_of_no_user_needs_a_group),
        scratch_test(pin_script_without_interpreter_says_so),
        scratch_test(pin_what_is_no_file_or_folder_says_so),
        scratch_test(pin_every_line_of_an_environment_file_is_told),
        scratch_test(pin_out_of_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
