#include "wire/spec.h"

#include "wire/document.h"
#include "wire/fail_allocation.h"
#include "wire/strings.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *copy(const char *text)
{
    char *result = strdup(text);

    assert_non_null(result);
    return result;
}

static char **vector(const char *first, const char *second)
{
    const char *const words[] = {first, second};
    char **result;

    assert_int_equal(strings_copy(words, second != NULL ? 2 : 1, &result), 0);
    return result;
}

static void give_listeners(struct spec *spec)
{
    spec->listeners = calloc(2, sizeof(*spec->listeners));
    assert_non_null(spec->listeners);
    spec->listener_n = 2;
    spec->listeners[0] = (struct listener_spec){
        .name = copy("web"),
        .address = copy("[::1]:80"),
        .type = LISTENER_TCP,
        .host = copy("::1"),
        .port = 80,
        .mode = 0660,
        .backlog = 5,
        .polite_off = true,
    };
    spec->listeners[1] = (struct listener_spec){
        .name = copy("admin"),
        .address = copy("/run/x"),
        .type = LISTENER_UNIX,
        .mode = 0600,
        .owner = copy("root"),
        .group = copy("0"),
        .backlog = 4096,
        .configured = copy("/run/y"),
    };
}

/* Static: its padding is zero as well, so it can be compared as memory. */
static const struct policy whole_policy = {
    .workers = 3,
    .readiness = READINESS_DELAY,
    .readiness_timeout = {UINT64_C(9007199254740993)}, /* 2^53 + 1 */
    .readiness_delay = {1},
    .watchdog = SPAN_FOREVER,
    .min_ready = {4},
    .drain_timeout = {5},
    .progress_deadline = {6},
    .restart_initial = {7},
    .restart_max = {8},
    .restart_reset = {9},
    .recycle_age = {10},
    .recycle_memory = UINT64_C(9007199254740995),
    .max_surge = {25, true},
    .max_unavailable = {2, false},
    .max_failures = 11,
    .auto_rollback = true,
};

/* A spec with every member set to something of its own. */
static struct spec whole_spec(void)
{
    struct spec spec = {
        .exec = vector("node", "{fd:web}"),
        .working_directory = copy("current"),
        .environment = vector("A=1", "B=\"\\\n"),
        .environment_file = copy("/etc/web.env"),
        .user = copy("web"),
        .group = copy("staff"),
        .workers_type = WORKERS_MAX_OF_PROCESSORS,
        .dialects = DIALECT_LISTEN_FDS | DIALECT_STDIN,
        .drain_signal = SIGQUIT,
        .drain_detach = true,
        .dispatch = DISPATCH_SHARED,
        .drain_wait = DRAIN_WAIT_QUIET,
        .drain_idle = {UINT64_C(9007199254740997)},
        .check = vector("true", NULL),
        .release = copy("v\xff"),
        .pinned_executable = copy("/usr/bin/node"),
        .pinned_directory = copy("/srv/\xe9t\xe9"),
        .pinned_environment = vector("PATH=/bin", "X=\x80\x01"),
        .limits = {.memory_max = UINT64_C(9007199254740993),
                   .memory_high = 21,
                   .cpu_weight = 22,
                   .cpu_percent = 23,
                   .tasks_max = 24,
                   .rlimits = vector("nofile=1:2", "core=unlimited:unlimited")},
        .harden = true,
        .drain_polite_off = true,
        .delivery = DELIVERY_CAPTURE,
        .discovers = true,
    };

    memcpy(&spec.policy, &whole_policy, sizeof(spec.policy));
    give_listeners(&spec);
    return spec;
}

static char *encode(const struct spec *spec)
{
    char *text;

    assert_int_equal(spec_encode(spec, &text), 0);
    return text;
}

static void expect_vector(char **actual, char **expected)
{
    assert_int_equal(strings_count((const char *const *)actual),
                     strings_count((const char *const *)expected));
    for (size_t i = 0; expected[i] != NULL; i++)
        assert_string_equal(actual[i], expected[i]);
}

