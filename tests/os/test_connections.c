#include "os/scratch.h"

#include "os/connections.h"
#include "os/listener.h"
#include "os/unix_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

enum {
    FAR = 1000, /* ms, how long a state of the kernel may take to come about */
};

/* What the worker does with the connections that it accepts. */
enum deed {
    DEED_NOTHING,
    DEED_READ,
    DEED_ANSWER, /* reads, and writes a byte */
    DEED_FLOOD,  /* writes until no more is taken */
};

struct scene {
    int listener;
    unsigned connections;
    enum deed deed;
    bool forks; /* the connections are a child's, too */
    struct child worker;
};

static void do_deed(enum deed deed, int fd)
{
    char bytes[4096] = {0};

    if (deed != DEED_NOTHING && deed != DEED_FLOOD && read(fd, bytes, sizeof bytes) <= 0)
        _exit(1);
    if (deed == DEED_ANSWER && write(fd, "x", 1) != 1)
        _exit(2);
    while (deed == DEED_FLOOD && send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        continue;
}

static int serve(const struct child_ends *ends, void *argument)
{
    const struct scene *scene = argument;

    for (unsigned i = 0; i < scene->connections; i++) {
        int fd = accept4(scene->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
            return 1;
        do_deed(scene->deed, fd);
    }
    if (scene->forks && fork() == 0)
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static int connect_to(int listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int fd;

    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
    return fd;
}

static void open_tcp(struct scene *scene, const char *host)
{
    assert_int_equal(listener_open_tcp(host, 0, false, 0, &scene->listener), 0);
    assert_int_equal(listener_set_nonblocking(scene->listener, false), 0);
}

static void open_unix(struct scene *scene, void **state)
{
    char path[PATH_MAX];

    (void)scratch_path(state, "socket", path);
    assert_int_equal(listener_open_unix(path, 0600, (uid_t)-1, (gid_t)-1, 0, &scene->listener),
                     0);
    assert_int_equal(listener_set_nonblocking(scene->listener, false), 0);
}

/* Starts the worker, and waits until it has done its deed to all. */
static void begin(struct scene *scene)
{
    scene->worker = child_start(serve, scene);
    child_listen(&scene->worker);
}

static struct connections look_at(const struct scene *scene, pid_t pid)
{
    struct connections_holder holder = {.pids = &pid, .pid_n = 1};

    assert_int_equal(connections_look(&scene->listener, 1, &holder, 1), 0);
    return holder.found;
}

static struct connections look(const struct scene *scene)
{
    return look_at(scene, scene->worker.pid);
}

static void end(struct scene *scene)
{
    (void)child_end(&scene->worker, true);
    scene->listener = close_fd(scene->listener);
}

/* A client's connection, with a request that the worker treats as `deed` says. */
static struct connections look_at_deed(enum deed deed, const char *request)
{
    struct scene scene = {.connections = 1, .deed = deed};
    _cleanup_fd_ int client = -1;
    struct connections found;

    open_tcp(&scene, "127.0.0.1");
    client = connect_to(scene.listener);
    assert_int_equal(write(client, request, strlen(request)), strlen(request));
    begin(&scene);
    found = look(&scene);
    end(&scene);
    return found;
}

static void look_at_unread_request_sees_it(void **state)
{
    struct connections found = look_at_deed(DEED_NOTHING, "GET");

    (void)state;
    assert_int_equal(found.open, 1);
    assert_int_equal(found.active, 1);
    assert_int_equal(found.idle, 0);
    assert_int_equal(found.unread, 1);
    assert_int_equal(found.unread_bytes, 3);
    assert_true(found.still.nanoseconds == 0);
}

static void look_at_request_in_flight_sees_it(void **state)
{
    struct connections found = look_at_deed(DEED_READ, "GET");

    (void)state;
    assert_int_equal(found.open, 1);
    assert_int_equal(found.active, 1);
    assert_int_equal(found.unread, 0);
    assert_true(found.still.nanoseconds == 0);
}

static void look_at_answered_request_sees_idle_connection(void **state)
{
    struct connections found = look_at_deed(DEED_ANSWER, "GET");

    (void)state;
    assert_int_equal(found.open, 1);
    assert_int_equal(found.active, 0);
    assert_int_equal(found.idle, 1);
    assert_int_equal(found.unread, 0);
    assert_true(found.still.nanoseconds == found.oldest.nanoseconds);
}

static void look_at_silent_connection_sees_idle_connection(void **state)
{
    struct connections found = look_at_deed(DEED_NOTHING, "");

    (void)state;
    assert_int_equal(found.open, 1);
    assert_int_equal(found.idle, 1);
}

static void look_at_unsent_answer_sees_active_connection(void **state)
{
    struct connections found = look_at_deed(DEED_FLOOD, "");

    (void)state;
    assert_int_equal(found.open, 1);
    assert_int_equal(found.active, 1);
    assert_true(found.unsent_bytes > 0);
}

/* Waits for the kernel's clock to say that nothing has gone over it for a while. */
static void look_at_second_request_sees_it_by_its_time(void **state)
{
    struct scene scene = {.connections = 1, .deed = DEED_ANSWER};
    _cleanup_fd_ int client = -1;
    struct connections found;
    char byte;

    (void)state;
    open_tcp(&scene, "127.0.0.1");
    client = connect_to(scene.listener);
    assert_int_equal(write(client, "1", 1), 1);
    begin(&scene);
    assert_int_equal(read(client, &byte, 1), 1);
    for (unsigned i = 0; span_to_ms((found = look(&scene)).still) < 20; i++)
        assert_true(i < UINT32_MAX);
    assert_int_equal(found.idle, 1);
    assert_int_equal(write(client, "2", 1), 1);
    found = look(&scene); /* not read, for the worker waits */
    assert_int_equal(found.active, 1);
    assert_true(span_to_ms(found.oldest) < FAR);
    end(&scene);
}

static void look_at_half_closed_connection_sees_it(void **state)
{
    struct scene scene = {.connections = 1, .deed = DEED_READ};
    _cleanup_fd_ int client = -1;
    struct connections found;

    (void)state;
    open_tcp(&scene, "127.0.0.1");
    client = connect_to(scene.listener);
    assert_int_equal(write(client, "GET", 3), 3);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    begin(&scene);
    found = look(&scene);
    assert_int_equal(found.open, 1);
    assert_int_equal(found.active, 1);
    end(&scene);
}

/* One walk, two workers and one that has none; the queue is nobody's. */
static void look_for_several_holders_tells_them_apart(void **state)
{
    struct scene first = {.connections = 2, .deed = DEED_READ};
    struct scene second;
    pid_t self = getpid();
    struct connections_holder holders[3] = {
        {.pid_n = 1}, {.pid_n = 1}, {.pids = &self, 1, {0}}};
    int clients[4];

    (void)state;
    open_tcp(&first, "127.0.0.1");
    second = first;
    second.connections = 1;
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = connect_to(first.listener);
        assert_int_equal(write(clients[i], "GET", 3), 3);
    }
    begin(&first);
    begin(&second);
    holders[0].pids = &first.worker.pid;
    holders[1].pids = &second.worker.pid;
    assert_int_equal(connections_look(&first.listener, 1, holders, 3), 0);
    assert_int_equal(holders[0].found.open, 2);
    assert_int_equal(holders[1].found.open, 1);
    assert_int_equal(holders[2].found.open, 0);
    assert_true(holders[2].found.still.nanoseconds == SPAN_FOREVER.nanoseconds);
    (void)child_end(&second.worker, true);
    end(&first);
    for (unsigned i = 0; i < 4; i++)
        (void)close_fd(clients[i]);
}

/* A worker and its child hold the same connection: it is one. */
static void look_at_shared_connection_counts_it_once(void **state)
{
    struct scene scene = {.connections = 1, .deed = DEED_READ, .forks = true};
    _cleanup_fd_ int client = -1;
    char line[64] = "";
    char path[64];
    FILE *children;
    pid_t pids[2];
    struct connections_holder holder = {.pids = pids, .pid_n = 2};

    (void)state;
    open_tcp(&scene, "127.0.0.1");
    client = connect_to(scene.listener);
    assert_int_equal(write(client, "GET", 3), 3);
    begin(&scene);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", scene.worker.pid,
                   scene.worker.pid);
    children = fopen(path, "re");
    assert_non_null(children);
    assert_non_null(fgets(line, sizeof line, children));
    (void)fclose(children);
    pids[0] = scene.worker.pid;
    pids[1] = (pid_t)strtol(line, NULL, 10);
    assert_true(pids[1] > 0);
    assert_int_equal(connections_look(&scene.listener, 1, &holder, 1), 0);
    assert_int_equal(holder.found.open, 1);
    end(&scene);
}

static void look_for_other_listener_passes_connections_over(void **state)
{
    struct scene scene = {.connections = 1, .deed = DEED_READ};
    struct scene other = {0};
    _cleanup_fd_ int client = -1;

    (void)state;
    open_tcp(&scene, "127.0.0.1");
    open_tcp(&other, "127.0.0.1");
    client = connect_to(scene.listener);
    assert_int_equal(write(client, "GET", 3), 3);
    begin(&scene);
    assert_int_equal(look_at(&other, scene.worker.pid).open, 0);
    end(&scene);
    (void)close_fd(other.listener);
}

/* IPv4 and IPv6, and two ports of one family, at once. */
static void look_for_several_listeners_sees_all(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.1", "::1"};
    struct scene scenes[3];
    int listeners[3];
    int clients[3];
    pid_t pids[3];
    struct connections_holder holder = {.pids = pids, .pid_n = 3};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        scenes[i] = (struct scene){.connections = 1, .deed = DEED_READ};
        open_tcp(&scenes[i], hosts[i]);
        clients[i] = connect_to(scenes[i].listener);
        assert_int_equal(write(clients[i], "GET", 3), 3);
        begin(&scenes[i]);
        listeners[i] = scenes[i].listener;
        pids[i] = scenes[i].worker.pid;
    }
    assert_int_equal(connections_look(listeners, 3, &holder, 1), 0);
    assert_int_equal(holder.found.open, 3);
    assert_int_equal(holder.found.active, 3);
    for (unsigned i = 0; i < 3; i++) {
        end(&scenes[i]);
        (void)close_fd(clients[i]);
    }
}

