#include "wire/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void parse_each_spelling_gives_the_canonical_one(void **state)
{
    static const struct {
        const char *text;
        const char *address;
        const char *host; /* NULL: a unix socket */
        uint16_t port;
    } good[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1", 8080},
        {"0.0.0.0:0", "0.0.0.0:0", "0.0.0.0", 0},
        {"[::1]:80", "[::1]:80", "::1", 80},
        {"[0:0:0:0:0:0:0:1]:80", "[::1]:80", "::1", 80},
        {"[2001:DB8::1]:65535", "[2001:db8::1]:65535", "2001:db8::1", 65535},
        {"localhost:1", "127.0.0.1:1", "127.0.0.1", 1},
        {"8080", "[::]:8080", "::", 8080},
        {":8080", "[::]:8080", "::", 8080},
        {"/run/a.sock", "/run/a.sock", NULL, 0},
        {"unix:/run/a.sock", "/run/a.sock", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct listener_spec listener = {0};
        const char *expected;

        assert_int_equal(address_parse(good[i].text, &listener, &expected), 0);
        assert_string_equal(listener.address, good[i].address);
        assert_int_equal(listener.type, good[i].host != NULL ? LISTENER_TCP : LISTENER_UNIX);
        assert_int_equal(listener.port, good[i].port);
        if (good[i].host != NULL)
            assert_string_equal(listener.host, good[i].host);
        else
            assert_null(listener.host);
        listener_spec_release(&listener);
    }
}

static void parse_anything_else_says_what_is_expected(void **state)
{
    static const char *const wrong[] = {
        "",
        ":",
        "x",
        "65536",
        "123456",
        "-1",
        "+80",
        " 80",
        "127.0.0.1",
        "127.0.0.1:",
        "127.1:80",
        "a:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[:80",
        "[]:80",
        "[127.0.0.1]:80",
        "[::1]]:80",
        "example:80",
        "*:80",
        "relative/x",
        "unix:x",
        "/",
        "/run/",
        "@abstract",
        "unix:",
        "[fe80::1%1]:80",
        "00000000000000000000000000000000000000000000000000:80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct listener_spec listener = {.port = 7};
        const char *expected = NULL;

        if (address_parse(wrong[i], &listener, &expected) != 1)
            fail_msg("\"%s\" is taken for an address", wrong[i]);
        assert_non_null(expected);
        assert_null(listener.address);
        assert_int_equal(listener.port, 7);
    }
}

static void parse_unix_path_fits_the_kernel(void **state)
{
    struct listener_spec listener = {0};
    const char *expected = NULL;
    char path[110];

    (void)state;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[108] = '\0';
    assert_int_equal(address_parse(path, &listener, &expected), 1);
    path[107] = '\0';
    assert_int_equal(address_parse(path, &listener, &expected), 0);
    assert_string_equal(listener.address, path);
    listener_spec_release(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_each_spelling_gives_the_canonical_one),
        cmocka_unit_test(parse_anything_else_says_what_is_expected),
        cmocka_unit_test(parse_unix_path_fits_the_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
