#include "wire/config.h"

#include "wire/config_key.h"
#include "wire/config_text.h"
#include "wire/fail_allocation.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DOCS TEST_FIXTURES "/../../../docs"

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 1 << 18);

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    (void)fclose(file);
    return text;
}

static void decode_whole_example_fills_every_member(void **state)
{
    char *text = read_whole(TEST_FIXTURES "/config/whole.json");
    struct spec spec = decode_good(text);

    (void)state;
    assert_int_equal(spec.listener_n, 2);
    assert_string_equal(spec.listeners[0].name, "listen0");
    assert_string_equal(spec.listeners[0].address, "127.0.0.1:8080");
    assert_string_equal(spec.listeners[0].host, "127.0.0.1");
    assert_int_equal(spec.listeners[0].port, 8080);
    assert_int_equal(spec.listeners[0].backlog, 4096);
    assert_string_equal(spec.listeners[1].name, "admin");
    assert_string_equal(spec.listeners[1].address, "/run/web/admin.sock");
    assert_int_equal(spec.listeners[1].type, LISTENER_UNIX);
    assert_null(spec.listeners[1].host);
    assert_int_equal(spec.listeners[1].mode, 0660);
    assert_string_equal(spec.exec[0], "node");
    assert_string_equal(spec.exec[1], "app.js");
    assert_null(spec.exec[2]);
    assert_string_equal(spec.working_directory, "/srv/web/current");
    assert_string_equal(spec.environment[0], "NODE_ENV=production");
    assert_null(spec.environment[1]);
    assert_string_equal(spec.environment_file, "/etc/web.env");
    assert_string_equal(spec.user, "www-data");
    assert_string_equal(spec.group, "www-data");
    assert_int_equal(spec.workers_type, WORKERS_COUNT);
    assert_int_equal(spec.policy.workers, 4);
    assert_int_equal(spec.drain_signal, SIGTERM);
    assert_string_equal(spec.check[1], "--check");
    assert_int_equal(spec.policy.restart_initial.nanoseconds, 100000000);
    assert_null(spec.pinned_executable);
    spec_release(&spec);
    free(text);
}

static void decode_smallest_file_gives_defaults(void **state)
{
    struct spec spec = decode_good("{" EXEC "}");
    const struct policy *policy = &spec.policy;

    (void)state;
    assert_int_equal(spec.listener_n, 0);
    assert_int_equal(policy->workers, 1);
    assert_int_equal(spec.dialects,
                     DIALECT_LISTEN_FDS | DIALECT_SERVER_STARTER | DIALECT_EINHORN);
    assert_int_equal(policy->readiness, READINESS_AUTO);
    assert_int_equal(span_to_ms(policy->readiness_timeout), 30000);
    assert_int_equal(span_to_ms(policy->readiness_delay), 1000);
    assert_int_equal(span_to_ms(policy->watchdog), 0);
    assert_int_equal(span_to_ms(policy->min_ready), 0);
    assert_int_equal(span_to_ms(policy->drain_timeout), 30000);
    assert_int_equal(spec.drain_wait, DRAIN_WAIT_AUTO);
    assert_true(spec.drain_idle.nanoseconds == DRAIN_IDLE_DEFAULT.nanoseconds);
    assert_false(spec.drain_polite_off);
    assert_int_equal(span_to_ms(policy->progress_deadline), 600000);
    assert_int_equal(span_to_ms(policy->restart_initial), 100);
    assert_int_equal(span_to_ms(policy->restart_max), 15000);
    assert_int_equal(span_to_ms(policy->restart_reset), 30000);
    assert_int_equal(policy->max_surge.value, 1);
    assert_false(policy->max_surge.percent);
    assert_int_equal(policy->max_unavailable.value, 0);
    assert_int_equal(policy->max_failures, 0);
    assert_true(policy->auto_rollback);
    assert_int_equal(spec.drain_signal, SIGTERM);
    spec_release(&spec);
}

