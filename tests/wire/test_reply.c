#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/allocation.h"
#include "wire/present.h"
#include "wire/reply.h"

/* What present.h writes, reply.h reads: the tests of both. A view is compared by writing it
 * again: the tables leave out no member (test_view.c), so equal texts are equal views. */

static const char *const lines[] = {"first", "sec\xC3\xB6nd"};
static const int64_t queued[] = {8, 9};

static const struct failure_view failure = {
    .cause = "signaled",
    .text = "worker 12 (slot 0, revision 7) was killed by SIGSEGV",
    .code = {true, 11},
    .signal = "SIGSEGV",
    .worker = {true, 12},
    .slot = {true, 0},
    .revision = {true, 7},
    .lines = lines,
    .line_n = 2,
};

static const struct outcome_view outcome = {
    .revision = 7,
    .release = "v7",
    .outcome = "failed",
    .at = 1769903998.000001,
    .seconds = 0.1,
    .failure = &failure,
};

static const struct connections_view connections = {
    .open = 17,
    .active = 3,
    .idle = 12,
    .queued = {true, 4},
    .oldest_seconds = {true, 41.5},
    .unread_bytes = 5,
    .unsent_bytes = 6,
};

static const struct step_view step = {
    .worker = 12,
    .slot = 0,
    .revision = 7,
    .state = "gone",
    .pid = 4242,
    .at = 1769903998.5,
    .failure = &failure,
    .connections = &connections,
};

static const struct worker_view full_workers[] = {
    {12,
     0,
     7,
     "v7",
     "warming",
     4242,
     1769903998.25,
     1769903997,
     "min_ready_seconds",
     {true, 1 << 24},
     "3 active",
     true,
     "memory",
     "no answer in time (3 in a row)",
     {0},
     "web-r7-w12-s0",
     {true, 3},
     &connections,
     "capture"},
    {.id = 13,
     .slot = 1,
     .revision = 6,
     .state = "draining",
     .pid = 4243,
     .since = 1769903998.75,
     .started = 1769903996,
     .asked = {true, 1769903998.875},
     .connections = &connections},
};

static struct app_view full_app(void)
{
    static const struct listener_view listeners[] = {
        {"http", "127.0.0.1:8080", "opened", NULL, "steered", NULL},
        {"admin", "/run/web/admin.sock", "inherited", "the configuration says /run/admin.sock",
         "shared", "it is no TCP socket"}};
    static const struct slot_view slots[] = {
        {0, "filled", 0, false, {0}, NULL},
        {1, "waiting", 3, true, {true, 1769904000.25}, &failure},
    };
    static const struct recovered_view recovered = {1769900000, 2, 1, 1};
    static const char *const warnings[] = {"the journal can't be written"};

    return (struct app_view){
        .name = "web",
        .pid = 4000,
        .version = "0.1.0",
        .config = "/etc/reloadd/web.json",
        .started = 1769900000,
        .desired = 2,
        .admitted = 1,
        .scale = {true, 2},
        .delivery = "inherit",
        .dispatch = "shared",
        .revision = 7,
        .release = "v7",
        .rollout = {"reverting",
                    1769903998,
                    6,
                    6,
                    {true, 7},
                    "worker 13 to drain",
                    queued,
                    2,
                    &failure},
        .listeners = listeners,
        .listener_n = 2,
        .slots = slots,
        .slot_n = 2,
        .workers = full_workers,
        .worker_n = 2,
        .last = &outcome,
        .warnings = warnings,
        .warning_n = 1,
        .newest = {true, 9},
        .survives = true,
        .survives_not = "it does",
        .recovered = &recovered,
        .limits_missing = "memory_max: no memory controller",
    };
}

static struct app_view empty_app(void)
{
    return (struct app_view){
        .name = "web",
        .version = "0.1.0",
        .delivery = "inherit",
        .dispatch = "shared",
        .rollout = {.state = "steady"},
    };
}

static struct reply *decode(const char *message)
{
    struct fault fault = {""};
    struct reply *reply = NULL;

    if (reply_decode(message, strlen(message), &reply, &fault) != 0)
        fail_msg("%s: %s", message, fault.text);
    return reply;
}

