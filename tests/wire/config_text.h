/* What the tests of the configuration share: a text, and what is said of it. */
#pragma once

#include "wire/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXEC "\"exec\": [\"a\"]"

/* All errors as lines, for comparison; the caller's. */
static char *format_errors(const struct config_errors *errors)
{
    char *all = strdup("");

    assert_non_null(all);
    for (size_t i = 0; i < errors->n; i++) {
        char *line, *longer;

        assert_int_equal(config_error_format(&errors->list[i], "web.json", &line), 0);
        assert_true(asprintf(&longer, "%s%s\n", all, line) >= 0);
        free(line);
        free(all);
        all = longer;
    }
    return all;
}

/* What was right is decoded, or else the spec is as it was. */
static char *errors_of(const char *text, size_t size)
{
    struct config_errors errors = {0};
    struct spec spec = {.drain_signal = 77};
    int r = config_decode(text, size, 0, &spec, &errors);
    char *all;

    assert_true(r == CONFIG_MISTAKEN || r == CONFIG_UNREADABLE);
    assert_int_equal(r == CONFIG_UNREADABLE, spec.drain_signal == 77);
    assert_int_equal(r == CONFIG_UNREADABLE, config_errors_has(&errors, "$"));
    spec_release(&spec);
    all = format_errors(&errors);
    config_errors_release(&errors);
    return all;
}

static void expect_error(const char *text, const char *expected)
{
    char *all = errors_of(text, strlen(text));

    assert_string_equal(all, expected);
    free(all);
}

static struct spec decode_good(const char *text)
{
    struct config_errors errors = {0};
    struct spec spec = {0};
    int r = config_decode(text, strlen(text), 0, &spec, &errors);
    char *all = format_errors(&errors);

    assert_string_equal(all, "");
    assert_int_equal(r, 0);
    free(all);
    config_errors_release(&errors);
    return spec;
}