static void decode_other_spellings_are_understood(void **state)
{
    struct spec spec =
        decode_good("{" EXEC ", \"workers\": \"max-1\", \"drain\": {\"signal\": \"QUIT\", "
                    "\"wait\": \"quiet\", \"polite\": \"off\", \"idle_seconds\": 0},"
                    "\"listen\": [{\"stream\": \"/s\", \"polite\": \"off\"}],"
                    "\"rollout\": {\"max_surge\": \"25%\", \"max_unavailable\": \"100%\"},"
                    "\"readiness\": {\"type\": \"delay\", \"delay_seconds\": 0.25},"
                    "\"delivery\": {\"dialects\": [\"stdin\", \"nginx\"]}, \"watchdog\": "
                    "{\"timeout_seconds\": 1e1}}");

    (void)state;
    assert_int_equal(spec.workers_type, WORKERS_MAX_OF_PROCESSORS_BUT_1);
    assert_int_equal(spec.policy.workers, 0);
    assert_int_equal(spec.drain_signal, SIGQUIT);
    assert_int_equal(spec.drain_wait, DRAIN_WAIT_QUIET);
    assert_true(spec.drain_polite_off);
    assert_true(spec.listeners[0].polite_off);
    assert_true(spec.drain_idle.nanoseconds == 0);
    assert_int_equal(spec.policy.max_surge.value, 25);
    assert_true(spec.policy.max_surge.percent);
    assert_int_equal(spec.policy.max_unavailable.value, 100);
    assert_int_equal(spec.policy.readiness, READINESS_DELAY);
    assert_int_equal(span_to_ms(spec.policy.readiness_delay), 250);
    assert_int_equal(spec.dialects, DIALECT_STDIN | DIALECT_NGINX);
    assert_int_equal(span_to_ms(spec.policy.watchdog), 10000);
    spec_release(&spec);

    spec = decode_good("{" EXEC ", \"workers\": \"max\", \"drain\": {\"signal\": 12}}");
    assert_int_equal(spec.workers_type, WORKERS_MAX_OF_PROCESSORS);
    assert_int_equal(spec.drain_signal, 12);
    spec_release(&spec);
}

static void decode_limits_in_all_spellings(void **state)
{
    static const char *const expected[] = {
        "nofile=1024:65536",      "nproc=7:7", "core=0:unlimited", "stack=8388608:8388608",
        "as=unlimited:unlimited",
    };
    struct spec spec = decode_good(
        "{" EXEC ", \"limits\": {\"memory_max\": \"512M\", \"memory_high\": 1048576, "
        "\"cpu_weight\": 10000, \"cpu_percent\": 150, \"tasks_max\": 4194304, "
        "\"nofile\": \"1024:65536\", \"nproc\": 7, \"core\": \"0:infinity\", \"stack\": "
        "\"8M\", \"as\": \"infinity\"}, \"recycle\": {\"memory_bytes\": \"256M\", "
        "\"max_age_seconds\": 1.5}, \"harden\": true}");

    (void)state;
    assert_int_equal(spec.limits.memory_max, 512 << 20);
    assert_int_equal(spec.limits.memory_high, 1 << 20);
    assert_int_equal(spec.limits.cpu_weight, 10000);
    assert_int_equal(spec.limits.cpu_percent, 150);
    assert_int_equal(spec.limits.tasks_max, 4194304);
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_string_equal(spec.limits.rlimits[i], expected[i]);
    assert_null(spec.limits.rlimits[5]);
    assert_int_equal(spec.policy.recycle_memory, 256 << 20);
    assert_int_equal(span_to_ms(spec.policy.recycle_age), 1500);
    assert_true(spec.harden);
    spec_release(&spec);
}

static void decode_no_limits_sets_none(void **state)
{
    struct spec spec = decode_good("{" EXEC ", \"limits\": {}, \"recycle\": {}}");

    (void)state;
    assert_int_equal(spec.limits.memory_max, 0);
    assert_int_equal(spec.limits.memory_high, 0);
    assert_int_equal(spec.limits.cpu_weight, 0);
    assert_int_equal(spec.limits.cpu_percent, 0);
    assert_int_equal(spec.limits.tasks_max, 0);
    assert_null(spec.limits.rlimits);
    assert_int_equal(spec.policy.recycle_memory, 0);
    assert_int_equal(spec.policy.recycle_age.nanoseconds, 0);
    assert_false(spec.harden);
    spec_release(&spec);
}

static void decode_many_mistakes_tells_all_in_order(void **state)
{
    char *text = read_whole(TEST_FIXTURES "/config/many.json");
    char *expected = read_whole(TEST_FIXTURES "/config/many.errors");

    (void)state;
    expect_error(text, expected);
    free(text);
    free(expected);
}

struct mistake {
    const char *text;
    const char *error;
};