/* A spec without a probe says nothing of one, whatever the defaults are. */
static void probe_is_encoded_where_there_is_one_alone(void **state)
{
    struct spec spec = whole_spec(), again;
    char *text;

    (void)state;
    spec.probe = (struct probe_spec){.path = copy("/healthz"),
                                     .expect = copy("2xx,301"),
                                     .host = copy("a"),
                                     .listener = copy("web"),
                                     .interval = {31},
                                     .timeout = {32},
                                     .failures = 33,
                                     .liveness = true};
    text = encode(&spec);
    assert_null(strstr(text, "probe"));
    free(text);
    spec.policy.readiness = READINESS_HTTP;
    text = encode(&spec);
    assert_int_equal(spec_decode(text, strlen(text), &again), 0);
    assert_string_equal(again.probe.path, "/healthz");
    assert_string_equal(again.probe.expect, "2xx,301");
    assert_string_equal(again.probe.host, "a");
    assert_string_equal(again.probe.listener, "web");
    assert_int_equal(again.probe.interval.nanoseconds, 31);
    assert_int_equal(again.probe.timeout.nanoseconds, 32);
    assert_int_equal(again.probe.failures, 33);
    assert_true(again.probe.liveness);
    spec_release(&again);
    free(text);
    free(spec.probe.expect);
    spec.probe.expect = copy("2xx,");
    text = encode(&spec);
    assert_int_equal(spec_decode(text, strlen(text), &again), 1);
    free(text);
    spec_release(&spec);
}

static void decode_encoded_spec_is_the_same(void **state)
{
    struct spec spec = whole_spec(), again;
    char *text;
    char *text_again;

    (void)state;
    spec.left_out = vector("127.0.0.1:1 (one)", NULL);
    text = encode(&spec);
    assert_int_equal(spec_decode(text, strlen(text), &again), 0);
    assert_memory_equal(&again.policy, &spec.policy, sizeof(spec.policy));
    expect_vector(again.exec, spec.exec);
    expect_vector(again.environment, spec.environment);
    expect_vector(again.pinned_environment, spec.pinned_environment);
    assert_string_equal(again.pinned_directory, spec.pinned_directory);
    assert_string_equal(again.release, spec.release);
    assert_int_equal(again.limits.memory_max, spec.limits.memory_max);
    assert_int_equal(again.limits.memory_high, 21);
    assert_int_equal(again.limits.cpu_weight, 22);
    assert_int_equal(again.limits.cpu_percent, 23);
    assert_int_equal(again.limits.tasks_max, 24);
    expect_vector(again.limits.rlimits, spec.limits.rlimits);
    assert_true(again.harden);
    assert_true(again.drain_polite_off);
    assert_true(again.listeners[0].polite_off);
    assert_false(again.listeners[1].polite_off);
    assert_int_equal(again.delivery, DELIVERY_CAPTURE);
    assert_true(again.discovers);
    assert_int_equal(again.workers_type, spec.workers_type);
    assert_int_equal(again.dialects, spec.dialects);
    assert_int_equal(again.drain_signal, spec.drain_signal);
    assert_int_equal(again.drain_wait, DRAIN_WAIT_QUIET);
    assert_true(again.drain_idle.nanoseconds == spec.drain_idle.nanoseconds);
    assert_int_equal(again.listener_n, 2);
    assert_string_equal(again.listeners[0].host, "::1");
    assert_null(again.listeners[0].owner);
    assert_int_equal(again.listeners[1].type, LISTENER_UNIX);
    assert_int_equal(again.listeners[1].mode, 0600);
    assert_string_equal(again.listeners[1].owner, "root");
    assert_null(again.listeners[0].configured);
    assert_string_equal(again.listeners[1].configured, "/run/y");
    expect_vector(again.left_out, spec.left_out);

    text_again = encode(&again);
    assert_string_equal(text_again, text);
    free(text_again);
    free(text);
    spec_release(&again);
    spec_release(&spec);
}