static void look_at_unix_connection_sees_unread_request(void **state)
{
    struct scene scene = {.connections = 2, .deed = DEED_NOTHING};
    _cleanup_fd_ int speaks = -1;
    _cleanup_fd_ int is_silent = -1;
    struct connections found;

    open_unix(&scene, state);
    speaks = connect_to(scene.listener);
    is_silent = connect_to(scene.listener);
    assert_int_equal(write(speaks, "GET", 3), 3);
    begin(&scene);
    found = look(&scene);
    assert_int_equal(found.open, 2);
    assert_int_equal(found.unread, 1);
    assert_int_equal(found.unread_bytes, 3);
    assert_int_equal(found.active, 1);
    assert_int_equal(found.idle, 0);
    assert_true(found.still.nanoseconds == 0);
    assert_true(found.oldest.nanoseconds == 0);
    end(&scene);
}

static void look_at_process_that_is_gone_sees_none(void **state)
{
    struct scene scene = {.connections = 1, .deed = DEED_READ};
    _cleanup_fd_ int client = -1;
    pid_t pid;

    (void)state;
    open_tcp(&scene, "127.0.0.1");
    client = connect_to(scene.listener);
    assert_int_equal(write(client, "GET", 3), 3);
    begin(&scene);
    pid = scene.worker.pid;
    (void)child_end(&scene.worker, true);
    assert_int_equal(look_at(&scene, pid).open, 0);
    (void)close_fd(scene.listener);
}

