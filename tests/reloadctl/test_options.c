#include "reloadctl/options.h"

#include "reloadctl/captured.h"

#include <string.h>

static const struct options_form all = {
    .verb = "verb",
    .options = OPTION_BIT(OPTION_N) - 1,
};
static const struct options_form run = {
    .verb = "run",
    .options = OPTION_BIT(OPTION_NAME) | OPTION_BIT(OPTION_LISTEN) | OPTION_BIT(OPTION_WORKERS),
    .ends_at_operand = true,
};

enum {
    WORDS_MAX = 12,
};

/* argv of a command line whose words are divided by single spaces. */
struct command_line {
    char text[160];
    char *argv[WORDS_MAX + 1];
    int argc;
};

static int parse(struct command_line *line, const struct options_form *form, const char *text,
                 struct options *ret_options)
{
    *line = (struct command_line){0};
    (void)snprintf(line->text, sizeof(line->text), "%s %s", form->verb, text);
    for (char *word = strtok(line->text, " "); word; word = strtok(NULL, " ")) {
        assert_true(line->argc < WORDS_MAX);
        line->argv[line->argc++] = word;
    }
    return options_parse(form, line->argc, line->argv, ret_options);
}

static void parse_takes_options_around_operands(void **state)
{
    struct command_line line;
    struct options options;

    (void)state;
    assert_int_equal(
        parse(&line, &all, "web --json -t 1.5 --queue -n 7 x --worker=3", &options), 0);
    assert_true(options.json);
    assert_true(options.has_timeout);
    assert_int_equal(options.timeout.nanoseconds, 1500000000);
    assert_int_equal(options.conflict, CONFLICT_QUEUE);
    assert_int_equal(options.lines.value, 7);
    assert_int_equal(options.slot.value, 3);
    assert_int_equal(options.operand_n, 2);
    assert_string_equal(options.operands[0], "web");
    assert_string_equal(options.operands[1], "x");
    options_release(&options);
}

static void parse_without_options_has_the_defaults(void **state)
{
    struct command_line line;
    struct options options;

    (void)state;
    assert_int_equal(parse(&line, &all, "", &options), 0);
    assert_int_equal(options.timeout.nanoseconds, SPAN_FOREVER.nanoseconds);
    assert_int_equal(options.conflict, CONFLICT_SUPERSEDE);
    assert_false(options.has_timeout || options.json || options.lines.present ||
                 options.slot.present || options.no_wait);
    assert_int_equal(options.operand_n, 0);
    options_release(&options);
}

static void parse_of_a_command_leaves_its_options_alone(void **state)
{
    struct command_line line;
    struct options options;

    (void)state;
    assert_int_equal(parse(&line, &run, "-l a --listen b -i max node --name x", &options), 0);
    assert_int_equal(options.listen_n, 2);
    assert_string_equal(options.listen[0], "a");
    assert_string_equal(options.listen[1], "b");
    assert_string_equal(options.workers, "max");
    assert_null(options.name);
    assert_int_equal(options.operand_n, 3);
    options_release(&options);
    assert_int_equal(parse(&line, &run, "--name y -- --name x", &options), 0);
    assert_string_equal(options.name, "y");
    assert_int_equal(options.operand_n, 2);
    options_release(&options);
}

static void parse_of_wrong_values_fails(void **state)
{
    static const char *const wrong[] = {
        "--timeout",    "--timeout x", "--timeout 1x",     "--timeout inf",    "--timeout 1e9",
        "--timeout -1", "--lines 1e3", "--lines 100001",   "--worker 1024",    "--worker +1",
        "--json=1",     "-Z",          "--queue --refuse", "--no-such-option", "--listen x -l",
    };
    struct command_line line;
    struct options options;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(parse(&line, &all, wrong[i], &options), 1);
    assert_int_equal(parse(&line, &run, "--json", &options), 1);
}

static void number_outside_its_range_is_none(void **state)
{
    int64_t number = 0;

    (void)state;
    assert_int_equal(number_parse("12", 1, 12, &number), 0);
    assert_int_equal(number, 12);
    assert_int_equal(number_parse("13", 1, 12, &number), 1);
    assert_int_equal(number_parse("-1", 0, 12, &number), 1);
    assert_int_equal(number_parse(" 1", 0, 12, &number), 1);
    assert_int_equal(number_parse("", 0, 12, &number), 1);
    assert_int_equal(number_parse("99999999999999999999", 0, INT64_MAX, &number), 1);
}

static void help_tells_letter_name_and_value(void **state)
{
    struct captured captured;

    (void)state;
    captured_open(&captured);
    options_write_help(captured.stream, OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_WORKER));
    captured_assert(
        &captured,
        "  -j, --json                write JSON: one object, or a line for each event\n"
        "      --worker SLOT         of the workers in this slot alone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_takes_options_around_operands),
        cmocka_unit_test(parse_without_options_has_the_defaults),
        cmocka_unit_test(parse_of_a_command_leaves_its_options_alone),
        cmocka_unit_test(parse_of_wrong_values_fails),
        cmocka_unit_test(number_outside_its_range_is_none),
        cmocka_unit_test(help_tells_letter_name_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
