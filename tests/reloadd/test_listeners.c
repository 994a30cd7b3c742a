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

    child_wait_for_end(ends);
    for (size_t i = 0; i < handed->n; i++) {
        if (fcntl(handed->fds[i], F_DUPFD, 100 + (int)i) < 0)
            return 90;
        (void)close(handed->fds[i]);
    }
    for (size_t i = 0; i < handed->n; i++) {
        handed->fds[i] = dup2(100 + (int)i, 3 + (int)i);
        if (handed->fds[i] < 0)
            return 91;
        (void)close(100 + (int)i);
    }
    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    (void)snprintf(n, sizeof(n), "%zu", handed->n);
    if (setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", n, 1) < 0 ||
        setenv("LISTEN_FDNAMES", handed->names, 1) < 0)
        return 92;
    return handed->body(handed);
}

/* Runs it in a child that was handed the descriptors, which are the child's alone; its result.
 */
static int in_child(struct handed handed)
{
    struct child child = child_start(inherit_in_child, &handed);
    int status;

    for (size_t i = 0; i < handed.n; i++)
        (void)close(handed.fds[i]);
    status = child_end(&child, false); /* it has waited for this */
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

/* Takes over what was handed to this process; 0 as listeners_inherit(). */
static int take_over(struct listeners *listeners, struct fd_store *store, char *error)
{
    WANT(fd_store_receive(store) == 0);
    WANT(getenv("LISTEN_FDS") == NULL);
    WANT(fcntl(3, F_GETFD) == FD_CLOEXEC);
    return listeners_inherit(listeners, store, error);
}

/* The configuration of `listen` on the heap, as the verbs that change it need it. */
static void own_strings(struct listen *listen, struct spec *ret_spec)
{
    struct spec spec = {.listener_n = listen->spec.listener_n};

    spec.listeners = calloc(spec.listener_n, sizeof(*spec.listeners));
    assert_non_null(spec.listeners);
    for (size_t i = 0; i < spec.listener_n; i++) {
        spec.listeners[i] = listen->items[i];
        spec.listeners[i].name = strdup(listen->items[i].name);
        spec.listeners[i].address = strdup(listen->items[i].address);
        spec.listeners[i].host = listen->items[i].host ? strdup(listen->items[i].host) : NULL;
    }
    spec.exec = calloc(2, sizeof(*spec.exec));
    spec.exec[0] = strdup("true");
    *ret_spec = spec;
}

static bool is_socket(const struct listeners *listeners, const char *address, int fd)
{
    const struct listener *listener = listeners_find(listeners, address);
    struct listener_identity identity;

    return listener && listener->inherited && listener_identify(fd, &identity) == 0 &&
           listener_identity_equals(&identity, &listener->identity);
}

static int matches_by_address_and_by_name(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    struct spec spec;
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char truth[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    (void)address_of(port_of(handed->fds[1]), truth);
    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    add_tcp(&listen, two, 1, b); /* another address, the same name */
    own_strings(&listen, &spec);
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(spec.listener_n == 2 && spec.left_out == NULL);
    WANT(spec.listeners[0].configured == NULL);
    WANT(strcmp(spec.listeners[1].address, truth) == 0);
    WANT(strcmp(spec.listeners[1].name, "two") == 0);
    WANT(strcmp(spec.listeners[1].configured, b) == 0);
    WANT(spec.listeners[1].port == port_of(handed->fds[1]));
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(listeners.n == 2 && is_socket(&listeners, a, handed->fds[0]));
    WANT(is_socket(&listeners, truth, handed->fds[1]));
    WANT(listeners_find(&listeners, a)->differs == NULL);
    WANT(strstr(listeners_find(&listeners, truth)->differs, b));
    WANT(!listeners_warn(&spec, error));
    /* Completed once more, as after a recovery, it stays what it is. */
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(strcmp(spec.listeners[1].configured, b) == 0);
    listeners_close_unwanted(&listeners, is_named, two);
    WANT(listeners.n == 1);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(is_socket(&listeners, a, handed->fds[0]));
    spec_release(&spec);
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

/* Neither address nor name agree, and one of each is left. */
static int matches_the_only_one_left(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    struct spec spec;
    char a[ADDRESS_SIZE];
    char truth[ADDRESS_SIZE];
    char path[] = "/run/never-opened.sock";
    char error[LISTENERS_ERROR_SIZE] = "";

    (void)address_of(port_of(handed->fds[0]), truth);
    add_tcp(&listen, one, port_of(handed->fds[1]), a);
    add_unix(&listen, two, path, 0600);
    own_strings(&listen, &spec);
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(spec.listener_n == 2 && spec.left_out == NULL);
    WANT(spec.listeners[1].type == LISTENER_TCP);
    WANT(strcmp(spec.listeners[1].address, truth) == 0);
    WANT(strcmp(spec.listeners[1].host, "127.0.0.1") == 0);
    WANT(strcmp(spec.listeners[1].configured, path) == 0);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(is_socket(&listeners, truth, handed->fds[0]));
    spec_release(&spec);
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

/* A unit gives both of its sockets one name: which is whose, nobody can say. */
static int guesses_nothing(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    struct spec spec;
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char truth[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    (void)address_of(port_of(handed->fds[0]), truth);
    add_tcp(&listen, one, 1, a);
    add_tcp(&listen, two, 2, b);
    own_strings(&listen, &spec);
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(spec.listener_n == 2);
    WANT(strcmp(spec.left_out[0], "127.0.0.1:2 (two)") == 0);
    WANT(strcmp(spec.left_out[1], "127.0.0.1:1 (one)") == 0 && !spec.left_out[2]);
    WANT(strcmp(spec.listeners[0].name, "one") == 0); /* the socket's own */
    WANT(strcmp(spec.listeners[0].address, truth) == 0);
    WANT(strcmp(spec.listeners[0].configured, "") == 0);
    WANT(strcmp(spec.listeners[1].name, "listen1") == 0);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(strstr(listeners_find(&listeners, truth)->differs, "lacks it"));
    WANT(listeners_warn(&spec, error) && strstr(error, "127.0.0.1:2 (two) and others"));
    spec_release(&spec);
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

static int completes_an_empty_configuration(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct spec spec = {0};
    char a[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(spec.listener_n == 2);
    WANT(strcmp(spec.listeners[0].address, address_of(port_of(handed->fds[0]), a)) == 0);
    WANT(strcmp(spec.listeners[0].host, "127.0.0.1") == 0);
    WANT(strcmp(spec.listeners[0].name, "alpha") == 0);
    WANT(strcmp(spec.listeners[1].name, "two") == 0);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(listeners_find(&listeners, a)->differs == NULL);
    WANT(listeners_complete(&listeners, &spec, error) == 0 && spec.listener_n == 2);
    listeners_release(&listeners);
    fd_store_release(&store);
    spec_release(&spec);
    return 0;
}

static int leaves_out_one_too_few(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    struct spec spec;
    struct spec running = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    add_tcp(&listen, two, 1, b);
    own_strings(&listen, &spec);
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(spec.listener_n == 1 && strcmp(spec.listeners[0].name, "one") == 0);
    WANT(strcmp(spec.left_out[0], "127.0.0.1:1 (two)") == 0 && !spec.left_out[1]);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    /* A reload can't have it; once it is known to be left out, others go through. */
    WANT(listeners_refuse_new(&spec, &running, error) == 1);
    WANT(strstr(error, "127.0.0.1:1 (two)") && strstr(error, "docs/SYSTEMD.md"));
    WANT(listeners_refuse_new(&spec, &spec, error) == 0);
    spec_release(&spec);
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

static int refuses_to_leave_out_what_exec_needs(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    struct spec spec;
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    add_tcp(&listen, two, 1, b);
    own_strings(&listen, &spec);
    free(spec.exec[0]);
    spec.exec[0] = strdup("{fd:two}");
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 1);
    WANT(strstr(error, "127.0.0.1:1 (two)") && strstr(error, "exec"));
    spec_release(&spec);
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

static int adds_one_too_many(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    struct spec spec;
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";

    add_tcp(&listen, one, port_of(handed->fds[0]), a);
    own_strings(&listen, &spec);
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(listeners_complete(&listeners, &spec, error) == 0);
    WANT(listeners_open(&listeners, &spec, error) == 0);
    WANT(spec.listener_n == 2 && strcmp(spec.listeners[1].name, "beta") == 0);
    WANT(is_socket(&listeners, address_of(port_of(handed->fds[1]), b), handed->fds[1]));
    WANT(strstr(listeners_find(&listeners, b)->differs, "lacks it"));
    WANT(listeners_find(&listeners, a)->differs == NULL);
    spec_release(&spec);
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

static int refuses_what_does_not_listen(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    char error[LISTENERS_ERROR_SIZE] = "";

    (void)handed;
    WANT(take_over(&listeners, &store, error) == 1);
    WANT(strstr(error, "descriptor 3 (alpha)"));
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

/* What an earlier primary opened is ours: no unit's truth, and others may be opened beside it.
 */
static int goes_on_with_what_was_opened(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    struct listen listen = {0};
    char a[ADDRESS_SIZE];
    char b[ADDRESS_SIZE];
    char error[LISTENERS_ERROR_SIZE] = "";
    struct listener_identity identity;
    uint16_t port = port_of(handed->fds[0]);

    WANT(listener_identify(handed->fds[0], &identity) == 0);
    add_tcp(&listen, one, port, a);
    add_tcp(&listen, two, free_port(), b);
    WANT(take_over(&listeners, &store, error) == 0);
    WANT(!listeners_are_of_units(&listeners));
    WANT(listeners_complete(&listeners, &listen.spec, error) == 0);
    WANT(listen.spec.listener_n == 2);
    WANT(listeners_open(&listeners, &listen.spec, error) == 0);
    WANT(listeners_find(&listeners, a) && !listeners_find(&listeners, a)->inherited);
    WANT(listener_identity_equals(&identity, &listeners_find(&listeners, a)->identity));
    WANT(listeners_find(&listeners, b));
    listeners_close_unwanted(&listeners, is_named, two);
    WANT(!can_connect(port));
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

/* And what no revision has any more is closed, though nobody has taken it. */
static int forgets_what_was_opened(const struct handed *handed)
{
    struct listeners listeners = {0};
    struct fd_store store = {0};
    char error[LISTENERS_ERROR_SIZE] = "";
    uint16_t port = port_of(handed->fds[0]);

    WANT(take_over(&listeners, &store, error) == 0);
    WANT(can_connect(port));
    listeners_close_unwanted(&listeners, is_named, one);
    WANT(!can_connect(port));
    listeners_release(&listeners);
    fd_store_release(&store);
    return 0;
}

static int run_with_two(int (*body)(const struct handed *), const char *names)
{
    return in_child((struct handed){{open_port(), open_port()}, 2, names, body});
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

static void inherit_matches_the_only_one_left(void **state)
{
    (void)state;
    assert_int_equal(run_with_two(matches_the_only_one_left, "alpha:beta"), 0);
}

static void inherit_of_two_with_one_name_guesses_nothing(void **state)
{
    (void)state;
    assert_int_equal(run_with_two(guesses_nothing, "one:one"), 0);
}

static void run_with_one(int (*body)(const struct handed *))
{
    assert_int_equal(in_child((struct handed){{open_port(), -1}, 1, "alpha", body}), 0);
}

static void inherit_of_one_too_few_leaves_it_out(void **state)
{
    (void)state;
    run_with_one(leaves_out_one_too_few);
}

static void inherit_of_one_too_few_that_exec_needs_is_refused(void **state)
{
    (void)state;
    run_with_one(refuses_to_leave_out_what_exec_needs);
}

static void inherit_of_one_too_many_adds_it(void **state)
{
    (void)state;
    assert_int_equal(run_with_two(adds_one_too_many, "one:beta"), 0);
}

/* Handed on under the name that the store has it by. */
static void run_with_opened(int (*body)(const struct handed *))
{
    struct listener listener = {0};
    char name[FD_NAME_SIZE];
    int fd = open_port();

    assert_int_equal(listener_identify(fd, &listener.identity), 0);
    listeners_store_name(&listener, name);
    assert_int_equal(in_child((struct handed){{fd, -1}, 1, name, body}), 0);
}

static void inherit_of_what_a_primary_opened_is_its_own(void **state)
{
    (void)state;
    run_with_opened(goes_on_with_what_was_opened);
}

static void inherit_of_what_nobody_wants_any_more_is_closed(void **state)
{
    (void)state;
    run_with_opened(forgets_what_was_opened);
}

static void inherit_of_no_listener_is_refused(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

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
        cmocka_unit_test(inherit_matches_the_only_one_left),
        cmocka_unit_test(inherit_of_two_with_one_name_guesses_nothing),
        cmocka_unit_test(inherit_of_one_too_few_leaves_it_out),
        cmocka_unit_test(inherit_of_one_too_few_that_exec_needs_is_refused),
        cmocka_unit_test(inherit_of_one_too_many_adds_it),
        cmocka_unit_test(inherit_of_what_a_primary_opened_is_its_own),
        cmocka_unit_test(inherit_of_what_nobody_wants_any_more_is_closed),
        cmocka_unit_test(inherit_of_no_listener_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