static const struct mistake mistakes[] = {
    {"", "web.json:1:1: $: expected JSON in UTF-8, found an empty file\n"},
    {" \n ", "web.json:1:1: $: expected JSON in UTF-8, found an empty file\n"},
    {"\xef\xbb\xbf{}", "web.json:1:1: $: expected JSON in UTF-8, found a byte order mark\n"},
    {"[1]", "web.json:1:1: $: expected an object, found an array\n"},
    {"\"exec\"", "web.json:1:1: $: expected an object, found \"exec\"\n"},
    {"{}", "web.json:1:1: $.exec: expected the program to run, such as [\"node\", "
           "\"app.js\"], found nothing\n"},
    {"{\n  " EXEC ",\n}", "web.json:3:1: $: expected JSON, found a mistake: string or '}' "
                          "expected near '}' (no comma behind the last one)\n"},
    {"{\n  // why\n  " EXEC "}", "web.json:2:3: $: expected JSON, found a mistake: string "
                                 "or '}' expected near '/' (JSON has no comments)\n"},
    {"{" EXEC "} x",
     "web.json:1:17: $: expected JSON, found a mistake: end of file expected near 'x'\n"},
    {"{" EXEC,
     "web.json:1:15: $: expected JSON, found a mistake: '}' expected near end of file\n"},
    {"{\"exec\": [\"\xff\"]}", "web.json:1:12: $: expected JSON, found a mistake: unable "
                               "to decode byte 0xff near '\"'\n"},
    {"{\"exec\": [\"\\u0000\"]}",
     "web.json:1:11: $: expected JSON, found a mistake: a NUL character (\\u0000)\n"},
    {"{" EXEC ",\n \"exec\": [\"b\"]}",
     "web.json:2:2: $.exec: expected each key once, found it on line 1 already\n"},
    {"{" EXEC ", \"a.b\": 1}",
     "web.json:1:17: $[\"a.b\"]: expected a known key, found \"a.b\"\n"},
    {"{" EXEC ", \"worker\": 1}", "web.json:1:17: $.worker: expected a known key (did you "
                                  "mean \"workers\"?), found \"worker\"\n"},
    {"{" EXEC ", \"env\": {}}", "web.json:1:17: $.env: expected a known key (did you mean "
                                "\"environment\"?), found \"env\"\n"},
    {"{" EXEC ", \"drain\": {\"user\": \"x\"}}",
     "web.json:1:27: $.drain.user: expected a known key (it belongs to the outermost {}), "
     "found \"user\"\n"},
    {"{\"exec\": []}", "web.json:1:10: $.exec: expected an array of strings, the program "
                       "first, such as [\"node\", \"app.js\"], found an empty array\n"},
    {"{\"exec\": [\"\"]}",
     "web.json:1:11: $.exec[0]: expected the name of a program, found an empty string\n"},
    {"{\"exec\": [\"a\", 3]}", "web.json:1:16: $.exec[1]: expected a string, found 3\n"},
    {"{" EXEC ", \"user\": \"a b\"}", "web.json:1:25: $.user: expected the name or number "
                                      "of a user, as a string, found \"a b\"\n"},
    {"{" EXEC ", \"group\": 0}", "web.json:1:26: $.group: expected the name or number of a "
                                 "group, as a string, found 0\n"},
    {"{" EXEC ", \"working_directory\": \"\"}",
     "web.json:1:38: $.working_directory: expected a path, found an empty string\n"},
    {"{" EXEC ", \"workers\": 1025}", "web.json:1:28: $.workers: expected a number from 1 "
                                      "to 1024, \"max\" or \"max-1\", found 1025\n"},
    {"{" EXEC ", \"drain\": {\"wait\": \"long\"}}",
     "web.json:1:35: $.drain.wait: expected \"auto\", \"queue\" or \"quiet\", found "
     "\"long\"\n"},
    {"{" EXEC ", \"drain\": {\"polite\": true}}",
     "web.json:1:37: $.drain.polite: expected \"auto\" or \"off\", found true\n"},
    {"{" EXEC ", \"drain\": {\"timeout_seconds\": -0.5}}",
     "web.json:1:46: $.drain.timeout_seconds: expected a number of seconds from 0 to "
     "31536000, found -0.5\n"},
    {"{" EXEC ", \"drain\": {\"timeout_seconds\": 1e300}}",
     "web.json:1:46: $.drain.timeout_seconds: expected a number of seconds from 0 to "
     "31536000, found 1e300\n"},
    {"{" EXEC ", \"drain\": {\"timeout_seconds\": 1e999}}",
     "web.json:1:46: $: expected JSON, found a mistake: real number overflow near "
     "'1e999'\n"},
    {"{" EXEC ", \"drain\": {\"signal\": 65}}",
     "web.json:1:37: $.drain.signal: expected a signal's name, such as \"SIGTERM\", or its "
     "number, found 65\n"},
    {"{" EXEC ", \"rollout\": {\"max_surge\": 0}}",
     "web.json:1:42: $.rollout.max_surge: expected more than 0 here or in max_unavailable, "
     "or no rollout could ever move, found 0 in both\n"},
    {"{" EXEC ", \"rollout\": {\"min_ready_seconds\": 600}}",
     "web.json:1:28: $.rollout.progress_deadline_seconds: expected more than "
     "rollout.min_ready_seconds (600), found 600\n"},
    {"{" EXEC ", \"restart\": {\"initial_delay_seconds\": 16}}",
     "web.json:1:28: $.restart.max_delay_seconds: expected at least "
     "restart.initial_delay_seconds (16), found 15\n"},
    {"{" EXEC ", \"readiness\": {\"type\": \"delay\", \"delay_seconds\": 30}}",
     "web.json:1:30: $.readiness.timeout_seconds: expected more than "
     "readiness.delay_seconds (30), found 30\n"},
    {"{" EXEC ", \"listen\": {}}",
     "web.json:1:27: $.listen: expected an array of at most 64 addresses, such as "
     "[\"127.0.0.1:8080\"], found an empty object\n"},
    {"{" EXEC ", \"listen\": [80, {\"stream\": \"/x\", \"mode\": 660}]}",
     "web.json:1:28: $.listen[0]: expected an address such as \"127.0.0.1:8080\", "
     "\"[::1]:8080\", \"8080\" or \"/run/web.sock\", found 80\nweb.json:1:57: "
     "$.listen[1].mode: expected permission bits as an octal string, such as \"0660\", "
     "found 660\n"},
    {"{" EXEC ", \"listen\": [{\"name\": \"listen1\", \"stream\": \"80\"}, \"81\"]}",
     "web.json:1:65: $.listen[1]: expected a name of its own, found listen1 of listen[0] "
     "again\n"},
    {"{\"exec\": [\"a\", \"--fd={fd:web}\", \"{fd:listen0}\", \"{fd:\"], \"listen\": "
     "[\"80\"]}",
     "web.json:1:16: $.exec[1]: expected the name of a listener in {fd:NAME}, found "
     "\"web\"\n"},
};

