#include "os/scratch.h"

#include "generator/sockets.h"

static void decode(const char *listen, struct spec *spec)
{
    struct config_errors errors = {0};
    char config[4096];

    (void)snprintf(config, sizeof(config), "{\"exec\": [\"x\"], \"listen\": %s}", listen);
    assert_int_equal(config_decode(config, strlen(config), 0, spec, &errors), 0);
}

/* The names of the units of "web" with those listeners, and the text of one. */
static void expect_units(const char *listen, const char *names, size_t shown, const char *body)
{
    const struct unit_origin origin = {.app = "web", .source = "/etc/reloadd/web.json"};
    _cleanup_(socket_plan_release) struct socket_plan plan = {0};
    _cleanup_(spec_release) struct spec spec = {0};
    _cleanup_text_ struct text found = {0};
    _cleanup_text_ struct text text = {0};
    const char *unfit = NULL;

    decode(listen, &spec);
    assert_int_equal(socket_plan_make("web", &spec, &plan, &unfit), 0);
    for (size_t i = 0; i < plan.n; i++)
        assert_int_equal(text_appendf(&found, "%s\n", plan.units[i].name), 0);
    assert_string_equal(text_string(&found), names);
    if (!body)
        return;
    assert_int_equal(socket_unit_write(&text, &origin, &spec, &plan.units[shown]), 0);
    assert_string_equal(strstr(text_string(&text), "[Socket]\n"), body);
    assert_non_null(strstr(text_string(&text), "SourcePath=/etc/reloadd/web.json\n"));
}

static void plan_of_one_listener_names_it(void **state)
{
    (void)state;
    expect_units("[{\"name\": \"http\", \"stream\": \"127.0.0.1:80\"}]", "web.socket\n", 0,
                 "[Socket]\nListenStream=127.0.0.1:80\nService=web.service\nBacklog=4096\n"
                 "FileDescriptorName=http\nTriggerLimitIntervalSec=0\n");
}

static void plan_of_listeners_that_agree_is_one_unit(void **state)
{
    (void)state;
    expect_units("[\"127.0.0.1:80\", \"[::1]:80\", \"/run/a.sock\", \"/run/b.sock\"]",
                 "web.socket\n", 0,
                 "[Socket]\nListenStream=127.0.0.1:80\nListenStream=[::1]:80\n"
                 "ListenStream=/run/a.sock\nListenStream=/run/b.sock\nService=web.service\n"
                 "Backlog=4096\nSocketMode=0660\nRemoveOnStop=yes\n"
                 "TriggerLimitIntervalSec=0\n");
}

static void plan_of_listeners_that_differ_has_more_units(void **state)
{
    (void)state;
    expect_units("[\"127.0.0.1:80\","
                 " {\"name\": \"few\", \"stream\": \"127.0.0.1:81\", \"backlog\": 7},"
                 " {\"name\": \"open\", \"stream\": \"/run/a.sock\", \"mode\": \"0666\"},"
                 " {\"name\": \"mine\", \"stream\": \"/run/b.sock\", \"owner\": \"www-data\"}]",
                 "web.socket\nweb:few.socket\nweb:mine.socket\n", 2,
                 "[Socket]\nListenStream=/run/b.sock\nService=web.service\nBacklog=4096\n"
                 "SocketMode=0660\nRemoveOnStop=yes\nSocketUser=www-data\n"
                 "FileDescriptorName=mine\nTriggerLimitIntervalSec=0\n");
}

static void plan_of_both_wildcards_keeps_ipv4_apart(void **state)
{
    (void)state;
    expect_units(
        "[\"80\", \"0.0.0.0:80\", \"[::]:81\"]", "web.socket\nweb:listen2.socket\n", 0,
        "[Socket]\nListenStream=[::]:80\nListenStream=0.0.0.0:80\nService=web.service\n"
        "Backlog=4096\nBindIPv6Only=ipv6-only\nTriggerLimitIntervalSec=0\n");
    expect_units("[\"80\", \"0.0.0.0:80\", \"[::]:81\"]", "web.socket\nweb:listen2.socket\n", 1,
                 "[Socket]\nListenStream=[::]:81\nService=web.service\nBacklog=4096\n"
                 "BindIPv6Only=both\nFileDescriptorName=listen2\nTriggerLimitIntervalSec=0\n");
}

static void plan_of_an_interface_does_not_wait_for_it(void **state)
{
    (void)state;
    expect_units("[\"192.0.2.1:80\"]", "web.socket\n", 0,
                 "[Socket]\nListenStream=192.0.2.1:80\nService=web.service\nBacklog=4096\n"
                 "FreeBind=yes\nFileDescriptorName=listen0\nTriggerLimitIntervalSec=0\n");
}

static void plan_of_a_name_like_a_stored_one_does_not_use_it(void **state)
{
    (void)state;
    expect_units("[{\"name\": \"worker-1-2-3\", \"stream\": \"127.0.0.1:80\"}]", "web.socket\n",
                 0,
                 "[Socket]\nListenStream=127.0.0.1:80\nService=web.service\nBacklog=4096\n"
                 "TriggerLimitIntervalSec=0\n");
}

static void plan_of_names_that_units_cannot_have_numbers_them(void **state)
{
    (void)state;
    expect_units("[\"127.0.0.1:80\", {\"name\": \"a@b\", \"stream\": \"127.0.0.1:81\","
                 " \"backlog\": 1}]",
                 "web.socket\nweb:1.socket\n", 0, NULL);
    expect_units("[]", "", 0, NULL);
}

static void plan_of_what_systemd_cannot_write_is_none(void **state)
{
    static const char *const lists[] = {"[\"127.0.0.1:0\"]", "[\"/run/a\\nb\"]",
                                        "[\"/run/a \"]"};

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        _cleanup_(socket_plan_release) struct socket_plan plan = {0};
        _cleanup_(spec_release) struct spec spec = {0};
        const char *unfit = NULL;

        decode(lists[i], &spec);
        assert_int_equal(socket_plan_make("web", &spec, &plan, &unfit), 1);
        assert_string_equal(unfit, spec.listeners[0].address);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_of_one_listener_names_it),
        cmocka_unit_test(plan_of_listeners_that_agree_is_one_unit),
        cmocka_unit_test(plan_of_listeners_that_differ_has_more_units),
        cmocka_unit_test(plan_of_both_wildcards_keeps_ipv4_apart),
        cmocka_unit_test(plan_of_an_interface_does_not_wait_for_it),
        cmocka_unit_test(plan_of_a_name_like_a_stored_one_does_not_use_it),
        cmocka_unit_test(plan_of_names_that_units_cannot_have_numbers_them),
        cmocka_unit_test(plan_of_what_systemd_cannot_write_is_none),
    };

    return run_os_tests(tests);
}
