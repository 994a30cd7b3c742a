#include "os/captured.h"

#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static uint32_t backlog_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;

    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
    return info.tcpi_sacked; /* of a listening socket: its limit, tcp_get_info() */
}

/* As most servers do it. */
static int serve_one(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    int fd = make_socket(place);
    int on = 1;
    bool nonblocking = (place->type_flags & SOCK_NONBLOCK) != 0;
    bool close_on_exec = (place->type_flags & SOCK_CLOEXEC) != 0;

    (void)ends;
    WORKER_CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    if (place->address.ss_family != AF_UNIX)
        WORKER_CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    WORKER_CHECK(bind_to(fd, place) == 0);
    WORKER_CHECK(is_bound_to(fd, place));
    WORKER_CHECK(((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0) == nonblocking);
    WORKER_CHECK(((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) == close_on_exec);
    WORKER_CHECK(listen(fd, BACKLOG) == 0);
    return greet_one(fd);
}

static void serve_with_flags(int type_flags)
{
    struct desk desk;
    struct place place;
    struct captured captured;
    uint32_t backlog;
    int client;

    desk_open_tcp(&desk, "127.0.0.1");
    backlog = backlog_of(desk.lane);
    client = call_lane(&desk);
    place = place_of(&desk, type_flags);
    captured = captured_start(serve_one, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.placed, 1);
    assert_int_equal(desk.listens, 1);
    assert_int_equal(desk.passed, 0);
    assert_int_equal(desk.placed_last.thread, captured.child.pid);
    assert_int_equal(backlog_of(desk.lane), backlog);
    desk_close(&desk);
}

static void bind_nonblocking_gets_the_lane_nonblocking(void **state)
{
    (void)state;
    serve_with_flags(SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static void bind_blocking_gets_the_lane_blocking(void **state)
{
    (void)state;
    serve_with_flags(0);
}

static void *serve_in_thread(void *argument)
{
    return serve_one(NULL, argument) == 0 ? argument : NULL;
}

static int serve_by_thread(const struct child_ends *ends, void *argument)
{
    pthread_t thread;
    void *result = NULL;

    (void)ends;
    WORKER_CHECK(pthread_create(&thread, NULL, serve_in_thread, argument) == 0);
    WORKER_CHECK(pthread_join(thread, &result) == 0);
    WORKER_CHECK(result != NULL);
    return 0;
}

static int serve_by_child(const struct child_ends *ends, void *argument)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(serve_one(ends, argument));
    WORKER_CHECK(pid > 0);
    WORKER_CHECK(waitpid(pid, &status, 0) == pid);
    WORKER_CHECK(status == 0);
    return 0;
}

static void serve_by_another(int (*body)(const struct child_ends *, void *))
{
    struct desk desk;
    struct place place;
    struct captured captured;
    int client;

    desk_open_tcp(&desk, "127.0.0.1");
    client = call_lane(&desk);
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(body, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.placed, 1);
    assert_int_not_equal(desk.placed_last.thread, captured.child.pid);
    desk_close(&desk);
}

static void bind_of_a_thread_gets_the_lane(void **state)
{
    (void)state;
    serve_by_another(serve_by_thread);
}

static void bind_of_a_child_process_gets_the_lane(void **state)
{
    (void)state;
    serve_by_another(serve_by_child);
}

static void bind_of_two_workers_gets_one_lane(void **state)
{
    struct captured first;
    struct captured second;
    struct desk desk;
    struct place place;
    int clients[2];

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_NONBLOCK | SOCK_CLOEXEC);
    first = captured_start(serve_one, &place);
    second = captured_start(serve_one, &place);
    clients[0] = call_lane(&desk);
    desk_serve_to_end(&desk, &first); /* each takes one connection, and is gone */
    clients[1] = call_lane(&desk);
    desk_serve_to_end(&desk, &second);
    expect_greeting(clients[0]);
    expect_greeting(clients[1]);
    assert_int_equal(desk.placed, 2);
    desk_close(&desk);
}

static int bind_two_sockets_then_again(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    int first = make_socket(place);
    int second = make_socket(place);

    (void)ends;
    WORKER_CHECK(bind_to(first, place) == 0);
    WORKER_CHECK(bind_to(first, place) == 0); /* the desk's answer to one of its own */
    WORKER_CHECK(bind_to(second, place) == 0);
    WORKER_CHECK(inode_of(first) == inode_of(second));
    WORKER_CHECK(close(first) == 0 && close(second) == 0);
    first = make_socket(place);
    WORKER_CHECK(bind_to(first, place) == 0);
    WORKER_CHECK(listen(first, BACKLOG) == 0);
    WORKER_CHECK(close(first) == 0);
    first = make_socket(place);
    WORKER_CHECK(bind_to(first, place) == 0);
    WORKER_CHECK(listen(first, BACKLOG) == 0);
    return greet_one(first);
}

static void bind_twice_and_after_close_gets_the_lane_again(void **state)
{
    struct desk desk;
    struct place place;
    struct captured captured;
    int client;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    client = call_lane(&desk);
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_two_sockets_then_again, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.placed, 4);
    assert_int_equal(desk.answered, 3); /* the second bind, and two listens */
    desk_close(&desk);
}

static void bind_of_both_families_gets_the_lane_of_both(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct desk desk;
    struct place place;
    struct captured captured;
    int client;

    (void)state;
    desk_open_tcp(&desk, "::");
    address.sin_port = htons(desk_port(&desk));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (const struct sockaddr *)&address, sizeof address), 0);
    place = place_of(&desk, SOCK_NONBLOCK | SOCK_CLOEXEC);
    captured = captured_start(serve_one, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.placed, 1);
    assert_int_equal(desk.placed_last.socket.family, AF_INET6);
    desk_close(&desk);
}