#define BYTES_EXPECTED                                                                         \
    "expected a whole number of bytes from 1048576 on, or a size such as \"512M\", found "

static const struct mistake limit_mistakes[] = {
    {"{" EXEC ", \"limits\": {\"memory_max\": 512}}",
     "web.json:1:42: $.limits.memory_max: " BYTES_EXPECTED "512\n"},
    {"{" EXEC ", \"limits\": {\"memory_max\": \"512MB\"}}",
     "web.json:1:42: $.limits.memory_max: " BYTES_EXPECTED "\"512MB\"\n"},
    {"{" EXEC ", \"limits\": {\"memory_max\": \"8388608T\"}}",
     "web.json:1:42: $.limits.memory_max: " BYTES_EXPECTED "\"8388608T\"\n"},
    {"{" EXEC ", \"limits\": {\"memory_max\": 2e6}}",
     "web.json:1:42: $.limits.memory_max: " BYTES_EXPECTED "2000000.0\n"},
    {"{" EXEC ",\n\"limits\": {\"memory_high\": \"1G\", \"memory_max\": \"1024M\"}}",
     "web.json:2:27: $.limits.memory_high: expected less than limits.memory_max (1073741824), "
     "found 1073741824\n"},
    {"{" EXEC
     ",\n\"limits\": {\"memory_max\": \"1G\"},\n\"recycle\": {\"memory_bytes\": \"2G\"}}",
     "web.json:3:29: $.recycle.memory_bytes: expected less than limits.memory_max "
     "(1073741824), found 2147483648\n"},
    {"{" EXEC ", \"limits\": {\"cpu_weight\": 0}}",
     "web.json:1:42: $.limits.cpu_weight: expected a whole number from 1 to 10000, found 0\n"},
    {"{" EXEC ", \"limits\": {\"cpu_percent\": \"50%\"}}",
     "web.json:1:43: $.limits.cpu_percent: expected a whole number from 1 to 102400, found "
     "\"50%\"\n"},
    {"{" EXEC ", \"limits\": {\"nofile\": \"4096:1024\"}}",
     "web.json:1:38: $.limits.nofile: expected a soft limit that is not beyond the hard one, "
     "found \"4096:1024\"\n"},
    {"{" EXEC ", \"limits\": {\"nofile\": \"1K\"}}",
     "web.json:1:38: $.limits.nofile: expected a whole number, \"infinity\", or two of them as "
     "\"SOFT:HARD\", such as \"1024:65536\", found \"1K\"\n"},
    {"{" EXEC ", \"limits\": {\"core\": \"unlimited\"}}",
     "web.json:1:36: $.limits.core: expected a whole number, \"infinity\", or two of them as "
     "\"SOFT:HARD\", such as \"8M:infinity\", found \"unlimited\"\n"},
    {"{" EXEC ", \"limits\": {\"stack\": -1}}",
     "web.json:1:37: $.limits.stack: expected a whole number, \"infinity\", or two of them as "
     "\"SOFT:HARD\", such as \"8M:infinity\", found -1\n"},
    {"{" EXEC ", \"limits\": {\"stack\": \"8M:\"}}",
     "web.json:1:37: $.limits.stack: expected a whole number, \"infinity\", or two of them as "
     "\"SOFT:HARD\", such as \"8M:infinity\", found \"8M:\"\n"},
    {"{" EXEC ", \"limits\": {\"LimitNOFILE\": 1}}",
     "web.json:1:28: $.limits.LimitNOFILE: expected a known key, found \"LimitNOFILE\"\n"},
    {"{" EXEC ", \"nofile\": 1}",
     "web.json:1:17: $.nofile: expected a known key (it belongs in "
     "\"limits\"), found \"nofile\"\n"},
    {"{" EXEC ", \"recycle\": {\"max_age_seconds\": 0}}",
     "web.json:1:48: $.recycle.max_age_seconds: expected a number of seconds from 1 to "
     "31536000, found 0\n"},
    {"{" EXEC ", \"harden\": \"yes\"}",
     "web.json:1:27: $.harden: expected true or false, found \"yes\"\n"},
};

