#include "reloadd/listeners.h"

#include "os/scratch.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

enum { ADDRESS_SIZE = 64 };

/* A configuration with up to four listeners; strings are borrowed. */
struct listen {
    struct spec spec;
    struct listener_spec items[4];
};

static int open_port(void)
{
    int fd = -1;

    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct listener_description description;

    assert_int_equal(listener_describe(fd, &description), 0);
    return description.port;
}

static uint16_t free_port(void)
{
    int fd = open_port();
    uint16_t port = port_of(fd);

    (void)close(fd);
    return port;
}

static const char *address_of(uint16_t port, char address[static ADDRESS_SIZE])
{
    (void)snprintf(address, ADDRESS_SIZE, "127.0.0.1:%d", port);
    return address;
}

static void add_tcp(struct listen *listen, char *name, uint16_t port,
                    char address[static ADDRESS_SIZE])
{
    listen->items[listen->spec.listener_n++] = (struct listener_spec){
        .name = name,
        .address = (char *)(uintptr_t)address_of(port, address),
        .type = LISTENER_TCP,
        .host = (char *)(uintptr_t) "127.0.0.1",
        .port = port,
    };
    listen->spec.listeners = listen->items;
}

static void add_unix(struct listen *listen, char *name, char *path, mode_t mode)
{
    listen->items[listen->spec.listener_n++] = (struct listener_spec){
        .name = name, .address = path, .type = LISTENER_UNIX, .mode = mode};
    listen->spec.listeners = listen->items;
}

static char one[] = "one";
static char two[] = "two";

static bool is_named(void *user, const struct listener *listener)
{
    return strcmp(listener->name, user) == 0;
}

static bool can_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void open_keeps_the_socket_of_what_stays(void **state)
{
    struct listeners listeners = {0};
    struct listen first = {0};
    struct listen second = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE];
    struct listener_identity before;
    uint16_t port = free_port();

    (void)state;
    add_tcp(&first, one, port, a);
    assert_int_equal(listeners_open(&listeners, &first.spec, error), 0);
    before = listeners_find(&listeners, a)->identity;
    add_tcp(&second, two, port, a);
    add_tcp(&second, one, free_port(), b);
    assert_int_equal(listeners_open(&listeners, &second.spec, error), 0);
    assert_true(listener_identity_equals(&before, &listeners_find(&listeners, a)->identity));
    assert_string_equal(listeners_find(&listeners, a)->name, "two");
    assert_non_null(listeners_find(&listeners, b));
    listeners_close_unwanted(&listeners, is_named, one);
    assert_null(listeners_find(&listeners, a));
    assert_false(can_connect(port));
    assert_int_equal(listeners.n, 1);
    listeners_release(&listeners);
}

static void open_of_a_taken_address_opens_nothing_and_says_by_whom(void **state)
{
    struct listeners listeners = {0};
    struct listen listen = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE];
    char pid[32];
    uint16_t port = free_port();
    _cleanup_fd_ int taken = open_port();

    (void)state;
    add_tcp(&listen, one, port, a);
    add_tcp(&listen, two, port_of(taken), b);
    assert_int_equal(listeners_open(&listeners, &listen.spec, error), 1);
    assert_non_null(strstr(error, b));
    (void)snprintf(pid, sizeof(pid), "(pid %d)", getpid());
    assert_non_null(strstr(error, pid));
    assert_int_equal(listeners.n, 0);
    assert_false(can_connect(port));
    listeners_release(&listeners);
}