static void serve_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct desk desk;
    struct place place;
    struct captured captured;
    socklen_t size;
    int client;
    int lane = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    /* '@': an abstract one, whose first byte is NUL */
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + (path[0] != '@'));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(lane, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(lane, SOMAXCONN), 0);
    desk_open(&desk, lane);
    client = call_lane(&desk);
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(serve_one, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.placed, 1);
    assert_int_equal(desk.listens, 1);
    desk_close(&desk);
}

static void bind_of_a_unix_path_gets_the_lane(void **state)
{
    char path[PATH_MAX];

    serve_unix(scratch_path(state, "socket", path));
}

static void bind_of_an_abstract_name_gets_the_lane(void **state)
{
    char name[64];

    (void)state;
    (void)snprintf(name, sizeof name, "@reloadd-test-%d", (int)getpid());
    serve_unix(name);
}

/* Port 0, and then a listen that the desk sees. */
static int bind_any_port(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    struct place any = *place;
    int fd = make_socket(place);

    (void)ends;
    ((struct sockaddr_in *)&any.address)->sin_port = 0;
    WORKER_CHECK(bind_to(fd, &any) == 0);
    WORKER_CHECK(!is_bound_to(fd, place));
    WORKER_CHECK(listen(fd, BACKLOG) == 0);
    WORKER_CHECK(is_bound_to(fd, place)); /* the lane's port, from now on */
    return greet_one(fd);
}

static void listen_after_port_0_gets_the_lane(void **state)
{
    struct desk desk;
    struct place place;
    struct captured captured;
    int client;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    desk.on_listen = true;
    client = call_lane(&desk);
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_any_port, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.passed, 1);
    assert_int_equal(desk.placed, 1);
    assert_int_equal(desk.placed_last.call, CAPTURE_LISTEN);
    assert_int_equal(desk.placed_last.backlog, BACKLOG);
    desk_close(&desk);
}

