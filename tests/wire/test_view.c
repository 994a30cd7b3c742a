#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <signal.h>
#include <string.h>

#include "base/text.h"
#include "wire/call_shape.h"
#include "wire/view_shape.h"

/* The tables against docs/io.reloadd.varlink: each is written as Varlink would have it, and
 * must be found there word for word, but for white space. */

/* The interface without comments and white space. */
static char *squeeze(const char *text)
{
    char *squeezed = malloc(strlen(text) + 1);
    char *to = squeezed;

    assert_non_null(squeezed);
    while (*text) {
        if (*text == '#')
            text += strcspn(text, "\n");
        else if (isspace((unsigned char)*text))
            text++;
        else
            *to++ = *text++;
    }
    *to = 0;
    return squeezed;
}

static const char *varlink_type(const struct member *member)
{
    switch (member->type) {
    case MEMBER_BOOL:
        return "bool";
    case MEMBER_U32:
    case MEMBER_I32:
    case MEMBER_U64:
    case MEMBER_INT:
    case MEMBER_OPTIONAL_INT:
        return "int";
    case MEMBER_FLOAT:
    case MEMBER_OPTIONAL_FLOAT:
        return "float";
    case MEMBER_ENUM:
    case MEMBER_TEXT:
        return "string";
    case MEMBER_TEXTS:
        return "[]string";
    case MEMBER_INTS:
        return "[]int";
    case MEMBER_OBJECT:
    case MEMBER_OBJECT_AT:
    case MEMBER_OBJECTS:
        return member->shape->name;
    case MEMBER_INSTANT:
    case MEMBER_WALL:
    case MEMBER_SHARE:
        break;
    }
    fail_msg("\"%s\" is of no Varlink type", member->name);
    return "";
}

static void write_members(struct text *text, const struct shape *shape)
{
    assert_int_equal(text_append_string(text, "("), 0);
    for (size_t i = 0; i < shape->member_n; i++) {
        const struct member *member = &shape->members[i];

        assert_int_equal(text_appendf(text, "%s%s:%s%s%s", i ? "," : "", member->name,
                                      member->optional ? "?" : "",
                                      member->type == MEMBER_OBJECTS ? "[]" : "",
                                      varlink_type(member)),
                         0);
    }
    assert_int_equal(text_append_string(text, ")"), 0);
}

static void assert_published(const char *interface, struct text *text)
{
    if (!strstr(interface, text_string(text)))
        fail_msg("docs/io.reloadd.varlink lacks %s", text_string(text));
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

static void every_type_is_as_published(void **state)
{
    static const struct shape *const types[] = {
        &listener_shape, &failure_shape, &connections_shape, &worker_shape,
        &slot_shape,     &rollout_shape, &outcome_shape,     &recovered_shape,
        &app_shape,      &entry_shape,   &step_shape,        &line_shape,
    };
    _cleanup_free_ char *interface = squeeze(interface_text);

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        _cleanup_text_ struct text text = {0};

        assert_int_equal(text_appendf(&text, "type%s", types[i]->name), 0);
        write_members(&text, types[i]);
        assert_published(interface, &text);
    }
    assert_int_equal(count(interface_text, "\ntype "), sizeof(types) / sizeof(types[0]));
}

static void every_method_is_as_published(void **state)
{
    static const struct shape nothing = {.name = "nothing"};
    static const struct shape *const replies[METHOD_N] = {
        [METHOD_STATUS] = &status_shape,   [METHOD_RELOAD] = &progress_shape,
        [METHOD_FOLLOW] = &progress_shape, [METHOD_SCALE] = &scale_shape,
        [METHOD_STOP] = &nothing,          [METHOD_LOGS] = &logs_shape,
        [METHOD_HISTORY] = &history_shape, [METHOD_UPGRADE] = &nothing,
    };
    _cleanup_free_ char *interface = squeeze(interface_text);
    size_t n = 0;

    (void)state;
    for (enum method method = 0; method < METHOD_N; method++) {
        _cleanup_text_ struct text text = {0};
        const char *name = method_name(method);

        if (strncmp(name, INTERFACE_NAME, strlen(INTERFACE_NAME)) != 0)
            continue;
        n++;
        assert_int_equal(text_appendf(&text, "method%s", strrchr(name, '.') + 1), 0);
        write_members(&text, method_shape(method));
        assert_int_equal(text_append_string(&text, "->"), 0);
        if (replies[method])
            write_members(&text, replies[method]);
        assert_published(interface, &text);
    }
    assert_int_equal(count(interface_text, "\nmethod "), n);
}