static void app_of_presented_status_is_the_same(void **state)
{
    const struct app_view apps[] = {full_app(), empty_app()};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        _cleanup_free_ char *message = NULL;
        _cleanup_free_ char *again = NULL;
        _cleanup_reply_ struct reply *reply = NULL;
        struct app_view app;

        assert_int_equal(present_status(&apps[i], &message), 0);
        reply = decode(message);
        assert_false(reply_continues(reply));
        assert_int_equal(reply_app(reply, &app, NULL), 0);
        assert_int_equal(present_status(&app, &again), 0);
        assert_string_equal(message, again);
    }
}

static void app_of_presented_status_has_its_values(void **state)
{
    const struct app_view before = full_app();
    _cleanup_free_ char *message = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct app_view app;

    (void)state;
    assert_int_equal(present_status(&before, &message), 0);
    reply = decode(message);
    assert_int_equal(reply_app(reply, &app, NULL), 0);
    assert_string_equal(app.name, "web");
    assert_true(app.scale.present && app.scale.value == 2);
    assert_int_equal(app.rollout.queued_n, 2);
    assert_int_equal(app.rollout.queued[1], 9);
    assert_int_equal(app.listener_n, 2);
    assert_string_equal(app.listeners[1].source, "inherited");
    assert_string_equal(app.slots[1].last->lines[1], lines[1]);
    assert_true(app.slots[1].retry.value > 1769904000.2499 &&
                app.slots[1].retry.value < 1769904000.2501);
    assert_null(app.slots[0].last);
    assert_null(app.workers[1].release);
    assert_false(app.workers[1].memory_bytes.present);
    assert_string_equal(app.last->failure->signal, "SIGSEGV");
    assert_string_equal(app.warnings[0], "the journal can't be written");
}

static void progress_of_presented_step_is_the_same(void **state)
{
    static const struct progress_view views[] = {
        {.revision = 7},
        {.revision = 7, .step = &step},
        {.revision = 7, .outcome = &outcome},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        bool continues = views[i].outcome == NULL;
        _cleanup_free_ char *message = NULL;
        _cleanup_free_ char *again = NULL;
        _cleanup_reply_ struct reply *reply = NULL;
        struct progress_view progress;

        assert_int_equal(present_progress(&views[i], continues, &message), 0);
        reply = decode(message);
        assert_int_equal(reply_continues(reply), continues);
        assert_int_equal(reply_progress(reply, &progress, NULL), 0);
        assert_int_equal(progress.step != NULL, views[i].step != NULL);
        assert_int_equal(progress.outcome != NULL, views[i].outcome != NULL);
        assert_int_equal(present_progress(&progress, continues, &again), 0);
        assert_string_equal(message, again);
    }
}

static void scale_of_presented_scale_is_the_same(void **state)
{
    const struct scale_view before = {.desired = 4, .before = 2};
    _cleanup_free_ char *message = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct scale_view scale;

    (void)state;
    assert_int_equal(present_scale(&before, &message), 0);
    assert_string_equal(message, "{\"parameters\":{\"desired\":4,\"before\":2}}");
    reply = decode(message);
    assert_int_equal(reply_scale(reply, &scale, NULL), 0);
    assert_int_equal(scale.desired, 4);
    assert_int_equal(scale.before, 2);
}

static void logs_of_presented_lines_are_the_same_but_for_bad_bytes(void **state)
{
    static const struct line_view before[] = {
        {.at = 1.5,
         .text = "ok",
         .slot = {true, 0},
         .revision = {true, 7},
         .worker = {true, 12}},
        {.at = 2, .text = "caf\xE9"},
    };
    const struct logs_view view = {before, 2};
    _cleanup_free_ char *message = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct logs_view logs;

    (void)state;
    assert_int_equal(present_logs(&view, true, &message), 0);
    reply = decode(message);
    assert_true(reply_continues(reply));
    assert_int_equal(reply_logs(reply, &logs, NULL), 0);
    assert_int_equal(logs.line_n, 2);
    assert_true(logs.lines[0].slot.present && logs.lines[0].slot.value == 0);
    assert_string_equal(logs.lines[0].text, "ok");
    assert_string_equal(logs.lines[1].text, "caf\xEF\xBF\xBD");
    assert_false(logs.lines[1].worker.present);
}