/* What is not captured works as ever: another port, UDP on the same port, netlink. */
static int bind_others(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    struct sockaddr_nl netlink = {.nl_family = AF_NETLINK};
    struct place other = *place;
    int fd = make_socket(place);

    (void)ends;
    ((struct sockaddr_in *)&other.address)->sin_port = 0;
    WORKER_CHECK(bind_to(fd, &other) == 0 && listen(fd, BACKLOG) == 0);
    WORKER_CHECK(!is_bound_to(fd, place));
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    WORKER_CHECK(bind_to(fd, place) == 0);
    WORKER_CHECK(is_bound_to(fd, place));
    fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    WORKER_CHECK(bind(fd, (const struct sockaddr *)&netlink, sizeof netlink) == 0);
    return 0;
}

static void expect_passed(enum capture_filter_scope scope, int count)
{
    struct desk desk;
    struct place place;
    struct captured captured;

    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start_in(scope, bind_others, &place);
    desk_serve_to_end(&desk, &captured);
    assert_int_equal(desk.placed, 0);
    assert_int_equal(desk.passed, count);
    desk_close(&desk);
}

static void bind_of_anything_else_passes(void **state)
{
    (void)state;
    expect_passed(CAPTURE_FILTER_ALL, 4);
}

static void bind_of_netlink_is_not_told_in_internet_scope(void **state)
{
    (void)state;
    expect_passed(CAPTURE_FILTER_INTERNET, 3);
}

/* The program's own faults end as they do without us. */
static int bind_wrongly(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    const struct sockaddr *address = (const struct sockaddr *)&place->address;
    int fd = make_socket(place);

    WORKER_CHECK(bind(fd, mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                      place->size) < 0);
    WORKER_CHECK(errno == EFAULT);
    WORKER_CHECK(bind(1000, address, place->size) < 0 && errno == EBADF);
    WORKER_CHECK(bind(ends->leash, address, place->size) < 0 && errno == ENOTSOCK);
    WORKER_CHECK(bind(fd, address, 1) < 0 && errno == EINVAL);
    WORKER_CHECK(bind(fd, address, 4096) < 0 && errno == EINVAL);
    WORKER_CHECK(bind(fd, address, (socklen_t)-1) < 0 && errno == EINVAL);
    WORKER_CHECK(listen(ends->leash, 1) < 0 && errno == ENOTSOCK);
    return 0;
}

static void bind_with_wrong_arguments_gets_the_kernels_errors(void **state)
{
    struct desk desk;
    struct place place;
    struct captured captured;

    (void)state;
    desk_open_tcp(&desk, "127.0.0.1");
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(bind_wrongly, &place);
    desk_serve_to_end(&desk, &captured);
    assert_int_equal(desk.placed, 0);
    assert_int_equal(desk.passed, 7);
    desk_close(&desk);
}

#if defined(__x86_64__)

/* A system call of i386, from a 64-bit program: the arguments are cut to 32 bits. */
static long call_i386(long number, long first, long second, long third)
{
    long result;

    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(first), "c"(second), "d"(third)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

enum {
    I386_BIND = 361,
    I386_LISTEN = 363,
    I386_SOCKETCALL = 102,
    X32_BIND = 0x40000000 + 49,
    X32_LISTEN = 0x40000000 + 50,
};

/* Something in the first 2 GB, where a 32-bit program has all of its memory. */
static void *low_memory(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1,
                0);
}

static int try_i386(const struct child_ends *ends, void *unused)
{
    (void)ends;
    (void)unused;
    return call_i386(20, 0, 0, 0) == getpid() ? 0 : 1;
}

static bool has_i386(void)
{
    struct child child = child_start(try_i386, NULL);

    /* It dies by a signal where the kernel has no such calls. */
    return child_end(&child, false) == 0;
}

static int bind_as_i386(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    struct sockaddr_storage *low = low_memory();
    int fd = make_socket(place);

    (void)ends;
    WORKER_CHECK(low != MAP_FAILED);
    *low = place->address;
    WORKER_CHECK(call_i386(I386_BIND, fd, (long)low, (long)place->size) == 0);
    WORKER_CHECK(is_bound_to(fd, place));
    WORKER_CHECK(call_i386(I386_LISTEN, fd, BACKLOG, 0) == 0);
    return greet_one(fd);
}

