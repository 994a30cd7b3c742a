#include "os/scratch.h"

#include "os/listener.h"
#include "os/unread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct scene {
    int listener;
    uint16_t port; /* 0: unix */
    bool reads;    /* the worker reads what comes */
};

/* Accepts one connection; with `reads` it reads a byte of it. Then it waits. */
static int hold_connection(const struct child_ends *ends, void *argument)
{
    const struct scene *scene = argument;
    int fd = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);
    char byte;

    if (fd < 0 || (scene->reads && read(fd, &byte, 1) != 1))
        return 1;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static int connect_tcp(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void open_tcp(struct scene *scene)
{
    struct listener_description description;

    assert_int_equal(listener_open_tcp("127.0.0.1", 0, false, 0, &scene->listener), 0);
    assert_int_equal(listener_set_nonblocking(scene->listener, false), 0);
    assert_int_equal(listener_describe(scene->listener, &description), 0);
    scene->port = description.port;
}

/* One connection with `size` bytes sent, to a worker as the scene wants it: is any unread? */
static enum unread_state look(struct scene *scene, int client, const char *bytes, size_t size)
{
    struct child child;
    enum unread_state state = UNREAD_BYTES;

    assert_int_equal(write(client, bytes, size), size);
    child = child_start(hold_connection, scene);
    child_listen(&child);
    assert_int_equal(unread_look(&child.pid, 1, &scene->port, scene->port != 0 ? 1 : 0,
                                 scene->port == 0, &state),
                     0);
    (void)child_end(&child, true);
    return state;
}

static enum unread_state look_tcp(bool reads, const char *bytes, size_t size)
{
    struct scene scene = {.reads = reads};
    _cleanup_fd_ int client = -1;
    enum unread_state state;

    open_tcp(&scene);
    client = connect_tcp(scene.port);
    state = look(&scene, client, bytes, size);
    (void)close_fd(scene.listener);
    return state;
}

static void look_at_unread_request_sees_it(void **state)
{
    (void)state;
    assert_int_equal(look_tcp(false, "GET", 3), UNREAD_BYTES);
}

static void look_at_silent_connection_sees_nothing(void **state)
{
    (void)state;
    assert_int_equal(look_tcp(false, "", 0), UNREAD_NOTHING);
}

static void look_at_read_request_sees_nothing(void **state)
{
    (void)state;
    assert_int_equal(look_tcp(true, "x", 1), UNREAD_NOTHING);
}

static void look_at_other_ports_passes_them_over(void **state)
{
    struct scene scene = {0};
    _cleanup_fd_ int client = -1;

    (void)state;
    open_tcp(&scene);
    client = connect_tcp(scene.port);
    scene.port = 1;
    assert_int_equal(look(&scene, client, "GET", 3), UNREAD_NO_CONNECTION);
    (void)close_fd(scene.listener);
}

static void look_at_unix_connection_sees_unread_request(void **state)
{
    struct scene scene = {0};
    struct sockaddr_un address;
    socklen_t size;
    char path[PATH_MAX];
    _cleanup_fd_ int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)scratch_path(state, "socket", path);
    assert_int_equal(listener_open_unix(path, 0600, (uid_t)-1, (gid_t)-1, 0, &scene.listener),
                     0);
    assert_int_equal(listener_set_nonblocking(scene.listener, false), 0);
    assert_int_equal(unix_socket_address(path, &address, &size), 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(look(&scene, client, "GET", 3), UNREAD_BYTES);
    (void)close_fd(scene.listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_at_unread_request_sees_it),
        cmocka_unit_test(look_at_silent_connection_sees_nothing),
        cmocka_unit_test(look_at_read_request_sees_nothing),
        cmocka_unit_test(look_at_other_ports_passes_them_over),
        scratch_test(look_at_unix_connection_sees_unread_request),
    };

    return run_os_tests(tests);
}
