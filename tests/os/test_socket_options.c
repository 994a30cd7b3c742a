#include "os/socket_options.h"

#include "os/scratch.h"

#include "os/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int open_tcp(void)
{
    int fd = -1;

    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    return fd;
}

static void set(int fd, int level, int name, int value)
{
    assert_int_equal(setsockopt(fd, level, name, &value, sizeof value), 0);
}

static int get(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void copy_takes_all_that_differs(void **state)
{
    _cleanup_fd_ int from = open_tcp();
    _cleanup_fd_ int to = open_tcp();

    (void)state;
    set(from, IPPROTO_TCP, TCP_NODELAY, 1);
    set(from, SOL_SOCKET, SO_RCVBUF, 50000);
    set(to, SOL_SOCKET, SO_KEEPALIVE, 1);
    assert_int_equal(listener_set_nonblocking(from, false), 0);
    assert_int_equal(socket_options_copy(from, to), 0);
    assert_int_equal(get(to, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(get(to, SOL_SOCKET, SO_RCVBUF), 100000);
    assert_int_equal(get(to, SOL_SOCKET, SO_KEEPALIVE), 0);
    assert_int_equal(fcntl(to, F_GETFL) & O_NONBLOCK, 0);
}

static void copy_chosen_leaves_what_was_not_chosen(void **state)
{
    _cleanup_fd_ int from = open_tcp();
    _cleanup_fd_ int to = open_tcp();

    (void)state;
    set(from, IPPROTO_TCP, TCP_NODELAY, 1);
    set(from, SOL_SOCKET, SO_RCVBUF, 50000);
    set(to, SOL_SOCKET, SO_KEEPALIVE, 1); /* as a socket unit may have it */
    assert_int_equal(listener_set_nonblocking(from, false), 0);
    assert_int_equal(socket_options_copy_chosen(from, to), 0);
    assert_int_equal(get(to, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(get(to, SOL_SOCKET, SO_RCVBUF), 100000);
    assert_int_equal(get(to, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(fcntl(to, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
}

static void copy_chosen_over_families_takes_what_both_have(void **state)
{
    _cleanup_fd_ int from = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _cleanup_fd_ int to = open_tcp();

    (void)state;
    assert_true(from >= 0);
    set(from, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set(from, IPPROTO_IPV6, IPV6_TCLASS, 8);
    set(from, SOL_SOCKET, SO_KEEPALIVE, 1);
    assert_int_equal(socket_options_copy_chosen(from, to), 0);
    assert_int_equal(get(to, SOL_SOCKET, SO_KEEPALIVE), 1);
}

static void copy_of_no_socket_says_so(void **state)
{
    _cleanup_fd_ int to = open_tcp();

    (void)state;
    assert_true(socket_options_copy_chosen(STDIN_FILENO, to) < 0);
    assert_true(socket_options_copy(-1, to) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copy_takes_all_that_differs),
        cmocka_unit_test(copy_chosen_leaves_what_was_not_chosen),
        cmocka_unit_test(copy_chosen_over_families_takes_what_both_have),
        cmocka_unit_test(copy_of_no_socket_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
