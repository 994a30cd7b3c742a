#include "os/scratch.h"

#include "os/detach.h"
#include "os/epoll_sets.h"
#include "os/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum {
    LISTENERS = 2,
};

struct scene {
    struct detach_listener listeners[LISTENERS];
    uint16_t ports[LISTENERS];
};

static void open_scene(struct scene *scene)
{
    for (size_t i = 0; i < LISTENERS; i++) {
        struct listener_description description;

        assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &scene->listeners[i].fd),
                         0);
        assert_int_equal(listener_describe(scene->listeners[i].fd, &description), 0);
        scene->listeners[i].inode = description.identity.inode;
        scene->ports[i] = description.port;
    }
}

static void close_scene(struct scene *scene)
{
    for (size_t i = 0; i < LISTENERS; i++)
        scene->listeners[i].fd = close_fd(scene->listeners[i].fd);
}

/* A server that waits by epoll, and says by a byte which listener it has accepted from. */
static int serve(const struct child_ends *ends, void *argument)
{
    const struct scene *scene = argument;
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};

    for (uint32_t i = 0; i < LISTENERS; i++) {
        event.data.u32 = i;
        if (epoll_ctl(set, EPOLL_CTL_ADD, scene->listeners[i].fd, &event) < 0)
            return 1;
    }
    child_tell(ends);
    while (epoll_wait(set, &event, 1, -1) == 1) {
        char which = (char)('A' + (char)event.data.u32);

        if (accept4(scene->listeners[event.data.u32].fd, NULL, NULL, SOCK_CLOEXEC) >= 0 &&
            write(ends->news, &which, 1) != 1)
            return 2;
    }
    return 0;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static char hear(const struct child *child)
{
    char byte = '\0';

    assert_int_equal(read(child->news, &byte, 1), 1);
    return byte;
}

static bool count_entry(void *user, const struct epoll_entry *entry)
{
    size_t *count = user;

    assert_true(entry->events & EPOLLIN);
    (*count)++;
    return false;
}

static size_t count_entries(pid_t pid)
{
    size_t count = 0;

    assert_int_equal(epoll_sets_walk(pid, count_entry, &count), 0);
    return count;
}

static void detach_worker_leaves_connections_to_others(void **state)
{
    struct scene scene;
    struct child child;
    _cleanup_fd_ int first = -1;
    _cleanup_fd_ int second = -1;
    _cleanup_fd_ int third = -1;
    _cleanup_fd_ int accepted = -1;
    size_t count = 0;

    (void)state;
    open_scene(&scene);
    child = child_start(serve, &scene);
    child_listen(&child);
    assert_int_equal(count_entries(child.pid), 2);
    first = connect_to(scene.ports[0]);
    assert_int_equal(hear(&child), 'A');

    assert_int_equal(detach_from_listeners(&child.pid, 1, &scene.listeners[0], 1, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(count_entries(child.pid), 1);

    /* It goes on with the other listener, and does not take what comes to this one. */
    second = connect_to(scene.ports[0]);
    third = connect_to(scene.ports[1]);
    assert_int_equal(hear(&child), 'B');
    accepted = accept4(scene.listeners[0].fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(accepted >= 0);
    (void)child_end(&child, true);
    close_scene(&scene);
}

static void detach_worker_without_epoll_counts_nothing(void **state)
{
    struct scene scene;
    pid_t self = getpid();
    size_t count = 7;

    (void)state;
    open_scene(&scene);
    assert_int_equal(detach_from_listeners(&self, 1, scene.listeners, LISTENERS, &count), 0);
    assert_int_equal(count, 0);
    close_scene(&scene);
}

static void detach_gone_process_counts_nothing(void **state)
{
    struct scene scene;
    pid_t nobody = 4194305; /* beyond the largest pid there is (PID_MAX_LIMIT) */
    size_t count = 7;

    (void)state;
    open_scene(&scene);
    assert_int_equal(detach_from_listeners(&nobody, 1, scene.listeners, LISTENERS, &count), 0);
    assert_int_equal(count, 0);
    close_scene(&scene);
}

static void detach_leaves_own_descriptors_alone(void **state)
{
    struct scene scene;
    struct child child;
    struct listener_identity before;
    struct listener_identity after;
    size_t count = 0;

    (void)state;
    open_scene(&scene);
    child = child_start(serve, &scene);
    child_listen(&child);
    assert_int_equal(listener_identify(scene.listeners[1].fd, &before), 0);
    assert_int_equal(detach_from_listeners(&child.pid, 1, scene.listeners, LISTENERS, &count),
                     0);
    assert_int_equal(count, 2);
    assert_int_equal(listener_identify(scene.listeners[1].fd, &after), 0);
    assert_true(listener_identity_equals(&before, &after));
    (void)child_end(&child, true);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detach_worker_leaves_connections_to_others),
        cmocka_unit_test(detach_worker_without_epoll_counts_nothing),
        cmocka_unit_test(detach_gone_process_counts_nothing),
        cmocka_unit_test(detach_leaves_own_descriptors_alone),
    };

    return run_os_tests(tests);
}