static void every_error_is_as_published(void **state)
{
    _cleanup_free_ char *interface = squeeze(interface_text);
    size_t n = 0;

    (void)state;
    for (enum error_kind kind = ERROR_NONE + 1; kind < ERROR_UNKNOWN; kind++) {
        _cleanup_text_ struct text text = {0};
        const char *name = error_kind_name(kind);

        if (strncmp(name, INTERFACE_NAME ".", strlen(INTERFACE_NAME) + 1) != 0)
            continue;
        n++;
        assert_int_equal(text_appendf(&text, "error%s", strrchr(name, '.') + 1), 0);
        write_members(&text, error_shape(kind));
        assert_published(interface, &text);
    }
    assert_int_equal(count(interface_text, "\nerror "), n);
}

static void fill_from_no_reason_says_so(void **state)
{
    struct failure_view failure = {.code = {true, 5}};

    (void)state;
    assert_false(failure_view_fill(&(struct reason){0}, "", NULL, 0, &failure));
    assert_int_equal(failure.code.value, 5);
}

static void fill_from_signal_names_it(void **state)
{
    const struct reason reason = {CAUSE_SIGNALED, SIGSEGV, 12, 0, 3};
    struct failure_view failure;

    (void)state;
    assert_true(failure_view_fill(&reason, "text", NULL, 0, &failure));
    assert_string_equal(failure.cause, "signaled");
    assert_string_equal(failure.signal, "SIGSEGV");
    assert_int_equal(failure.code.value, SIGSEGV);
    assert_true(failure.worker.present && failure.worker.value == 12);
    assert_true(failure.slot.present && failure.slot.value == 0);
    assert_true(failure.revision.present && failure.revision.value == 3);
}

static void fill_from_real_time_signal_has_its_number_alone(void **state)
{
    const struct reason reason = {.cause = CAUSE_SIGNALED, .code = 34};
    struct failure_view failure;

    (void)state;
    assert_true(failure_view_fill(&reason, "text", NULL, 0, &failure));
    assert_null(failure.signal);
    assert_int_equal(failure.code.value, 34);
    assert_false(failure.worker.present);
    assert_false(failure.slot.present);
}

static void fill_from_exit_with_0_has_the_code(void **state)
{
    const struct reason reason = {.cause = CAUSE_EXITED};
    struct failure_view failure;

    (void)state;
    assert_true(failure_view_fill(&reason, "text", NULL, 0, &failure));
    assert_true(failure.code.present && failure.code.value == 0);
    assert_null(failure.signal);
}

static void fill_from_cause_without_code_has_none(void **state)
{
    const struct reason reason = {.cause = CAUSE_NOT_READY, .worker = 1, .revision = 2};
    struct failure_view failure;

    (void)state;
    assert_true(failure_view_fill(&reason, "text", NULL, 0, &failure));
    assert_false(failure.code.present);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_as_published),
        cmocka_unit_test(every_method_is_as_published),
        cmocka_unit_test(every_error_is_as_published),
        cmocka_unit_test(fill_from_no_reason_says_so),
        cmocka_unit_test(fill_from_signal_names_it),
        cmocka_unit_test(fill_from_real_time_signal_has_its_number_alone),
        cmocka_unit_test(fill_from_exit_with_0_has_the_code),
        cmocka_unit_test(fill_from_cause_without_code_has_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