static void history_of_presented_entries_is_the_same(void **state)
{
    static const struct entry_view before[] = {
        {.revision = 7,
         .release = "v7",
         .outcome = "failed",
         .accepted = 1769903998.5,
         .ended = {true, 1769903999},
         .failure = &failure,
         .exec = lines,
         .exec_n = 2,
         .working_directory = "/srv",
         .executable = "/bin/a"},
        {.revision = 8,
         .outcome = "running",
         .accepted = 1769904000,
         .exec = lines,
         .exec_n = 1,
         .working_directory = "/",
         .executable = "/bin/b",
         .stable = true},
    };
    const struct history_view view = {before, 2};
    _cleanup_free_ char *message = NULL;
    _cleanup_free_ char *again = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct history_view history;

    (void)state;
    assert_int_equal(present_history(&view, &message), 0);
    reply = decode(message);
    assert_int_equal(reply_history(reply, &history, NULL), 0);
    assert_int_equal(history.revision_n, 2);
    assert_true(history.revisions[1].stable);
    assert_false(history.revisions[1].ended.present);
    assert_int_equal(present_history(&history, &again), 0);
    assert_string_equal(message, again);
}

static void text_of_presented_event_is_the_record(void **state)
{
    static const char line[] =
        "{\"seq\":4,\"event\":\"stopped\",\"at\":5,\"spec\":{\"secret\":\"yes\"}}\n";
    _cleanup_free_ char *message = NULL;
    _cleanup_free_ char *text = NULL;
    _cleanup_free_ char *indented = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    char *none;

    (void)state;
    assert_int_equal(present_event(line, true, &message), 0);
    reply = decode(message);
    assert_int_equal(reply_text(reply, "event", 0, &text), 0);
    assert_string_equal(text, "{\"seq\":4,\"event\":\"stopped\",\"at\":5}");
    assert_int_equal(reply_text(reply, "event", 2, &indented), 0);
    assert_string_equal(indented,
                        "{\n  \"seq\": 4,\n  \"event\": \"stopped\",\n  \"at\": 5\n}");
    assert_int_equal(reply_text(reply, "effect", 0, &none), 1);
    assert_int_equal(present_event("no record", true, &none), -EINVAL);
}

static void info_and_descriptions_are_served(void **state)
{
    static const char *const names[] = {"org.varlink.service", "io.reloadd"};
    _cleanup_free_ char *message = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct info_view info;

    (void)state;
    assert_int_equal(present_info(&message), 0);
    reply = decode(message);
    assert_int_equal(reply_info(reply, &info, NULL), 0);
    assert_string_equal(info.product, "reloadd");
    assert_int_equal(info.interface_n, 2);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_free_ char *text = NULL;
        _cleanup_reply_ struct reply *described = NULL;
        struct description_view description;
        char first[64];

        assert_string_equal(info.interfaces[i], names[i]);
        assert_int_equal(present_description(names[i], &text), 0);
        described = decode(text);
        assert_int_equal(reply_description(described, &description, NULL), 0);
        (void)snprintf(first, sizeof(first), "interface %s\n", names[i]);
        assert_non_null(strstr(description.description, first));
    }
}

static void description_of_unknown_interface_is_an_error(void **state)
{
    _cleanup_free_ char *message = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct error_view error;

    (void)state;
    assert_int_equal(present_description("io.other", &message), 0);
    reply = decode(message);
    assert_true(reply_error(reply, &error));
    assert_int_equal(error.kind, ERROR_INTERFACE_NOT_FOUND);
    assert_string_equal(error.interface, "io.other");
}

static void error_of_every_kind_is_the_same(void **state)
{
    (void)state;
    for (enum error_kind kind = ERROR_NONE + 1; kind < ERROR_UNKNOWN; kind++) {
        const struct error_view before = {
            .kind = kind,
            .text = "text",
            .messages = lines,
            .message_n = 2,
            .lines = lines,
            .line_n = 1,
            .revision = 7,
            .interface = "io.other",
            .method = "io.reloadd.Nap",
            .parameter = "slot",
        };
        _cleanup_free_ char *message = NULL;
        _cleanup_free_ char *again = NULL;
        _cleanup_reply_ struct reply *reply = NULL;
        struct error_view error;
        struct scale_view scale;

        assert_int_equal(present_error(&before, &message), 0);
        reply = decode(message);
        assert_true(reply_error(reply, &error));
        assert_int_equal(error.kind, kind);
        assert_string_equal(error.name, error_kind_name(kind));
        assert_int_equal(present_error(&error, &again), 0);
        assert_string_equal(message, again);
        assert_int_equal(reply_scale(reply, &scale, NULL), 1);
    }
}