static void open_of_a_unix_socket_sets_mode_and_owner(void **state)
{
    struct listeners listeners = {0};
    struct listen listen = {0};
    char path[PATH_MAX];
    char error[LISTENERS_ERROR_SIZE];
    struct stat status;
    const struct passwd *nobody = getpwnam("nobody");
    bool is_root = geteuid() == 0 && nobody != NULL;
    char owner[] = "nobody";

    (void)scratch_path(state, "x.sock", path);
    add_unix(&listen, one, path, 0620);
    if (is_root)
        listen.items[0].owner = owner;
    assert_int_equal(listeners_open(&listeners, &listen.spec, error), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0620);
    if (is_root)
        assert_int_equal(status.st_uid, nobody->pw_uid);
    listen.items[0].mode = 0600;
    assert_int_equal(listeners_open(&listeners, &listen.spec, error), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    listeners_release(&listeners);
    assert_int_equal(access(path, F_OK), -1);
}

static void open_over_a_file_that_is_no_socket_is_refused(void **state)
{
    struct listeners listeners = {0};
    struct listen listen = {0};
    char path[PATH_MAX];
    char error[LISTENERS_ERROR_SIZE];
    _cleanup_fd_ int fd = -1;

    fd = open(scratch_path(state, "precious", path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    add_unix(&listen, one, path, 0600);
    assert_int_equal(listeners_open(&listeners, &listen.spec, error), 1);
    assert_int_equal(access(path, F_OK), 0);
    listeners_release(&listeners);
}

/* What a child inherits at 3 and 4, and its body: it must not return to the test's cmocka. */
struct handed {
    int fds[2];
    size_t n;
    const char *names;
    int (*body)(const struct handed *handed);
};

static int inherit_in_child(const struct child_ends *ends, void *argument)
{
    struct handed *handed = argument;
    char pid[32];
    char n[32];

    (void)ends;
    for (size_t i = 0; i < handed->n; i++)
        if (fcntl(handed->fds[i], F_DUPFD, 100 + (int)i) < 0)
            return 90;
    for (size_t i = 0; i < handed->n; i++) {
        handed->fds[i] = dup2(100 + (int)i, 3 + (int)i);
        if (handed->fds[i] < 0)
            return 91;
    }
    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    (void)snprintf(n, sizeof(n), "%zu", handed->n);
    if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", n, 1) < 0 ||
        setenv("LISTEN_FDNAMES", handed->names, 1) < 0)
        return 92;
    return handed->body(handed);
}

/* Runs it in a child that was handed the descriptors; its result. */
static int in_child(struct handed handed)
{
    struct child child = child_start(inherit_in_child, &handed);
    int status = child_end(&child, false);

    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The step that went wrong, by its line. Exit statuses are small, so the line goes to stderr.
 */
#define WANT(condition)                                                                        \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);      \
            return 1;                                                                          \
        }                                                                                      \
    } while (0)

static int matches_by_address_and_by_name(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct listen listen = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";
    struct listener_identity identity;

    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    add_tcp(&listen, two, 1, b); /* another address, the same name */
    WANT(listeners_inherit(&listeners, error) == 0);
    WANT(getenv("LISTEN_FDS") == NULL);
    WANT(fcntl(3, F_GETFD) == FD_CLOEXEC);
    WANT(listeners_open(&listeners, &listen.spec, error) == 0);
    WANT(listeners.n == 2 && listeners_find(&listeners, a)->inherited);
    WANT(listener_identify(handed->fds[1], &identity) == 0);
    WANT(listener_identity_equals(&identity, &listeners_find(&listeners, b)->identity));
    listeners_close_unwanted(&listeners, is_named, two);
    WANT(listeners.n == 1);
    WANT(listeners_open(&listeners, &listen.spec, error) == 0);
    WANT(listeners_find(&listeners, a)->inherited);
    listeners_release(&listeners);
    return 0;
}

static int completes_an_empty_configuration(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct spec spec = {0};
    char a[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    WANT(listeners_inherit(&listeners, error) == 0);
    WANT(listeners_complete(&listeners, &spec) == 0);
    WANT(spec.listener_n == 2);
    WANT(strcmp(spec.listeners[0].address, address_of(port_of(handed->fds[0]), a)) == 0);
    WANT(strcmp(spec.listeners[0].host, "127.0.0.1") == 0);
    WANT(strcmp(spec.listeners[0].name, "alpha") == 0);
    WANT(strcmp(spec.listeners[1].name, "two") == 0);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(listeners_complete(&listeners, &spec) == 0 && spec.listener_n == 2);
    listeners_release(&listeners);
    spec_release(&spec);
    return 0;
}

static int complains_of_one_too_few(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct listen listen = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    add_tcp(&listen, two, 1, b);
    WANT(listeners_inherit(&listeners, error) == 0);
    WANT(listeners_open(&listeners, &listen.spec, error) == 1);
    WANT(strstr(error, b) && strstr(error, "service manager"));
    listeners_release(&listeners);
    return 0;
}

static int complains_of_one_too_many(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct listen listen = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    WANT(listeners_inherit(&listeners, error) == 0);
    WANT(listeners_open(&listeners, &listen.spec, error) == 1);
    WANT(strstr(error, address_of(port_of(handed->fds[1]), b)));
    listeners_release(&listeners);
    return 0;
}

static int refuses_what_does_not_listen(const struct handed *handed)
{
    struct listeners listeners = {0};
    char error[LISTENERS_ERROR_SIZE] = "";

    (void)handed;
    WANT(listeners_inherit(&listeners, error) == 1);
    WANT(strstr(error, "descriptor 3 (alpha)"));
    listeners_release(&listeners);
    return 0;
}

static int run_with_two(int (*body)(const struct handed *), const char *names)
{
    _cleanup_fd_ int first = open_port();
    _cleanup_fd_ int second = open_port();

    return in_child((struct handed){{first, second}, 2, names, body});
}

static void inherit_matches_by_address_and_by_name(void **state)
{
    (void)state;
    assert_int_equal(run_with_two(matches_by_address_and_by_name, "alpha:two"), 0);
}

static void inherit_without_listen_takes_all(void **state)
{
    (void)state;
    assert_int_equal(run_with_two(completes_an_empty_configuration, "alpha:two"), 0);
}

static void inherit_of_one_too_few_is_refused(void **state)
{
    _cleanup_fd_ int fd = open_port();

    (void)state;
    assert_int_equal(in_child((struct handed){{fd, -1}, 1, "alpha", complains_of_one_too_few}),
                     0);
}

static void inherit_of_one_too_many_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run_with_two(complains_of_one_too_many, "one:beta"), 0);
}

static void inherit_of_no_listener_is_refused(void **state)
{
    _cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    assert_int_equal(
        in_child((struct handed){{fd, -1}, 1, "alpha", refuses_what_does_not_listen}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_keeps_the_socket_of_what_stays),
        cmocka_unit_test(open_of_a_taken_address_opens_nothing_and_says_by_whom),
        scratch_test(open_of_a_unix_socket_sets_mode_and_owner),
        scratch_test(open_over_a_file_that_is_no_socket_is_refused),
        cmocka_unit_test(inherit_matches_by_address_and_by_name),
        cmocka_unit_test(inherit_without_listen_takes_all),
        cmocka_unit_test(inherit_of_one_too_few_is_refused),
        cmocka_unit_test(inherit_of_one_too_many_is_refused),
        cmocka_unit_test(inherit_of_no_listener_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
