#include "os/scratch.h"

#include "os/listener.h"
#include "os/owner.h"

#include <errno.h>

static void expect_this_process(const char *address)
{
    struct owners owners;

    assert_int_equal(owner_find(address, &owners), 0);
    assert_int_equal(owners.count, 1);
    assert_int_equal(owners.list[0].pid, getpid());
    assert_false(owners.hidden);
}

static void find_owner_of_tcp_address_names_the_process(void **state)
{
    struct listener_description description;
    struct owners owners;
    char text[128];
    char expected[128];
    char name[16];
    int fd;

    (void)state;
    (void)prctl(PR_GET_NAME, name, 0, 0, 0);
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    expect_this_process(description.address);
    assert_int_equal(owner_find(description.address, &owners), 0);
    (void)snprintf(expected, sizeof expected, "%s (pid %d)", name, getpid());
    assert_string_equal(owner_describe(&owners, text, sizeof text), expected);

    /* Another address, the same port: not in the way; but any address is. */
    (void)snprintf(text, sizeof text, "127.0.0.2:%u", description.port);
    assert_int_equal(owner_find(text, &owners), 1);
    (void)snprintf(text, sizeof text, "0.0.0.0:%u", description.port);
    expect_this_process(text);
    (void)close(fd);
    assert_int_equal(owner_find(description.address, &owners), 1);
}

static void find_owner_of_ipv6_any_stands_in_the_way_of_all(void **state)
{
    struct listener_description description;
    char text[128];
    int fd;

    (void)state;
    if (listener_open_tcp("::", 0, false, 0, &fd) < 0) {
        print_message("no IPv6 here\n");
        skip();
    }
    assert_int_equal(listener_describe(fd, &description), 0);
    expect_this_process(description.address);
    (void)snprintf(text, sizeof text, "[::1]:%u", description.port);
    expect_this_process(text);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", description.port);
    expect_this_process(text);
    (void)close(fd);
}

static void find_owner_of_unix_path_names_the_process(void **state)
{
    struct owners owners;
    char path[PATH_MAX];
    int fd;

    (void)scratch_path(state, "a socket", path);
    assert_int_equal(owner_find(path, &owners), 1);
    assert_int_equal(listener_open_unix(path, 0600, (uid_t)-1, (gid_t)-1, 0, &fd), 0);
    expect_this_process(path);
    (void)close(fd);
}

static int find_as_nobody(const struct child_ends *ends, void *address)
{
    struct owners owners;

    (void)ends;
    /* What it inherited, it holds itself. */
    if (close_range(3, ~0u, 0) < 0 || setuid(65534) < 0)
        return 9;
    if (owner_find(address, &owners) != 0)
        return 8;
    return owners.count == 0 && owners.hidden ? 0 : 7;
}

static void find_owner_of_another_user_says_hidden(void **state)
{
    struct listener_description description;
    struct owners owners = {.hidden = true};
    struct child child;
    char text[128];
    int fd;

    (void)state;
    assert_non_null(strstr(owner_describe(&owners, text, sizeof text), "may not be seen"));
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    child = child_start(find_as_nobody, description.address);
    assert_int_equal(child_end(&child, false), 0);
    (void)close(fd);
}

static void find_owner_of_no_address_is_refused(void **state)
{
    static const char *const addresses[] = {
        "", "x", "127.0.0.1", "127.0.0.1:", ":80", "1.2.3.4:65536", "1.2.3.4:x", "[::1:80"};
    struct owners owners;

    (void)state;
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        assert_int_equal(owner_find(addresses[i], &owners), -EINVAL);
}

static void describe_several_owners_lists_them(void **state)
{
    const struct owners owners = {
        .count = 3,
        .list = {{1, "a"}, {2, "b"}, {3, "c"}},
    };
    char text[128];

    (void)state;
    assert_string_equal(owner_describe(&owners, text, sizeof text),
                        "a (pid 1), b (pid 2) and c (pid 3)");
    assert_string_equal(owner_describe(&owners, text, 5), "a (p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_owner_of_tcp_address_names_the_process),
        cmocka_unit_test(find_owner_of_ipv6_any_stands_in_the_way_of_all),
        scratch_test(find_owner_of_unix_path_names_the_process),
        cmocka_unit_test(find_owner_of_another_user_says_hidden),
        cmocka_unit_test(find_owner_of_no_address_is_refused),
        cmocka_unit_test(describe_several_owners_lists_them),
    };

    return run_os_tests(tests);
}
