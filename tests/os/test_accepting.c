#include "os/scratch.h"

#include "os/accepting.h"
#include "os/listener.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

enum {
    LOOKS = 1000000, /* until a child that accepts must have been seen */
};

static int open_listener(uint64_t *ret_inode)
{
    struct listener_identity identity;
    int fd;

    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &fd), 0);
    assert_int_equal(listener_identify(fd, &identity), 0);
    *ret_inode = identity.inode;
    return fd;
}

/* Each of these waits for a connection in its own way, on the listener *argument. */

static int wait_in_accept(const struct child_ends *ends, void *argument)
{
    int fd = *(const int *)argument;

    (void)ends;
    (void)fcntl(fd, F_SETFL, 0);
    return accept4(fd, NULL, NULL, SOCK_CLOEXEC);
}

static int wait_in_poll(const struct child_ends *ends, void *argument)
{
    struct pollfd items[] = {{.fd = -1, .events = POLLIN},
                             {.fd = ends->leash, .events = 0},
                             {.fd = *(const int *)argument, .events = POLLIN}};

    return poll(items, 3, -1);
}

static int wait_in_select(const struct child_ends *ends, void *argument)
{
    int fd = *(const int *)argument;
    fd_set set;

    (void)ends;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, NULL);
}

static int wait_in_epoll(const struct child_ends *ends, void *argument)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, *(const int *)argument, &event) < 0)
        return 1;
    child_wait_for_end(ends);
    return 0;
}

static void *accept_in_thread(void *argument)
{
    (void)wait_in_accept(NULL, argument);
    return NULL;
}

static int wait_in_thread(const struct child_ends *ends, void *argument)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, accept_in_thread, argument) != 0)
        return 1;
    child_wait_for_end(ends);
    return 0;
}

static bool look(pid_t pid, uint64_t inode)
{
    bool accepting = false;

    assert_int_equal(accepting_look(&pid, 1, &inode, 1, &accepting), 0);
    return accepting;
}

static void expect_seen(int (*body)(const struct child_ends *, void *))
{
    uint64_t inode;
    uint64_t other;
    int fd = open_listener(&inode);
    int other_fd = open_listener(&other);
    struct child child = child_start(body, &fd);
    bool seen = false;

    for (int i = 0; i < LOOKS && !seen; i++) {
        seen = look(child.pid, inode);
        (void)sched_yield();
    }
    assert_true(seen);
    assert_false(look(child.pid, other));
    (void)child_end(&child, true);
    (void)close(fd);
    (void)close(other_fd);
}

static void look_at_blocking_accept_sees_it(void **state)
{
    (void)state;
    expect_seen(wait_in_accept);
}

static void look_at_poll_sees_it(void **state)
{
    (void)state;
    expect_seen(wait_in_poll);
}

static void look_at_select_sees_it(void **state)
{
    (void)state;
    expect_seen(wait_in_select);
}

static void look_at_epoll_sees_it(void **state)
{
    (void)state;
    expect_seen(wait_in_epoll);
}

static void look_at_accept_in_a_thread_sees_it(void **state)
{
    (void)state;
    expect_seen(wait_in_thread);
}

static int hold_and_wait(const struct child_ends *ends, void *argument)
{
    struct epoll_event event = {.events = EPOLLOUT};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    /* In a set, but not for connections. */
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, *(const int *)argument, &event) < 0)
        return 1;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static void look_at_program_that_just_holds_the_socket_sees_nothing(void **state)
{
    uint64_t inode;
    int fd = open_listener(&inode);
    struct child child = child_start(hold_and_wait, &fd);

    (void)state;
    child_listen(&child);
    assert_false(look(child.pid, inode));
    (void)child_end(&child, true);
    assert_false(look(child.pid, inode)); /* it is gone */
    (void)close(fd);
}

static int wait_in_epoll_among_many(const struct child_ends *ends, void *argument)
{
    struct epoll_event event = {.events = EPOLLIN};
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    for (int i = 0; i < 800; i++)
        if (fcntl(ends->leash, F_DUPFD_CLOEXEC, 0) < 0)
            break;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, ends->leash, &event) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, *(const int *)argument, &event) < 0)
        return 1;
    child_wait_for_end(ends);
    return 0;
}

static void look_at_program_with_many_descriptors_sees_it(void **state)
{
    (void)state;
    expect_seen(wait_in_epoll_among_many);
}

static int look_as_nobody(const struct child_ends *ends, void *argument)
{
    uint64_t inode = *(const uint64_t *)argument;
    pid_t pid = getppid();
    bool accepting = false;

    (void)ends;
    if (setuid(65534) < 0)
        return 1;
    return accepting_look(&pid, 1, &inode, 1, &accepting) == -EACCES ? 0 : 2;
}

static void look_at_another_users_process_says_that_it_may_not(void **state)
{
    uint64_t inode = 1;
    struct child child;

    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    child = child_start(look_as_nobody, &inode);
    assert_int_equal(child_end(&child, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_at_blocking_accept_sees_it),
        cmocka_unit_test(look_at_poll_sees_it),
        cmocka_unit_test(look_at_select_sees_it),
        cmocka_unit_test(look_at_epoll_sees_it),
        cmocka_unit_test(look_at_accept_in_a_thread_sees_it),
        cmocka_unit_test(look_at_program_that_just_holds_the_socket_sees_nothing),
        cmocka_unit_test(look_at_program_with_many_descriptors_sees_it),
        cmocka_unit_test(look_at_another_users_process_says_that_it_may_not),
    };

    return run_os_tests(tests);
}
