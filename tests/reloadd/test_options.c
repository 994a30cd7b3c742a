#include "reloadd/options.h"

#include "os/scratch.h"

#include "base/error.h"

#include <getopt.h>

enum { ARGUMENTS_MAX = 32 };

/* options_parse() of a command line whose first word is the program; what it said is dropped.
 */
static int parse(const char *const *words, struct options *ret_options)
{
    static char *argv[ARGUMENTS_MAX];
    int argc = 0;
    int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int r;

    assert_true(saved >= 0 && quiet >= 0);
    for (; words[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc];
    argv[argc] = NULL;
    optind = 0; /* starts getopt(3) anew */
    assert_int_equal(dup2(quiet, STDERR_FILENO), STDERR_FILENO);
    r = options_parse(argc, argv, ret_options);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    (void)close(quiet);
    return r;
}

#define PARSE(options, ...) parse((const char *const[]){"reloadd", __VA_ARGS__, NULL}, options)

static void parse_of_a_service_takes_its_configuration(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(PARSE(&options, "--config", "/etc/web.json"), 0);
    assert_int_equal(options.mode, OPTIONS_SERVE);
    assert_string_equal(options.config, "/etc/web.json");
    assert_null(options.command);
    assert_null(options.listen[0]);
    options_release(&options);
}

static void parse_in_the_foreground_takes_every_flag(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(PARSE(&options, "--foreground", "--listen", ":80", "-l", "/run/x.sock",
                           "-i", "max", "--name", "web", "--release", "v1", "--", "node",
                           "--listen", "app.js"),
                     0);
    assert_int_equal(options.mode, OPTIONS_FOREGROUND);
    assert_string_equal(options.listen[0], ":80");
    assert_string_equal(options.listen[1], "/run/x.sock");
    assert_null(options.listen[2]);
    assert_string_equal(options.workers, "max");
    assert_string_equal(options.name, "web");
    assert_string_equal(options.release, "v1");
    assert_string_equal(options.command[0], "node");
    assert_string_equal(options.command[1], "--listen");
    assert_string_equal(options.command[2], "app.js");
    assert_null(options.command[3]);
    options_release(&options);
}

static void parse_leaves_the_commands_own_flags_alone(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(PARSE(&options, "--foreground", "node", "--name", "inner"), 0);
    assert_null(options.name);
    assert_string_equal(options.command[1], "--name");
    options_release(&options);
}

static void parse_of_nothing_to_run_is_wrong(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(PARSE(&options, "--foreground"), 1);
    assert_int_equal(PARSE(&options, "--name", "web"), 1);
    assert_int_equal(PARSE(&options, "node", "app.js"), 1);
    assert_int_equal(PARSE(&options, "--check"), 1);
}

static void parse_of_an_unknown_flag_is_wrong(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(PARSE(&options, "--config", "x", "--wrokers", "3"), 1);
    assert_int_equal(PARSE(&options, "--config"), 1);
}

static void parse_of_help_and_version_needs_nothing_else(void **state)
{
    struct options options;

    (void)state;
    assert_int_equal(PARSE(&options, "--help"), 0);
    assert_int_equal(options.mode, OPTIONS_HELP);
    options_release(&options);
    assert_int_equal(PARSE(&options, "--version"), 0);
    assert_int_equal(options.mode, OPTIONS_VERSION);
    options_release(&options);
    assert_non_null(strstr(options_usage(), "--foreground"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_of_a_service_takes_its_configuration),
        cmocka_unit_test(parse_in_the_foreground_takes_every_flag),
        cmocka_unit_test(parse_leaves_the_commands_own_flags_alone),
        cmocka_unit_test(parse_of_nothing_to_run_is_wrong),
        cmocka_unit_test(parse_of_an_unknown_flag_is_wrong),
        cmocka_unit_test(parse_of_help_and_version_needs_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
