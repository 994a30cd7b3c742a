#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/exec_status.h"

#include <errno.h>
#include <string.h>

static void decode_of_encode_any_step_gives_it_back(void **state)
{
    (void)state;
    for (enum exec_step step = 0; step < EXEC_STEP_N; step++) {
        char line[EXEC_STATUS_LINE_MAX];
        struct exec_status status;
        size_t size = exec_status_encode(step, ENOENT + (int)step, "/srv/a b", line);

        assert_int_equal(exec_status_decode(line, size, &status), 0);
        assert_int_equal(status.step, step);
        assert_int_equal(status.error, ENOENT + (int)step);
        assert_string_equal(status.detail, "/srv/a b");
    }
}

static void encode_known_failure_writes_the_documented_line(void **state)
{
    static const char expected[] = "reloadd-exec 1 directory 2 /srv/web/current\n";
    char line[EXEC_STATUS_LINE_MAX];
    size_t size = exec_status_encode(EXEC_STEP_DIRECTORY, ENOENT, "/srv/web/current", line);

    (void)state;
    assert_int_equal(size, sizeof expected - 1);
    assert_memory_equal(line, expected, size);
}

static void encode_long_detail_cuts_it_and_stays_readable(void **state)
{
    char detail[4 * EXEC_STATUS_LINE_MAX];
    char line[EXEC_STATUS_LINE_MAX];
    struct exec_status status;
    size_t size;

    (void)state;
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    size = exec_status_encode(EXEC_STEP_ENVIRONMENT, 4095, detail, line);
    assert_true(size <= EXEC_STATUS_LINE_MAX);
    assert_int_equal(exec_status_decode(line, size, &status), 0);
    assert_int_equal(strlen(status.detail), EXEC_STATUS_DETAIL_MAX - 1);
}

static void encode_control_characters_keeps_one_line(void **state)
{
    char line[EXEC_STATUS_LINE_MAX];
    struct exec_status status;
    size_t size = exec_status_encode(EXEC_STEP_EXEC, EACCES, "a\nb\x1b", line);

    (void)state;
    assert_int_equal(exec_status_decode(line, size, &status), 0);
    assert_string_equal(status.detail, "a?b?");
}

static void decode_every_prefix_is_refused(void **state)
{
    char line[EXEC_STATUS_LINE_MAX];
    struct exec_status status;
    size_t size = exec_status_encode(EXEC_STEP_USER, EPERM, "deploy", line);

    (void)state;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(exec_status_decode(line, i, &status), 1);
}

static void decode_foreign_text_is_refused(void **state)
{
    static const char *const lines[] = {
        "\n",
        "reloadd-exec 2 user 1 x\n",
        "reloadd-exec 1 nothing 1 x\n",
        "reloadd-exec 1 user 0 x\n",
        "reloadd-exec 1 user 99999999999999999999 x\n",
        "reloadd-exec 1 user x y\n",
        "reloadd-exec 1 user 1 x\ny\n",
        "reloadd-exec 1 user 1\n",
    };
    struct exec_status status;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(exec_status_decode(lines[i], strlen(lines[i]), &status), 1);
}

static void describe_failure_says_step_and_cause(void **state)
{
    struct exec_status status = {.step = EXEC_STEP_EXEC, .error = EACCES, .detail = "/srv/app"};
    char text[128];

    (void)state;
    assert_string_equal(exec_status_describe(&status, text, sizeof text),
                        "could not run /srv/app: Permission denied");
    status.step = EXEC_STEP_INTERPRETER;
    assert_string_equal(exec_status_describe(&status, text, sizeof text),
                        "the interpreter is missing of /srv/app");
    assert_int_equal(strlen(exec_status_describe(&status, text, 8)), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_of_encode_any_step_gives_it_back),
        cmocka_unit_test(encode_known_failure_writes_the_documented_line),
        cmocka_unit_test(encode_long_detail_cuts_it_and_stays_readable),
        cmocka_unit_test(encode_control_characters_keeps_one_line),
        cmocka_unit_test(decode_every_prefix_is_refused),
        cmocka_unit_test(decode_foreign_text_is_refused),
        cmocka_unit_test(describe_failure_says_step_and_cause),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