static void look_for_what_is_no_socket_is_an_error(void **state)
{
    _cleanup_fd_ int file = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(connections_look(&file, 1, NULL, 0), -ENOTSOCK);
    assert_int_equal(connections_look(NULL, 0, NULL, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_at_unread_request_sees_it),
        cmocka_unit_test(look_at_request_in_flight_sees_it),
        cmocka_unit_test(look_at_answered_request_sees_idle_connection),
        cmocka_unit_test(look_at_silent_connection_sees_idle_connection),
        cmocka_unit_test(look_at_unsent_answer_sees_active_connection),
        cmocka_unit_test(look_at_second_request_sees_it_by_its_time),
        cmocka_unit_test(look_at_half_closed_connection_sees_it),
        cmocka_unit_test(look_for_several_holders_tells_them_apart),
        cmocka_unit_test(look_at_shared_connection_counts_it_once),
        cmocka_unit_test(look_for_other_listener_passes_connections_over),
        cmocka_unit_test(look_for_several_listeners_sees_all),
        scratch_test(look_at_unix_connection_sees_unread_request),
        cmocka_unit_test(look_at_process_that_is_gone_sees_none),
        cmocka_unit_test(look_for_what_is_no_socket_is_an_error),
    };

    return run_os_tests(tests);
}