static void error_that_is_not_known_keeps_its_name(void **state)
{
    static const char *const messages[] = {
        "{\"error\":\"io.reloadd.Tired\",\"parameters\":{\"hours\":3}}",
        "{\"error\":\"io.reloadd.Busy\",\"parameters\":{\"revision\":\"x\"}}",
        "{\"error\":\"io.reloadd.Busy\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        _cleanup_reply_ struct reply *reply = decode(messages[i]);
        struct error_view error;

        assert_true(reply_error(reply, &error));
        assert_int_equal(error.kind, ERROR_UNKNOWN);
        assert_non_null(strstr(messages[i], error.name));
        assert_null(error.text);
    }
}

static void refusal_is_presented_as_its_error(void **state)
{
    const struct varlink_refusal refusal = {ERROR_INVALID_PARAMETER, "slot"};
    _cleanup_free_ char *message = NULL;

    (void)state;
    assert_int_equal(present_refusal(&refusal, &message), 0);
    assert_string_equal(message, "{\"error\":\"org.varlink.service.InvalidParameter\","
                                 "\"parameters\":{\"parameter\":\"slot\"}}");
}

static void done_is_presented_empty(void **state)
{
    _cleanup_free_ char *message = NULL;
    _cleanup_reply_ struct reply *reply = NULL;
    struct error_view error;

    (void)state;
    assert_int_equal(present_done(false, &message), 0);
    assert_string_equal(message, "{\"parameters\":{}}");
    reply = decode(message);
    assert_false(reply_error(reply, &error));
}

static void view_of_another_reply_is_refused_by_member(void **state)
{
    _cleanup_reply_ struct reply *reply = decode(
        "{\"parameters\":{\"lines\":[{\"at\":1,\"text\":\"a\"},{\"at\":2,\"text\":7}]}}");
    struct logs_view logs;
    struct scale_view scale;
    struct fault fault;

    (void)state;
    assert_int_equal(reply_logs(reply, &logs, &fault), 1);
    assert_string_equal(fault.text, "\"text\" is missing or wrong: expected a string");
    assert_int_equal(reply_scale(reply, &scale, &fault), 1);
    assert_string_equal(fault.text, "\"desired\" is missing or wrong: expected an integer");
}

static void decode_of_no_reply_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "null",
        "{\"parameters\":[]}",
        "{\"parameters\":{},\"continues\":1}",
        "{\"error\":7}",
        "{\"method\":\"io.reloadd.Status\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct fault fault = {""};
        struct reply *reply;

        assert_int_equal(reply_decode(texts[i], strlen(texts[i]), &reply, &fault), 1);
        assert_string_not_equal(fault.text, "");
    }
}

static void present_without_memory_says_so(void **state)
{
    const struct app_view app = full_app();
    _cleanup_free_ char *message = NULL;
    _cleanup_free_ char *complete = NULL;
    int r = -ENOMEM;

    (void)state;
    assert_int_equal(present_status(&app, &complete), 0);
    for (unsigned n = 1; r != 0 && n < 10000; n++) {
        allocation_fail_at(n);
        r = present_status(&app, &message);
        allocation_fail_at(0);
        assert_true(r == 0 || r == -ENOMEM);
    }
    assert_string_equal(message, complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(app_of_presented_status_is_the_same),
        cmocka_unit_test(app_of_presented_status_has_its_values),
        cmocka_unit_test(progress_of_presented_step_is_the_same),
        cmocka_unit_test(scale_of_presented_scale_is_the_same),
        cmocka_unit_test(logs_of_presented_lines_are_the_same_but_for_bad_bytes),
        cmocka_unit_test(history_of_presented_entries_is_the_same),
        cmocka_unit_test(text_of_presented_event_is_the_record),
        cmocka_unit_test(info_and_descriptions_are_served),
        cmocka_unit_test(description_of_unknown_interface_is_an_error),
        cmocka_unit_test(error_of_every_kind_is_the_same),
        cmocka_unit_test(error_that_is_not_known_keeps_its_name),
        cmocka_unit_test(refusal_is_presented_as_its_error),
        cmocka_unit_test(done_is_presented_empty),
        cmocka_unit_test(view_of_another_reply_is_refused_by_member),
        cmocka_unit_test(decode_of_no_reply_is_refused),
        cmocka_unit_test(present_without_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
