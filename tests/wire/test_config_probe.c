/* The keys of the probe: what they may say, and beside what. */
#include "wire/config_text.h"

static void decode_probe_fills_its_members(void **state)
{
    struct spec spec = decode_good(
        "{" EXEC ", \"listen\": [\"/a\", {\"name\": \"web\", \"stream\": \"80\"}, \"81\"], "
        "\"readiness\": {\"type\": \"http\", \"path\": \"/healthz?a=%20\", \"expect\": "
        "[204, \"3xx\", \"200,201\"], \"host\": \"web.example\", \"interval_seconds\": 0.5, "
        "\"probe_timeout_seconds\": 3, \"failures\": 5, \"liveness\": true}}");

    (void)state;
    assert_int_equal(spec.policy.readiness, READINESS_HTTP);
    assert_string_equal(spec_probe_path(&spec), "/healthz?a=%20");
    assert_string_equal(spec_probe_expect(&spec), "204,3xx,200,201");
    assert_string_equal(spec.probe.host, "web.example");
    assert_int_equal(span_to_ms(spec.probe.interval), 500);
    assert_int_equal(span_to_ms(spec.probe.timeout), 3000);
    assert_int_equal(spec.probe.failures, 5);
    assert_true(spec.probe.liveness);
    assert_string_equal(spec_probed_listener(&spec)->name, "web");
    spec_release(&spec);
}

static void decode_probe_without_more_gives_defaults(void **state)
{
    struct spec spec = decode_good("{" EXEC ", \"readiness\": {\"type\": \"http\"}}");

    (void)state;
    assert_string_equal(spec_probe_path(&spec), "/");
    assert_string_equal(spec_probe_expect(&spec), "2xx");
    assert_int_equal(span_to_ms(spec.probe.interval), 1000);
    assert_int_equal(span_to_ms(spec.probe.timeout), 2000);
    assert_int_equal(spec.probe.failures, 3);
    assert_false(spec.probe.liveness);
    assert_null(spec_probed_listener(&spec));
    spec_release(&spec);
}

/* The values of "readiness" that are wrong, and what is said of each. */
static void decode_wrong_probe_is_told_with_its_place(void **state)
{
    static const struct {
        const char *readiness;
        const char *expected;
    } rows[] = {
        {"\"path\": \"healthz\"",
         "web.json:1:108: $.readiness.path: expected a path such as \"/healthz\", at most 1024 "
         "letters, with what is not ASCII as %XX, found \"healthz\"\n"},
        {"\"path\": \"/a b\"",
         "web.json:1:108: $.readiness.path: expected a path such as \"/healthz\", at most 1024 "
         "letters, with what is not ASCII as %XX, found \"/a b\"\n"},
        {"\"expect\": \"2xx,\"",
         "web.json:1:110: $.readiness.expect: expected an HTTP status such as \"2xx\", \"204\" "
         "or \"200,3xx\", found \"2xx,\"\n"},
        {"\"expect\": [200, 600]",
         "web.json:1:116: $.readiness.expect[1]: expected an HTTP status such as \"2xx\", "
         "\"204\" or \"200,3xx\", found 600\n"},
        {"\"expect\": []", "web.json:1:110: $.readiness.expect: expected at least one HTTP "
                           "status, found an empty "
                           "array\n"},
        {"\"host\": \"a\\r\\nb\"",
         "web.json:1:108: $.readiness.host: expected a name for the Host header, such as "
         "\"web.example\", found \"a\\r\\nb\"\n"},
        {"\"failures\": 0",
         "web.json:1:112: $.readiness.failures: expected a whole number from 1 to 1000, found "
         "0\n"},
        {"\"listener\": \"admin\"",
         "web.json:1:112: $.readiness.listener: expected the name of a TCP listener to ask "
         "workers over, found \"admin\"\n"},
        {"\"listener\": \"other\"",
         "web.json:1:112: $.readiness.listener: expected the name of a TCP listener to ask "
         "workers over, found \"other\"\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];

        (void)snprintf(text, sizeof(text),
                       "{" EXEC ", \"listen\": [\"80\", {\"name\": \"admin\", \"stream\": "
                       "\"/a\"}], \"readiness\": {\"type\": \"http\", %s}}",
                       rows[i].readiness);
        expect_error(text, rows[i].expected);
    }
}

static void decode_probe_beside_other_readiness_is_told(void **state)
{
    (void)state;
    expect_error(
        "{" EXEC ", \"readiness\": {\"path\": \"/\", \"liveness\": true}}",
        "web.json:1:31: $.readiness.path: expected readiness.type to be \"http\" beside "
        "this key, found \"auto\"\n"
        "web.json:1:44: $.readiness.liveness: expected readiness.type to be \"http\" or "
        "\"tcp\" beside this key, found \"auto\"\n");
    expect_error("{" EXEC ", \"readiness\": {\"type\": \"tcp\", \"expect\": 200}}",
                 "web.json:1:46: $.readiness.expect: expected readiness.type to be \"http\" "
                 "beside this key, found \"tcp\"\n");
}

static void decode_probe_that_nobody_can_be_asked_by_is_told(void **state)
{
    (void)state;
    expect_error(
        "{" EXEC ", \"listen\": [\"/a\"], \"readiness\": {\"type\": \"tcp\"}}",
        "web.json:1:57: $.readiness.type: expected a TCP listener to ask workers over, "
        "found none\n");
    expect_error("{" EXEC ", \"dispatch\": {\"type\": \"shared\"}, \"readiness\": {\"type\": "
                 "\"tcp\"}}",
                 "web.json:1:71: $.readiness.type: expected \"auto\", \"notify\" or \"delay\" "
                 "where dispatch.type is \"shared\", found \"tcp\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_probe_fills_its_members),
        cmocka_unit_test(decode_probe_without_more_gives_defaults),
        cmocka_unit_test(decode_wrong_probe_is_told_with_its_place),
        cmocka_unit_test(decode_probe_beside_other_readiness_is_told),
        cmocka_unit_test(decode_probe_that_nobody_can_be_asked_by_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