static void decode_wrong_limit_tells_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(limit_mistakes) / sizeof(limit_mistakes[0]); i++)
        expect_error(limit_mistakes[i].text, limit_mistakes[i].error);
}

/* No mistake is told that may be the mere consequence of another. */
static const struct mistake consequences[] = {
    {"{\"exek\": [\"a\"]}", "web.json:1:2: $.exek: expected a known key (did you mean "
                            "\"exec\"?), found \"exek\"\n"},
    {"{\"drain\": {\"exec\": [\"a\"]}}",
     "web.json:1:12: $.drain.exec: expected a known key (it belongs to the outermost {}), "
     "found \"exec\"\n"},
    {"{" EXEC ", \"listen\": [{\"steam\": \"80\"}]}",
     "web.json:1:29: $.listen[0].steam: expected a known key (did you mean \"stream\"?), "
     "found \"steam\"\n"},
    {"{\"exec\": [\"a\", \"{fd:web}\"], \"listen\": [{\"nam\": \"web\", \"stream\": "
     "\"80\"}]}",
     "web.json:1:41: $.listen[0].nam: expected a known key (did you mean \"name\"?), found "
     "\"nam\"\n"},
    {"{\"exec\": [\"a\", \"{fd:web}\"], \"listen\": [{\"name\": 1, \"stream\": \"80\"}, "
     "{\"name\": \"listen0\", \"stream\": \"81\"}]}",
     "web.json:1:49: $.listen[0].name: expected a name of letters, digits and \"._@-\", at "
     "most 255, found 1\n"},
    {"{\"exec\": [\"a\", \"{fd:web}\"], \"listen\": \"80\"}",
     "web.json:1:39: $.listen: expected an array of at most 64 addresses, such as "
     "[\"127.0.0.1:8080\"], found \"80\"\n"},
    {"{" EXEC ", \"rollout\": {\"min_ready_seconds\": 600, "
     "\"progress_deadline_secs\": 900}}",
     "web.json:1:55: $.rollout.progress_deadline_secs: expected a known key (did you mean "
     "\"progress_deadline_seconds\"?), found \"progress_deadline_secs\"\n"},
    {"{" EXEC ", \"rollout\": {\"max_surge\": 0, \"max_unavailable\": \"1\"}}",
     "web.json:1:64: $.rollout.max_unavailable: expected a number of workers from 0 to 1024, "
     "or a percentage such as \"25%\", found \"1\"\n"},
    {"{" EXEC
     ", \"limits\": {\"memory_high\": \"2G\", \"memory_max\": \"1G\", \"memory_max\": 1}}",
     "web.json:1:69: $.limits.memory_max: expected each key once, found it on line 1 "
     "already\nweb.json:1:83: $.limits.memory_max: " BYTES_EXPECTED "1\n"},
    {"{" EXEC ", \"restart\": {\"initial_delay_seconds\": 16}, \"restart\": 1}",
     "web.json:1:59: $.restart: expected each key once, found it on line 1 already\n"
     "web.json:1:70: $.restart: expected an object, found 1\n"},
};

static void decode_consequences_of_a_mistake_are_not_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(consequences) / sizeof(consequences[0]); i++)
        expect_error(consequences[i].text, consequences[i].error);
}