static void decode_unpinned_spec_stays_unpinned(void **state)
{
    struct spec spec = {.exec = vector("a", NULL),
                        .workers_type = WORKERS_MAX_OF_PROCESSORS,
                        .drain_signal = 1};
    struct spec again;
    char *text = encode(&spec);

    (void)state;
    assert_int_equal(spec_decode(text, strlen(text), &again), 0);
    assert_int_equal(again.policy.workers, 0);
    assert_int_equal(again.listener_n, 0);
    assert_null(again.pinned_executable);
    assert_null(again.pinned_environment);
    assert_null(again.check);
    free(text);
    spec_release(&again);
    spec_release(&spec);
}

static void decode_without_any_member_is_refused(void **state)
{
    static const char *const optional[] = {"working_directory",
                                           "environment",
                                           "environment_file",
                                           "user",
                                           "group",
                                           "check",
                                           "pinned_executable",
                                           "pinned_directory",
                                           "release",
                                           "limits",
                                           "rlimits",
                                           "harden",
                                           "polite",
                                           "dispatch",
                                           "drain",
                                           "delivery",
                                           "discovers",
                                           "pinned_environment"};
    struct spec spec = whole_spec(), again;
    char *text = encode(&spec);
    json_t *object = json_loads(text, 0, NULL);
    const char *member;
    void *safe;
    json_t *value;
    size_t refused = 0;

    (void)state;
    json_object_foreach_safe(object, safe, member, value)
    {
        json_t *shorter = json_copy(object);
        char *shorter_text;
        int expected = 1;

        assert_int_equal(json_object_del(shorter, member), 0);
        for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
            if (strcmp(member, optional[i]) == 0)
                expected = 0;
        shorter_text = json_dumps(shorter, 0);
        assert_int_equal(spec_decode(shorter_text, strlen(shorter_text), &again), expected);
        if (expected == 0)
            spec_release(&again);
        else
            refused++;
        free(shorter_text);
        json_decref(shorter);
    }
    assert_int_equal(refused, 8);
    json_decref(object);
    free(text);
    spec_release(&spec);
}

/* A whole spec with one member replaced by other JSON. */
static void expect_refused(const char *member, const char *json)
{
    struct spec spec = whole_spec(), again;
    char *text = encode(&spec);
    json_t *object = json_loads(text, 0, NULL);
    char *changed;

    assert_int_equal(
        json_object_set_new(object, member, json_loads(json, JSON_DECODE_ANY, NULL)), 0);
    changed = json_dumps(object, 0);
    if (spec_decode(changed, strlen(changed), &again) != 1)
        fail_msg("%s took %s", member, json);
    free(changed);
    json_decref(object);
    free(text);
    spec_release(&spec);
}

static void decode_wrong_member_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"exec", "[]"},
        {"exec", "\"a\""},
        {"exec", "[1]"},
        {"user", "1"},
        {"user", "{\"hex\": \"6\"}"},
        {"user", "{\"hex\": \"6g\"}"},
        {"user", "{\"hex\": \"00\"}"},
        {"workers_type", "\"most\""},
        {"workers", "-1"},
        {"workers", "1025"},
        {"dialects", "[\"inetd\"]"},
        {"dialects", "{}"},
        {"drain_signal", "0"},
        {"drain_signal", "65"},
        {"drain_detach", "1"},
        {"dispatch", "\"steered\""},
        {"dispatch", "1"},
        {"drain", "[]"},
        {"polite", "\"off\""},
        {"drain", "{\"wait\": \"long\", \"idle_ns\": \"1\"}"},
        {"drain", "{\"wait\": \"auto\"}"},
        {"limits", "[]"},
        {"limits", "{\"memory_max\": -1}"},
        {"limits", "{\"tasks_max\": 4294967296}"},
        {"limits", "{\"cpu_weight\": \"1\"}"},
        {"rlimits", "\"nofile=1\""},
        {"harden", "1"},
        {"delivery", "1"},
        {"delivery", "\"catch\""},
        {"discovers", "1"},
        {"policy", "[]"},
        {"policy", "{}"},
        {"listeners", "{}"},
        {"listeners", "[1]"},
        {"listeners", "[{\"name\": \"\", \"address\": \"/a\", \"type\": \"unix\", \"port\": 0, "
                      "\"mode\": 0, \"backlog\": 1}]"},
        {"listeners", "[{\"name\": \"a\", \"address\": \"/a\", \"type\": \"tcp\", \"port\": 0, "
                      "\"mode\": 0, \"backlog\": 1}]"},
        {"listeners", "[{\"name\": \"a\", \"address\": \"/a\", \"type\": \"udp\", \"port\": 0, "
                      "\"mode\": 0, \"backlog\": 1}]"},
        {"listeners", "[{\"name\": \"a\", \"address\": \"/a\", \"type\": \"unix\", \"port\": "
                      "65536, \"mode\": 0, \"backlog\": 1}]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_refused(wrong[i][0], wrong[i][1]);
}

