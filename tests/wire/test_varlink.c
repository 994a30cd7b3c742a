#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/allocation.h"
#include "wire/varlink.h"

static int decode(const char *text, struct varlink_call *ret_call,
                  struct varlink_refusal *ret_refusal, struct fault *ret_fault)
{
    *ret_call = (struct varlink_call){0};
    *ret_refusal = (struct varlink_refusal){0};
    *ret_fault = (struct fault){""};
    return varlink_call_decode(text, strlen(text), ret_call, ret_refusal, ret_fault);
}

static void assert_same_text(const char *a, const char *b)
{
    assert_int_equal(a != NULL, b != NULL);
    if (a)
        assert_string_equal(a, b);
}

static void decode_encoded_call_gives_it_back(void **state)
{
    static char release[] = "v\xC3\xA4", interface[] = "io.reloadd";
    static const struct varlink_call calls[] = {
        {.method = METHOD_STATUS, .oneway = true},
        {.method = METHOD_RELOAD,
         .more = true,
         .release = release,
         .conflict = CONFLICT_REFUSE},
        {.method = METHOD_RELOAD},
        {.method = METHOD_FOLLOW, .revision = UINT64_MAX},
        {.method = METHOD_SCALE, .workers = SLOT_MAX},
        {.method = METHOD_STOP, .hurry = true},
        {.method = METHOD_LOGS,
         .more = true,
         .lines = {true, 0},
         .slot = {true, 0},
         .only_revision = {true, 7},
         .since = {true, 1795223700.25},
         .follow = true},
        {.method = METHOD_LOGS, .lines = {true, LOG_LINES_MAX}, .slot = {true, SLOT_MAX - 1}},
        {.method = METHOD_HISTORY},
        {.method = METHOD_EVENTS, .more = true},
        {.method = METHOD_UPGRADE, .more = true},
        {.method = METHOD_GET_INFO},
        {.method = METHOD_GET_INTERFACE_DESCRIPTION, .interface = interface},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        const struct varlink_call *call = &calls[i];
        _cleanup_(varlink_call_release) struct varlink_call again = {0};
        _cleanup_free_ char *text = NULL;
        struct varlink_refusal refusal;
        struct fault fault;

        assert_int_equal(varlink_call_encode(call, &text), 0);
        assert_int_equal(decode(text, &again, &refusal, &fault), 0);
        assert_int_equal(again.method, call->method);
        assert_int_equal(again.more, call->more);
        assert_int_equal(again.oneway, call->oneway);
        assert_same_text(again.release, call->release);
        assert_int_equal(again.conflict, call->conflict);
        assert_true(again.revision == call->revision);
        assert_int_equal(again.workers, call->workers);
        assert_int_equal(again.hurry, call->hurry);
        assert_int_equal(again.lines.value,
                         call->lines.present ? call->lines.value : LOG_LINES_DEFAULT);
        assert_int_equal(again.slot.present, call->slot.present);
        assert_int_equal(again.slot.value, call->slot.value);
        assert_int_equal(again.follow, call->follow);
        assert_same_text(again.interface, call->interface);
    }
}

static void encode_known_call_writes_known_text(void **state)
{
    const struct varlink_call call = {.method = METHOD_SCALE, .workers = 3};
    _cleanup_free_ char *text = NULL;

    (void)state;
    assert_int_equal(varlink_call_encode(&call, &text), 0);
    assert_string_equal(text,
                        "{\"method\":\"io.reloadd.Scale\",\"parameters\":{\"workers\":3}}");
}

static void decode_of_null_parameters_takes_the_defaults(void **state)
{
    static const char *const texts[] = {
        "{\"method\":\"io.reloadd.Logs\"}",
        "{\"method\":\"io.reloadd.Logs\",\"parameters\":null,\"more\":null}",
        "{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"lines\":null,\"slot\":null}}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        _cleanup_(varlink_call_release) struct varlink_call call = {0};
        struct varlink_refusal refusal;
        struct fault fault;

        assert_int_equal(decode(texts[i], &call, &refusal, &fault), 0);
        assert_int_equal(call.lines.value, LOG_LINES_DEFAULT);
        assert_false(call.slot.present);
        assert_false(call.more);
    }
}