/* What demands something of other parts is told beside other mistakes. */
static void decode_independent_mistakes_are_told_together(void **state)
{
    (void)state;
    expect_error("{\"exec\": [\"a\", 1, \"{fd:wen}\", \"{fd:w\\nb}\"],\n"
                 "\"listen\": [{\"name\": \"web\", \"stream\": \"80\"}],\n"
                 "\"rollout\": {\"max_surge\": 0},\n\"workers\": 0}",
                 "web.json:1:16: $.exec[1]: expected a string, found 1\n"
                 "web.json:1:19: $.exec[2]: expected the name of a listener in {fd:NAME}, "
                 "found \"wen\"\n"
                 "web.json:1:31: $.exec[3]: expected the name of a listener in {fd:NAME}, "
                 "found \"w\\nb\"\n"
                 "web.json:3:26: $.rollout.max_surge: expected more than 0 here or in "
                 "max_unavailable, or no rollout could ever move, found 0 in both\n"
                 "web.json:4:12: $.workers: expected a number from 1 to 1024, \"max\" or "
                 "\"max-1\", found 0\n");
}

static void decode_mistakes_leave_what_was_right(void **state)
{
    static const char text[] =
        "{\"exec\": [\"a\", 1, \"c\"], \"environment\": {\"A\": 1, \"PATH\": \"/b\"}, "
        "\"user\": \"x\", \"working_dir\": \"/\", \"listen\": [\"80\", {\"stream\": "
        "\"/s\", \"owner\": \"y\", \"mode\": 1}], \"drain\": {\"signal\": \"QUIT\"}}";
    struct config_errors errors = {0};
    struct spec spec = {0};

    (void)state;
    assert_int_equal(config_decode(text, strlen(text), 0, &spec, &errors), CONFIG_MISTAKEN);
    assert_int_equal(errors.n, 4);
    assert_string_equal(spec.exec[0], "a");
    assert_string_equal(spec.exec[1], "");
    assert_string_equal(spec.exec[2], "c");
    assert_null(spec.exec[3]);
    assert_string_equal(spec.environment[0], "PATH=/b");
    assert_null(spec.environment[1]);
    assert_string_equal(spec.user, "x");
    assert_null(spec.working_directory);
    assert_string_equal(spec.listeners[1].owner, "y");
    assert_int_equal(spec.listeners[1].mode, 0660);
    assert_int_equal(spec.drain_signal, SIGQUIT);
    assert_true(config_errors_doubt(&errors, "$.working_directory"));
    assert_true(config_errors_doubt(&errors, "$.environment.A"));
    assert_false(config_errors_doubt(&errors, "$.environment.PATH"));
    assert_false(config_errors_doubt(&errors, "$.user"));
    spec_release(&spec);
    config_errors_release(&errors);
}

static void check_flags_tells_under_the_flags(void **state)
{
    static const struct config_origin origin = {.listen = "--listen", .exec = "--"};
    struct config_errors errors = {0};
    struct spec spec = {0};
    char *all;

    (void)state;
    spec = decode_good("{\"exec\": [\"a\", \"{fd:listen1}\"], \"listen\": [\"80\", \"81\"]}");
    assert_int_equal(config_check_flags(&spec, &origin, &errors), 0);
    free(spec.listeners[1].address);
    spec.listeners[1].address = strdup("[::]:80");
    spec.exec[1][4] = 'L';
    assert_int_equal(config_check_flags(&spec, &origin, &errors), 1);
    all = format_errors(&errors);
    /* Which name the other one would have is not known: nothing is said of {fd:Listen1}. */
    assert_string_equal(all, "--listen: expected an address of its own, found [::]:80 of "
                             "listen[0] again\n");
    free(all);
    config_errors_release(&errors);

    free(spec.listeners[1].address);
    spec.listeners[1].address = strdup("[::]:82");
    assert_int_equal(config_check_flags(&spec, &origin, &errors), 1);
    all = format_errors(&errors);
    assert_string_equal(all, "--: expected the name of a listener in {fd:NAME}, found "
                             "\"Listen1\"\n");
    free(all);
    config_errors_release(&errors);
    spec_release(&spec);
}

static void decode_one_mistake_tells_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
        expect_error(mistakes[i].text, mistakes[i].error);
}

static void decode_nul_byte_tells_its_place(void **state)
{
    static const char text[] = "{\n  \"exec\"\0: []}";
    char *all = errors_of(text, sizeof(text) - 1);

    (void)state;
    assert_string_equal(all, "web.json:2:9: $: expected JSON in UTF-8, found a NUL byte\n");
    free(all);
}

static void decode_deep_nesting_is_refused(void **state)
{
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH);
    char *all;

    (void)state;
    assert_non_null(text);
    memset(text, '[', DEPTH);
    all = errors_of(text, DEPTH);
    assert_non_null(strstr(all, "maximum parsing depth reached"));
    free(all);
    free(text);
}

