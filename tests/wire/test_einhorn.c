#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "wire/einhorn.h"

static void parse_of_acknowledgement_gives_the_pid(void **state)
{
    static const char *const lines[] = {
        "{\"command\":\"worker:ack\",\"pid\":4242}\n",
        "{\"pid\":4242, \"command\":\"worker:ack\", \"id\":\"x\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int32_t pid = 0;

        assert_int_equal(einhorn_ack_parse(lines[i], strlen(lines[i]), &pid), 0);
        assert_int_equal(pid, 4242);
    }
}

static void parse_of_anything_else_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "\n",
        "worker:ack 12\n",
        "{\"command\":\"worker:ack\"}\n",
        "{\"command\":\"worker:ack\",\"pid\":0}\n",
        "{\"command\":\"worker:ack\",\"pid\":-7}\n",
        "{\"command\":\"worker:ack\",\"pid\":2147483648}\n",
        "{\"command\":\"worker:ack\",\"pid\":\"4242\"}\n",
        "{\"command\":\"worker:stop\",\"pid\":4242}\n",
        "{\"pid\":4242}\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        int32_t pid = 5;

        assert_int_equal(einhorn_ack_parse(lines[i], strlen(lines[i]), &pid), 1);
        assert_int_equal(pid, 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_of_acknowledgement_gives_the_pid),
        cmocka_unit_test(parse_of_anything_else_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