static void decode_of_wrong_call_is_refused_by_name(void **state)
{
    static const struct {
        const char *text;
        enum error_kind kind;
        const char *subject;
    } cases[] = {
        {"{\"method\":\"io.reloadd.Restart\"}", ERROR_METHOD_NOT_FOUND, "io.reloadd.Restart"},
        {"{\"method\":\"io.reloadd.\"}", ERROR_METHOD_NOT_FOUND, "io.reloadd."},
        {"{\"method\":\"io.other.Status\"}", ERROR_INTERFACE_NOT_FOUND, "io.other"},
        {"{\"method\":\"Status\"}", ERROR_INTERFACE_NOT_FOUND, ""},
        {"{\"method\":\"io.reloadd.Status\",\"upgrade\":true}", ERROR_METHOD_NOT_IMPLEMENTED,
         "io.reloadd.Status"},
        {"{\"method\":\"io.reloadd.Status\",\"parameters\":{\"app\":\"web\"}}",
         ERROR_INVALID_PARAMETER, "app"},
        {"{\"method\":\"io.reloadd.Follow\"}", ERROR_INVALID_PARAMETER, "revision"},
        {"{\"method\":\"io.reloadd.Follow\",\"parameters\":{\"revision\":null}}",
         ERROR_INVALID_PARAMETER, "revision"},
        {"{\"method\":\"io.reloadd.Follow\",\"parameters\":{\"revision\":-1}}",
         ERROR_INVALID_PARAMETER, "revision"},
        {"{\"method\":\"io.reloadd.Scale\",\"parameters\":{\"workers\":0}}",
         ERROR_INVALID_PARAMETER, "workers"},
        {"{\"method\":\"io.reloadd.Scale\",\"parameters\":{\"workers\":1025}}",
         ERROR_INVALID_PARAMETER, "workers"},
        {"{\"method\":\"io.reloadd.Scale\",\"parameters\":{\"workers\":2.0}}",
         ERROR_INVALID_PARAMETER, "workers"},
        {"{\"method\":\"io.reloadd.Stop\",\"parameters\":{\"hurry\":1}}",
         ERROR_INVALID_PARAMETER, "hurry"},
        {"{\"method\":\"io.reloadd.Reload\",\"parameters\":{\"conflict\":\"fight\"}}",
         ERROR_INVALID_PARAMETER, "conflict"},
        {"{\"method\":\"io.reloadd.Reload\",\"parameters\":{\"release\":7}}",
         ERROR_INVALID_PARAMETER, "release"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"slot\":1024}}",
         ERROR_INVALID_PARAMETER, "slot"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"slot\":-1}}",
         ERROR_INVALID_PARAMETER, "slot"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"revision\":\"7\"}}",
         ERROR_INVALID_PARAMETER, "revision"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"since\":\"today\"}}",
         ERROR_INVALID_PARAMETER, "since"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"lines\":-1}}",
         ERROR_INVALID_PARAMETER, "lines"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"lines\":100001}}",
         ERROR_INVALID_PARAMETER, "lines"},
        {"{\"method\":\"io.reloadd.Logs\",\"parameters\":{\"follow\":true}}",
         ERROR_EXPECTED_MORE, ""},
        {"{\"method\":\"io.reloadd.Events\"}", ERROR_EXPECTED_MORE, ""},
        {"{\"method\":\"org.varlink.service.GetInterfaceDescription\"}",
         ERROR_INVALID_PARAMETER, "interface"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct varlink_call call;
        struct varlink_refusal refusal;
        struct fault fault;

        assert_int_equal(decode(cases[i].text, &call, &refusal, &fault), VARLINK_REFUSED);
        assert_int_equal(refusal.kind, cases[i].kind);
        assert_string_equal(refusal.subject, cases[i].subject);
        assert_null(call.release);
    }
}

static void decode_of_refused_oneway_call_tells_that_no_answer_is_wanted(void **state)
{
    struct varlink_call call;
    struct varlink_refusal refusal;
    struct fault fault;

    (void)state;
    assert_int_equal(
        decode("{\"method\":\"io.reloadd.Nap\",\"oneway\":true}", &call, &refusal, &fault),
        VARLINK_REFUSED);
    assert_true(call.oneway);
}

static void decode_of_no_call_is_garbage(void **state)
{
    static const char *const texts[] = {
        "",
        "GET / HTTP/1.1\r\n\r\n",
        "[]",
        "{}",
        "{\"method\":7}",
        "{\"method\":null}",
        "{\"method\":\"io.reloadd.Status\",\"more\":1}",
        "{\"method\":\"io.reloadd.Status\",\"parameters\":[]}",
        "{\"method\":\"io.reloadd.Status\",\"mood\":true}",
        "{\"method\":\"io.reloadd.Status\"} {}",
        "{\"method\":\"io.reloadd.Status\",\"method\":\"io.reloadd.Stop\"}",
        "{\"method\":\"\xFF\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct varlink_call call;
        struct varlink_refusal refusal;
        struct fault fault;

        assert_int_equal(decode(texts[i], &call, &refusal, &fault), VARLINK_GARBAGE);
        assert_string_not_equal(fault.text, "");
    }
}

static void decode_of_long_names_cuts_the_subject(void **state)
{
    char text[600] = "{\"method\":\"io.reloadd.";
    size_t size = strlen(text);
    struct varlink_call call;
    struct varlink_refusal refusal;
    struct fault fault;

    (void)state;
    memset(text + size, 'x', 500);
    (void)snprintf(text + size + 500, sizeof(text) - size - 500, "\"}");
    assert_int_equal(decode(text, &call, &refusal, &fault), VARLINK_REFUSED);
    assert_int_equal(strlen(refusal.subject), sizeof(refusal.subject) - 1);
}

static void encode_without_memory_says_so(void **state)
{
    static char release[] = "v7";
    const struct varlink_call call = {.method = METHOD_RELOAD, .release = release};
    _cleanup_free_ char *text = NULL;
    int r = -ENOMEM;

    (void)state;
    for (unsigned n = 1; r != 0 && n < 1000; n++) {
        allocation_fail_at(n);
        r = varlink_call_encode(&call, &text);
        allocation_fail_at(0);
        assert_true(r == 0 || r == -ENOMEM);
    }
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_encoded_call_gives_it_back),
        cmocka_unit_test(encode_known_call_writes_known_text),
        cmocka_unit_test(decode_of_null_parameters_takes_the_defaults),
        cmocka_unit_test(decode_of_wrong_call_is_refused_by_name),
        cmocka_unit_test(decode_of_refused_oneway_call_tells_that_no_answer_is_wanted),
        cmocka_unit_test(decode_of_no_call_is_garbage),
        cmocka_unit_test(decode_of_long_names_cuts_the_subject),
        cmocka_unit_test(encode_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
