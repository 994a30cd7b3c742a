/* What `delivery` and `listen` say together. */
#include "wire/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define EXEC "\"exec\": [\"/bin/true\"]"

static void decode_says_what_is_discovered(void **state)
{
    static const struct {
        const char *text;
        enum delivery delivery;
        bool discovers;
    } trials[] = {
        {"{" EXEC "}", DELIVERY_AUTO, true},
        {"{" EXEC ", \"listen\": []}", DELIVERY_AUTO, false},
        {"{" EXEC ", \"listen\": [\"8080\"]}", DELIVERY_AUTO, false},
        {"{" EXEC ", \"delivery\": {\"type\": \"capture\"}}", DELIVERY_CAPTURE, true},
        {"{\"delivery\": {\"type\": \"inherit\"}, " EXEC "}", DELIVERY_INHERIT, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        struct config_errors errors = {0};
        struct spec spec;

        assert_int_equal(
            config_decode(trials[i].text, strlen(trials[i].text), 0, &spec, &errors), 0);
        assert_int_equal(spec.delivery, trials[i].delivery);
        assert_int_equal(spec.discovers, trials[i].discovers);
        spec_release(&spec);
    }
}

static void decode_placeholder_with_capture_is_refused(void **state)
{
    static const char *const trials[] = {
        "{\"exec\": [\"x\", \"{fd:a}\"], \"delivery\": {\"type\": \"capture\"}}",
        "{\"exec\": [\"x\", \"{fd:a}\"], \"delivery\": {\"type\": \"capture\"}, "
        "\"listen\": [{\"name\": \"a\", \"stream\": \"80\"}]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        struct config_errors errors = {0};
        _cleanup_free_ char *line = NULL;
        struct spec spec;

        assert_int_equal(config_decode(trials[i], strlen(trials[i]), 0, &spec, &errors), 1);
        assert_int_equal(errors.n, 1);
        assert_int_equal(config_error_format(&errors.list[0], "web.json", &line), 0);
        assert_non_null(strstr(line, "$.exec[1]: expected no {fd:NAME}"));
        spec_release(&spec);
        config_errors_release(&errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_says_what_is_discovered),
        cmocka_unit_test(decode_placeholder_with_capture_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