static void decode_hundred_megabytes_is_refused_unread(void **state)
{
    size_t size = 100u << 20;
    char *text = calloc(1, size); /* untouched pages cost nothing */
    char *all;

    (void)state;
    assert_non_null(text);
    all = errors_of(text, size);
    assert_string_equal(all, "web.json:1:1: $: expected at most 1048576 bytes, found "
                             "104857600\n");
    free(all);
    free(text);
}

static void decode_thousand_mistakes_tells_a_hundred(void **state)
{
    struct config_errors errors = {0};
    struct spec spec = {0};
    char text[16384] = "{\"exec\": [\"a\"";

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        (void)strcat(text, ", 1");
    (void)strcat(text, "]}");
    assert_int_equal(config_decode(text, strlen(text), 0, &spec, &errors), 1);
    assert_int_equal(errors.n, CONFIG_ERRORS_MAX);
    assert_int_equal(errors.list[CONFIG_ERRORS_MAX - 1].line, 0);
    assert_non_null(strstr(errors.list[CONFIG_ERRORS_MAX - 1].text, "there are more"));
    config_errors_release(&errors);
    spec_release(&spec);
}

static void decode_exec_elsewhere_wants_no_command(void **state)
{
    struct config_errors errors = {0};
    struct spec spec;

    (void)state;
    assert_int_equal(config_decode("{}", 2, CONFIG_EXEC_ELSEWHERE, &spec, &errors), 0);
    assert_null(spec.exec);
    assert_int_equal(errors.n, 0);
    spec_release(&spec);
}

static void decode_listen_flag_reads_an_address(void **state)
{
    struct config_errors errors = {0};
    struct listener_spec listener;
    char *all;

    (void)state;
    assert_int_equal(config_decode_listen(":80", 3, "--listen", &listener, &errors), 0);
    assert_string_equal(listener.name, "listen3");
    assert_string_equal(listener.address, "[::]:80");
    assert_int_equal(listener.backlog, 4096);
    listener_spec_release(&listener);

    assert_int_equal(config_decode_listen("x:80", 0, "--listen", &listener, &errors), 1);
    assert_int_equal(config_decode_listen("\xff", 0, "--listen", &listener, &errors), 1);
    all = format_errors(&errors);
    assert_string_equal(all, "--listen: expected a numeric host before the port, such as "
                             "127.0.0.1 or [::1], or localhost, found \"x:80\"\n"
                             "--listen: expected an address in UTF-8\n");
    free(all);
    config_errors_release(&errors);
}

static void decode_workers_flag_reads_counts_and_words(void **state)
{
    static const char *const wrong[] = {"", "0", "min", "1.5", "\xff", "4x", "null", "[]"};
    struct config_errors errors = {0};
    struct spec spec = {0};

    (void)state;
    assert_int_equal(config_decode_workers("4", "-i", &spec, &errors), 0);
    assert_int_equal(spec.policy.workers, 4);
    assert_int_equal(config_decode_workers("max", "-i", &spec, &errors), 0);
    assert_int_equal(spec.workers_type, WORKERS_MAX_OF_PROCESSORS);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(config_decode_workers(wrong[i], "-i", &spec, &errors), 1);
    assert_int_equal(errors.n, sizeof(wrong) / sizeof(wrong[0]));
    assert_string_equal(errors.list[1].path, "-i");
    config_errors_release(&errors);
}

/* Decodes `text` with every allocation failing in turn. */
static void decode_with_failures(const char *text, int expected)
{
    int r = -ENOMEM;

    for (long n = 0; r == -ENOMEM; n++) {
        struct config_errors errors = {0};
        struct spec spec = {0};

        fail_allocation_after(n);
        r = config_decode(text, strlen(text), 0, &spec, &errors);
        fail_no_allocation();
        assert_true(r == -ENOMEM || r == expected);
        assert_true(n < 10000);
        spec_release(&spec);
        config_errors_release(&errors);
    }
    assert_int_equal(r, expected);
}

static void decode_out_of_memory_says_so(void **state)
{
    (void)state;
    decode_with_failures("{\"exec\": [\"a\", \"{fd:web}\"], \"listen\": [{\"name\": \"web\", "
                         "\"stream\": \"/a\", \"owner\": \"x\"}, \"80\"], \"environment\": "
                         "{\"A\": \"b\"}, \"user\": \"x\", \"check\": [\"c\"], \"limits\": "
                         "{\"memory_max\": \"1G\", \"nofile\": \"1:2\", \"core\": 0}, "
                         "\"readiness\": {\"type\": \"http\", \"path\": \"/a\", \"host\": "
                         "\"b\", \"expect\": [\"2xx\", 301]}}",
                         0);
}

static void decode_out_of_memory_with_mistakes_says_so(void **state)
{
    (void)state;
    decode_with_failures("{\"exek\": [], \"drain\": {\"a.b\": 1, \"signal\": 0}, \"drain\": 1}",
                         1);
}