/* Written before there were limits: read, and written again as it was, for the same text means
 * the same revision after an upgrade. */
static void decode_first_format_is_the_same_revision_still(void **state)
{
    char *text = read_file(TEST_FIXTURES "/spec/format-1.json");
    struct spec spec;
    char *again;

    (void)state;
    text[strcspn(text, "\n")] = '\0';
    assert_int_equal(spec_decode(text, strlen(text), &spec), 0);
    assert_int_equal(spec.limits.memory_max, 0);
    assert_null(spec.limits.rlimits);
    assert_false(spec.harden);
    assert_int_equal(spec.drain_wait, DRAIN_WAIT_AUTO);
    assert_true(spec.drain_idle.nanoseconds == DRAIN_IDLE_DEFAULT.nanoseconds);
    assert_int_equal(spec.delivery, DELIVERY_INHERIT);
    assert_false(spec.discovers);
    assert_int_equal(spec.policy.recycle_age.nanoseconds, 0);
    again = encode(&spec);
    assert_string_equal(again, text);
    free(again);
    free(text);
    spec_release(&spec);
}

static void decode_text_that_is_no_object_is_refused(void **state)
{
    static const char *const texts[] = {"", "[]", "{",
                                        "{\"exec\": [\"a\"], \"exec\": [\"a\"]}"};
    struct spec spec;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(spec_decode(texts[i], strlen(texts[i]), &spec), 1);
}

static void encode_out_of_memory_says_so(void **state)
{
    struct spec spec = whole_spec();
    int r = -ENOMEM;

    (void)state;
    for (long n = 0; r == -ENOMEM; n++) {
        char *text = NULL;

        fail_allocation_after(n);
        r = spec_encode(&spec, &text);
        fail_no_allocation();
        assert_true(r == 0 || r == -ENOMEM);
        free(text);
    }
    spec_release(&spec);
}

static void decode_out_of_memory_says_so(void **state)
{
    struct spec spec = whole_spec(), again;
    char *text = encode(&spec);
    int r = -ENOMEM;

    (void)state;
    for (long n = 0; r == -ENOMEM; n++) {
        fail_allocation_after(n);
        r = spec_decode(text, strlen(text), &again);
        fail_no_allocation();
        assert_true(r == 0 || r == -ENOMEM);
    }
    spec_release(&again);
    free(text);
    spec_release(&spec);
}

static void release_empty_or_null_does_nothing(void **state)
{
    struct spec spec = {0};

    (void)state;
    spec_release(NULL);
    spec_release(&spec);
    listener_spec_release(NULL);
    assert_null(spec.exec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_encoded_spec_is_the_same),
        cmocka_unit_test(probe_is_encoded_where_there_is_one_alone),
        cmocka_unit_test(decode_unpinned_spec_stays_unpinned),
        cmocka_unit_test(decode_without_any_member_is_refused),
        cmocka_unit_test(decode_wrong_member_is_refused),
        cmocka_unit_test(decode_first_format_is_the_same_revision_still),
        cmocka_unit_test(decode_text_that_is_no_object_is_refused),
        cmocka_unit_test(encode_out_of_memory_says_so),
        cmocka_unit_test(decode_out_of_memory_says_so),
        cmocka_unit_test(release_empty_or_null_does_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