static int bind_by_socketcall(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    struct sockaddr_storage *low = low_memory();
    uint32_t *arguments = (uint32_t *)(low + 1);
    int fd = make_socket(place);

    (void)ends;
    WORKER_CHECK(low != MAP_FAILED);
    *low = place->address;
    arguments[0] = (uint32_t)fd;
    arguments[1] = (uint32_t)(uintptr_t)low;
    arguments[2] = place->size;
    WORKER_CHECK(call_i386(I386_SOCKETCALL, 2, (long)arguments, 0) == 0);
    WORKER_CHECK(is_bound_to(fd, place));
    arguments[1] = BACKLOG;
    WORKER_CHECK(call_i386(I386_SOCKETCALL, 4, (long)arguments, 0) == 0);
    WORKER_CHECK(call_i386(I386_SOCKETCALL, 2, 0, 0) == -EFAULT);
    return greet_one(fd);
}

/* A kernel that has no x32 calls answers ENOSYS, but only after the filter was asked. */
static int bind_as_x32(const struct child_ends *ends, void *argument)
{
    const struct place *place = argument;
    int fd = make_socket(place);

    (void)ends;
    WORKER_CHECK(syscall(X32_BIND, fd, &place->address, place->size) == 0);
    WORKER_CHECK(is_bound_to(fd, place));
    WORKER_CHECK(syscall(X32_LISTEN, fd, BACKLOG) == 0);
    return greet_one(fd);
}

static void serve_by_other_calls(int (*body)(const struct child_ends *, void *),
                                 bool compatible)
{
    struct desk desk;
    struct place place;
    struct captured captured;
    int client;

    if (compatible && !has_i386()) {
        print_message("this kernel has no system calls of i386\n");
        skip();
    }
    desk_open_tcp(&desk, "127.0.0.1");
    client = call_lane(&desk);
    place = place_of(&desk, SOCK_CLOEXEC);
    captured = captured_start(body, &place);
    desk_serve_to_end(&desk, &captured);
    expect_greeting(client);
    assert_int_equal(desk.placed, 1);
    assert_int_equal(desk.listens, 1);
    assert_int_equal(desk.placed_last.compatible, compatible);
    desk_close(&desk);
}

static void bind_as_i386_gets_the_lane(void **state)
{
    (void)state;
    serve_by_other_calls(bind_as_i386, true);
}

static void bind_by_socketcall_gets_the_lane(void **state)
{
    (void)state;
    serve_by_other_calls(bind_by_socketcall, true);
}

static void bind_as_x32_gets_the_lane(void **state)
{
    (void)state;
    serve_by_other_calls(bind_as_x32, false);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_nonblocking_gets_the_lane_nonblocking),
        cmocka_unit_test(bind_blocking_gets_the_lane_blocking),
        cmocka_unit_test(bind_of_a_thread_gets_the_lane),
        cmocka_unit_test(bind_of_a_child_process_gets_the_lane),
        cmocka_unit_test(bind_of_two_workers_gets_one_lane),
        cmocka_unit_test(bind_twice_and_after_close_gets_the_lane_again),
        cmocka_unit_test(bind_of_both_families_gets_the_lane_of_both),
        scratch_test(bind_of_a_unix_path_gets_the_lane),
        cmocka_unit_test(bind_of_an_abstract_name_gets_the_lane),
        cmocka_unit_test(listen_after_port_0_gets_the_lane),
        cmocka_unit_test(bind_of_anything_else_passes),
        cmocka_unit_test(bind_of_netlink_is_not_told_in_internet_scope),
        cmocka_unit_test(bind_with_wrong_arguments_gets_the_kernels_errors),
#if defined(__x86_64__)
        cmocka_unit_test(bind_as_i386_gets_the_lane),
        cmocka_unit_test(bind_by_socketcall_gets_the_lane),
        cmocka_unit_test(bind_as_x32_gets_the_lane),
#endif
    };

    return run_capture_tests(tests);
}