/* "section.name" between `before` and `after` is in the document, for every key. */
static void expect_documented(const char *path, const char *before, const char *after)
{
    char *document = read_whole(path);

    for (size_t i = 0; i < config_key_n; i++) {
        const struct config_key *key = &config_keys[i];
        char wanted[128];

        (void)snprintf(wanted, sizeof(wanted), "%s%s%s%s%s", before, key->section,
                       *key->section != '\0' ? "." : "", key->name, after);
        if (strstr(document, wanted) == NULL)
            fail_msg("%s does not say %s", path, wanted);
    }
    free(document);
}

static void every_key_is_in_guide_and_manual(void **state)
{
    (void)state;
    expect_documented(DOCS "/CONFIG.md", "| `", "` |");
    expect_documented(DOCS "/man/reloadd.json.5", ".It Ic ", "\n");
}

/* The properties that the schema has for a section. Borrowed. */
static const json_t *schema_properties(const json_t *schema, const char *section)
{
    const json_t *properties = json_object_get(schema, "properties");

    if (strcmp(section, "listen") == 0)
        return json_object_get(json_object_get(json_object_get(schema, "$defs"), "listener"),
                               "properties");
    if (*section != '\0')
        properties = json_object_get(json_object_get(properties, section), "properties");
    return properties;
}

static void expect_number(const json_t *property, const char *name, double expected)
{
    const json_t *number = json_object_get(property, name);

    assert_true(json_is_number(number));
    assert_true(json_number_value(number) == expected);
}

static void expect_in_schema(const json_t *schema, const struct config_key *key)
{
    const json_t *property =
        json_object_get(schema_properties(schema, key->section), key->name);
    json_t *initial = NULL;

    if (!json_is_string(json_object_get(property, "description")))
        fail_msg("the schema does not describe %s.%s", key->section, key->name);
    if (key->initial != NULL)
        initial = json_loads(key->initial, JSON_DECODE_ANY, NULL);
    if (initial != NULL && !json_equal(json_object_get(property, "default"), initial))
        fail_msg("the schema has another default for %s.%s", key->section, key->name);
    json_decref(initial);
    if (key->type == CONFIG_SECONDS || key->type == CONFIG_COUNT) {
        expect_number(property, "minimum", key->least);
        expect_number(property, "maximum", key->most);
    }
}

static void every_key_is_in_schema_with_its_default(void **state)
{
    json_t *schema = json_load_file(DOCS "/reloadd.schema.json", 0, NULL);
    size_t n = 0;

    (void)state;
    assert_non_null(schema);
    for (size_t i = 0; i < config_key_n; i++) {
        expect_in_schema(schema, &config_keys[i]);
        if (config_keys[i].type == CONFIG_SECTION)
            n += json_object_size(schema_properties(schema, config_keys[i].name));
    }
    /* And no key that the program does not know. */
    n += json_object_size(schema_properties(schema, "")) +
         json_object_size(schema_properties(schema, "listen"));
    assert_int_equal(n, config_key_n);
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decode_whole_example_fills_every_member),
        cmocka_unit_test(decode_smallest_file_gives_defaults),
        cmocka_unit_test(decode_other_spellings_are_understood),
        cmocka_unit_test(decode_limits_in_all_spellings),
        cmocka_unit_test(decode_no_limits_sets_none),
        cmocka_unit_test(decode_wrong_limit_tells_place_and_reason),
        cmocka_unit_test(decode_many_mistakes_tells_all_in_order),
        cmocka_unit_test(decode_one_mistake_tells_place_and_reason),
        cmocka_unit_test(decode_consequences_of_a_mistake_are_not_told),
        cmocka_unit_test(decode_independent_mistakes_are_told_together),
        cmocka_unit_test(decode_mistakes_leave_what_was_right),
        cmocka_unit_test(check_flags_tells_under_the_flags),
        cmocka_unit_test(decode_nul_byte_tells_its_place),
        cmocka_unit_test(decode_deep_nesting_is_refused),
        cmocka_unit_test(decode_hundred_megabytes_is_refused_unread),
        cmocka_unit_test(decode_thousand_mistakes_tells_a_hundred),
        cmocka_unit_test(decode_exec_elsewhere_wants_no_command),
        cmocka_unit_test(decode_listen_flag_reads_an_address),
        cmocka_unit_test(decode_workers_flag_reads_counts_and_words),
        cmocka_unit_test(decode_out_of_memory_says_so),
        cmocka_unit_test(decode_out_of_memory_with_mistakes_says_so),
        cmocka_unit_test(every_key_is_in_guide_and_manual),
        cmocka_unit_test(every_key_is_in_schema_with_its_default),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
