#include "os/accepted.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct connection {
    int listener;
    int client;
    struct sockaddr_storage from;
    struct sockaddr_storage to;
};

static void name_of(int fd, struct sockaddr_storage *ret_name)
{
    socklen_t size = sizeof(*ret_name);

    memset(ret_name, 0, sizeof(*ret_name));
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_name, &size), 0);
}

/* `all`: the listener is bound to all addresses, and takes IPv4 too where it is IPv6. */
static struct connection connect_to(int family, int client_family, bool all)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    struct connection c = {.listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0),
                           .client = socket(client_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const void *address = family == AF_INET ? (const void *)&v4
                          : all             ? (const void *)&any
                                            : (const void *)&v6;
    socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
    struct sockaddr_storage bound;

    assert_int_equal(bind(c.listener, address, size), 0);
    assert_int_equal(listen(c.listener, 4), 0);
    name_of(c.listener, &bound);
    v4.sin_port = v6.sin6_port = ((struct sockaddr_in *)&bound)->sin_port;
    if (client_family == AF_INET)
        assert_int_equal(connect(c.client, (struct sockaddr *)&v4, sizeof(v4)), 0);
    else
        assert_int_equal(connect(c.client, (struct sockaddr *)&v6, sizeof(v6)), 0);
    name_of(c.client, &c.from);
    size = sizeof(c.to);
    assert_int_equal(getpeername(c.client, (struct sockaddr *)&c.to, &size), 0);
    return c;
}

static void look_tells_when_the_program_accepts(void **state)
{
    static const struct {
        int family;
        int client_family;
        bool all;
    } rows[] = {
        {AF_INET, AF_INET, false},
        {AF_INET6, AF_INET6, false},
        {AF_INET6, AF_INET6, true},
        {AF_INET6, AF_INET, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct connection c = connect_to(rows[i].family, rows[i].client_family, rows[i].all);
        bool accepted = true;
        int server;

        assert_int_equal(accepted_look(&c.from, &c.to, &accepted), 0);
        assert_false(accepted);
        server = accept4(c.listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(server >= 0);
        assert_int_equal(accepted_look(&c.from, &c.to, &accepted), 0);
        assert_true(accepted);
        assert_int_equal(close(server), 0);
        assert_int_equal(close(c.client), 0);
        assert_int_equal(close(c.listener), 0);
    }
}

static void look_for_no_connection_says_so(void **state)
{
    struct connection c = connect_to(AF_INET, AF_INET, false);
    bool accepted;

    (void)state;
    /* The listener alone is found. */
    assert_int_equal(accepted_look(&c.to, &c.to, &accepted), 1);
    assert_int_equal(close(c.listener), 0); /* resets what it has not accepted */
    assert_int_equal(accepted_look(&c.from, &c.to, &accepted), 1);
    assert_int_equal(close(c.client), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_tells_when_the_program_accepts),
        cmocka_unit_test(look_for_no_connection_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
