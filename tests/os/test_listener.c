#include "os/scratch.h"

#include "os/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

/* Connects to 127.0.0.1 at the listener's port. */
static int connect_ipv4(uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
        return close_fd(fd);
    return fd;
}

static bool has_ipv6(void)
{
    struct in6_addr loopback = IN6ADDR_LOOPBACK_INIT;
    const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = loopback};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;

    (void)close_fd(fd);
    if (!has)
        print_message("no IPv6 here\n");
    return has;
}

static void open_tcp_any_port_listens_and_says_which(void **state)
{
    struct listener_description description;
    char expected[64];
    int client;
    int fd;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    assert_true(description.port != 0);
    (void)snprintf(expected, sizeof expected, "127.0.0.1:%u", description.port);
    assert_string_equal(description.address, expected);
    assert_int_equal(description.family, AF_INET);
    assert_int_equal(description.type, SOCK_STREAM);
    assert_true(description.listening);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    client = connect_ipv4(description.port);
    assert_true(client >= 0);
    (void)close(client);
    (void)close(fd);
}

static void open_tcp_taken_port_is_refused(void **state)
{
    struct listener_description description;
    int other;
    int fd;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    assert_int_equal(listener_open_tcp("127.0.0.1", description.port, false, 0, &other),
                     -EADDRINUSE);
    (void)close(fd);
}

/* With connections of the old listener in TIME_WAIT. */
static void open_tcp_port_of_closed_listener_works_at_once(void **state)
{
    struct listener_description description;
    int accepted;
    int client;
    int fd;

    (void)state;
    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    client = connect_ipv4(description.port);
    accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    (void)close(accepted);
    (void)close(client);
    (void)close(fd);
    assert_int_equal(listener_open_tcp("127.0.0.1", description.port, false, 0, &fd), 0);
    (void)close(fd);
}

static void open_tcp_any_ipv6_takes_ipv4_in(void **state)
{
    struct listener_description description;
    char expected[64];
    int client;
    int fd;

    (void)state;
    if (!has_ipv6())
        skip();
    assert_int_equal(listener_open_tcp("::", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    (void)snprintf(expected, sizeof expected, "[::]:%u", description.port);
    assert_string_equal(description.address, expected);
    client = connect_ipv4(description.port);
    assert_true(client >= 0);
    (void)close(client);
    (void)close(fd);
}

static void open_tcp_v6only_leaves_ipv4_to_another(void **state)
{
    struct listener_description description;
    int other;
    int fd;

    (void)state;
    if (!has_ipv6())
        skip();
    assert_int_equal(listener_open_tcp("0.0.0.0", 0, false, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    assert_int_equal(listener_open_tcp("::", description.port, false, 0, &other), -EADDRINUSE);
    assert_int_equal(listener_open_tcp("::", description.port, true, 0, &other), 0);
    (void)close(other);
    (void)close(fd);
}

static void open_tcp_wrong_host_is_refused(void **state)
{
    static const char *const hosts[] = {"localhost", "x", "[::1]", "1.2.3.4.5"};
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        assert_int_equal(listener_open_tcp(hosts[i], 0, false, 0, &fd), -EINVAL);
    assert_int_equal(listener_open_tcp("192.0.2.1", 0, false, 0, &fd), -EADDRNOTAVAIL);
}

static void open_unix_gives_mode_and_address(void **state)
{
    struct listener_description description;
    struct stat status;
    char path[PATH_MAX];
    mode_t mask = umask(0077);
    int fd;

    (void)scratch_path(state, "s.sock", path);
    assert_int_equal(listener_open_unix(path, 0666, (uid_t)-1, (gid_t)-1, 0, &fd), 0);
    (void)umask(mask);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFSOCK | 0666);
    assert_int_equal(listener_describe(fd, &description), 0);
    assert_string_equal(description.address, path);
    assert_int_equal(description.family, AF_UNIX);
    assert_true(description.listening);
    assert_int_equal(description.port, 0);
    (void)close(fd);
}

static void open_unix_for_another_owner_gives_it_away(void **state)
{
    struct stat status;
    char path[PATH_MAX];
    int fd;

    if (geteuid() != 0) {
        print_message("only root can give a file away\n");
        skip();
    }
    (void)scratch_path(state, "s.sock", path);
    assert_int_equal(listener_open_unix(path, 0660, 65534, 33, 0, &fd), 0);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFSOCK | 0660);
    assert_int_equal(status.st_uid, 65534);
    assert_int_equal(status.st_gid, 33);
    (void)close(fd);
}

static void describe_longest_path_keeps_it_whole(void **state)
{
    struct listener_description description;
    char path[PATH_MAX];
    size_t length;
    int fd;

    (void)scratch_path(state, "", path);
    length = strlen(path);
    memset(path + length, 'x', 107 - length);
    path[107] = '\0';
    assert_int_equal(listener_open_unix(path, 0600, (uid_t)-1, (gid_t)-1, 0, &fd), 0);
    assert_int_equal(listener_describe(fd, &description), 0);
    assert_string_equal(description.address, path);
    (void)close(fd);
}

static void describe_other_descriptors_says_what_they_are(void **state)
{
    struct listener_description description;
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(listener_describe(null_fd, &description), -ENOTSOCK);
    assert_int_equal(listener_describe(fd, &description), 0);
    assert_string_equal(description.address, "");
    assert_int_equal(description.type, SOCK_DGRAM);
    assert_false(description.listening);
    assert_int_equal(listener_describe(-1, &description), -EBADF);
    (void)close(fd);
    (void)close(null_fd);
}

static void identify_duplicate_equals_and_other_differs(void **state)
{
    struct listener_identity first;
    struct listener_identity copy;
    struct listener_identity other;
    int a = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int c = fcntl(a, F_DUPFD_CLOEXEC, 0);

    (void)state;
    assert_int_equal(listener_identify(a, &first), 0);
    assert_int_equal(listener_identify(c, &copy), 0);
    assert_int_equal(listener_identify(b, &other), 0);
    assert_true(listener_identity_equals(&first, &copy));
    assert_false(listener_identity_equals(&first, &other));
    (void)close(a);
    (void)close(b);
    (void)close(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_tcp_any_port_listens_and_says_which),
        cmocka_unit_test(open_tcp_taken_port_is_refused),
        cmocka_unit_test(open_tcp_port_of_closed_listener_works_at_once),
        cmocka_unit_test(open_tcp_any_ipv6_takes_ipv4_in),
        cmocka_unit_test(open_tcp_v6only_leaves_ipv4_to_another),
        cmocka_unit_test(open_tcp_wrong_host_is_refused),
        scratch_test(open_unix_gives_mode_and_address),
        scratch_test(open_unix_for_another_owner_gives_it_away),
        scratch_test(describe_longest_path_keeps_it_whole),
        cmocka_unit_test(describe_other_descriptors_says_what_they_are),
        cmocka_unit_test(identify_duplicate_equals_and_other_differs),
    };

    return run_os_tests(tests);
}
