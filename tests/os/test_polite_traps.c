/* What a program may do with a connection goes on as before while it is covered: each test
 * plays its scene twice, without and with. */
#include "os/polited.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define HEAD       "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
#define HEAD_TOLD  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000000\r\n\r\n"
#define BODY_SIZE  ((size_t)1000000)
#define BODY_START "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n"

/* A body that looks like a head, and like no other afterwards. */
static char *make_body(void)
{
    char *body = malloc(BODY_SIZE);

    assert_non_null(body);
    for (size_t i = 0; i < BODY_SIZE; i++)
        body[i] = (char)('a' + i * 7 % 26);
    memcpy(body, BODY_START, strlen(BODY_START));
    return body;
}

typedef void sender(int fd, const char *head, const char *body);

struct sending {
    sender *send;
    int fd;
    const char *head;
    const char *body;
};

static int send_in_child(const struct child_ends *ends, void *argument)
{
    const struct sending *sending = argument;

    (void)ends;
    sending->send(sending->fd, sending->head, sending->body);
    return 0;
}

/* The worker's sending happens in a child, for its client reads meanwhile. */
static void play(struct polited *scene, sender *send, bool covered)
{
    char *body = make_body();
    char *got = malloc(BODY_SIZE);
    const char *head = covered ? HEAD_TOLD : HEAD;
    char got_head[256];
    struct child child;

    assert_non_null(got);
    polited_connect(scene);
    if (covered)
        assert_int_equal(polited_cover(scene).covered, 1);
    polited_ask(scene, POLITED_REQUEST);
    child = child_start(send_in_child, &(struct sending){send, scene->server, HEAD, body});
    scene->server = close_fd(scene->server);
    assert_int_equal(polited_read(scene->client, got_head, strlen(head)), strlen(head));
    assert_memory_equal(got_head, head, strlen(head));
    assert_int_equal(polited_read(scene->client, got, BODY_SIZE), BODY_SIZE);
    assert_memory_equal(got, body, BODY_SIZE);
    assert_int_equal(polited_read(scene->client, got, 1), 0);
    assert_int_equal(child_end(&child, false), 0);
    free(body);
    free(got);
    polited_disconnect(scene);
}

static void play_both(void **state, sender *send)
{
    struct polited *scene = *state;

    play(scene, send, false);
    play(scene, send, true);
}

static void must(bool holds)
{
    if (!holds)
        _exit(90);
}

static void send_all(int fd, const char *data, size_t size, int flags)
{
    while (size > 0) {
        ssize_t count = send(fd, data, size, flags);

        must(count > 0);
        data += count;
        size -= (size_t)count;
    }
}

static void with_more(int fd, const char *head, const char *body)
{
    send_all(fd, head, strlen(head), MSG_MORE);
    send_all(fd, body, BODY_SIZE / 2, MSG_MORE);
    send_all(fd, body + BODY_SIZE / 2, BODY_SIZE / 2, 0);
}

static void with_cork(int fd, const char *head, const char *body)
{
    int on = 1;
    int off = 0;

    must(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on) == 0);
    send_all(fd, head, strlen(head), 0);
    send_all(fd, body, BODY_SIZE, 0);
    must(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off) == 0);
}

static int body_file(const char *body)
{
    char path[] = "/tmp/reloadd-test-XXXXXX";
    int fd = mkstemp(path);

    must(fd >= 0 && unlink(path) == 0);
    must(write(fd, body, BODY_SIZE) == (ssize_t)BODY_SIZE && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static void with_sendfile(int fd, const char *head, const char *body)
{
    int file = body_file(body);
    size_t left = BODY_SIZE;

    send_all(fd, head, strlen(head), 0);
    while (left > 0) {
        ssize_t count = sendfile(fd, file, NULL, left);

        must(count > 0);
        left -= (size_t)count;
    }
}

static void with_splice(int fd, const char *head, const char *body)
{
    int file = body_file(body);
    int ends[2];
    size_t left = BODY_SIZE;

    must(pipe(ends) == 0);
    send_all(fd, head, strlen(head), MSG_MORE);
    while (left > 0) {
        ssize_t in = splice(file, NULL, ends[1], NULL, left, SPLICE_F_MORE);

        must(in > 0);
        left -= (size_t)in;
        while (in > 0) {
            ssize_t out = splice(ends[0], NULL, fd, NULL, (size_t)in, SPLICE_F_MOVE);

            must(out > 0);
            in -= out;
        }
    }
}

static void with_writev(int fd, const char *head, const char *body)
{
    struct iovec parts[] = {
        {.iov_base = strdup(head), .iov_len = strlen(head)},
        {.iov_base = memcpy(malloc(BODY_SIZE), body, BODY_SIZE), .iov_len = BODY_SIZE},
    };

    must(writev(fd, parts, 2) == (ssize_t)(strlen(head) + BODY_SIZE));
}

static void send_nonblocking(int fd, const char *data, size_t size, size_t step)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};

    must(set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
    while (size > 0) {
        ssize_t count = send(fd, data, size < step ? size : step, MSG_DONTWAIT);

        must(count != 0);
        if (count > 0) {
            data += count;
            size -= (size_t)count;
            continue;
        }
        must(errno == EAGAIN && epoll_wait(set, &event, 1, POLITED_PATIENCE_MS) == 1);
    }
    (void)close(set);
}

/* The buffer is small, so that it is full most of the time. */
static void nonblocking(int fd, const char *head, const char *body)
{
    int small = 8192;

    must(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
    send_nonblocking(fd, head, strlen(head), 1000);
    send_nonblocking(fd, body, BODY_SIZE, 3000);
}

static void nonblocking_whole(int fd, const char *head, const char *body)
{
    char *all = malloc(strlen(head) + BODY_SIZE);

    must(all != NULL);
    memcpy(all, head, strlen(head));
    memcpy(all + strlen(head), body, BODY_SIZE);
    send_nonblocking(fd, all, strlen(head) + BODY_SIZE, BODY_SIZE + strlen(head));
}

static void nonblocking_in_pieces(int fd, const char *head, const char *body)
{
    send_nonblocking(fd, head, strlen(head), 7);
    send_nonblocking(fd, body, BODY_SIZE, 100000);
}

/* Everything is written before the client reads, and the socket closed at once. */
static void close_with_unsent(int fd, const char *head, const char *body)
{
    int large = 4 << 20;

    must(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large) == 0);
    send_all(fd, head, strlen(head), 0);
    send_all(fd, body, BODY_SIZE, 0);
    must(close(fd) == 0);
}

static void shutdown_with_unsent(int fd, const char *head, const char *body)
{
    send_all(fd, head, strlen(head), 0);
    send_all(fd, body, BODY_SIZE, 0);
    must(shutdown(fd, SHUT_WR) == 0);
}

#define SENDING_TEST(name, sender)                                                             \
    static void name(void **state)                                                             \
    {                                                                                          \
        play_both(state, sender);                                                              \
    }

SENDING_TEST(sending_with_msg_more_is_unchanged, with_more)
SENDING_TEST(sending_with_tcp_cork_is_unchanged, with_cork)
SENDING_TEST(sending_by_sendfile_is_unchanged, with_sendfile)
SENDING_TEST(sending_by_splice_is_unchanged, with_splice)
SENDING_TEST(sending_by_writev_is_unchanged, with_writev)
SENDING_TEST(sending_nonblocking_is_unchanged, nonblocking)
SENDING_TEST(sending_nonblocking_whole_is_unchanged, nonblocking_whole)
SENDING_TEST(sending_nonblocking_in_pieces_is_unchanged, nonblocking_in_pieces)
SENDING_TEST(close_with_unsent_bytes_sends_them, close_with_unsent)
SENDING_TEST(shutdown_with_unsent_bytes_sends_them, shutdown_with_unsent)

/* The kernel would tell of such sends otherwise than before. */
static void cover_of_a_program_that_sends_without_a_copy_is_refused(void **state)
{
    struct polited *scene = *state;
    struct polite_covered covered;
    int one = 1;

    polited_connect(scene);
    assert_int_equal(setsockopt(scene->server, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof one), 0);
    covered = polited_cover(scene);
    assert_int_equal(covered.covered, 0);
    assert_int_equal(covered.refused, 1);
    assert_int_equal(covered.error, -EOPNOTSUPP);
}

/* Urgent data, both ways. */
static void urgent_data_is_unchanged(void **state)
{
    struct polited *scene = *state;
    char byte = 0;

    for (int covered = 0; covered < 2; covered++) {
        struct pollfd poller;
        int at_mark = 0;

        polited_connect(scene);
        if (covered)
            assert_int_equal(polited_cover(scene).covered, 1);
        assert_int_equal(send(scene->server, "abc", 3, 0), 3);
        assert_int_equal(send(scene->server, "!", 1, MSG_OOB), 1);
        poller = (struct pollfd){.fd = scene->client, .events = POLLPRI};
        assert_int_equal(poll(&poller, 1, POLITED_PATIENCE_MS), 1);
        assert_int_equal(recv(scene->client, &byte, 1, MSG_OOB), 1);
        assert_int_equal(byte, '!');
        polited_expect(scene->client, "abc", 3);
        assert_int_equal(ioctl(scene->client, SIOCATMARK, &at_mark), 0);
        assert_int_equal(send(scene->client, "?", 1, MSG_OOB), 1);
        poller.fd = scene->server;
        assert_int_equal(poll(&poller, 1, POLITED_PATIENCE_MS), 1);
        assert_int_equal(recv(scene->server, &byte, 1, MSG_OOB), 1);
        assert_int_equal(byte, '?');
        polited_disconnect(scene);
    }
}

/* A worker that waits in recv(2) or epoll(7) when its connection is covered is woken as ever.
 */
static int receive_in_child(const struct child_ends *ends, void *argument)
{
    int fd = *(int *)argument;
    char byte;

    child_tell(ends);
    if (recv(fd, &byte, 1, 0) != 1 || byte != 'x')
        return 1;
    return recv(fd, &byte, 1, 0) == 0 ? 0 : 2;
}

static void receiving_is_unchanged(void **state)
{
    struct polited *scene = *state;
    struct child child;

    polited_connect(scene);
    child = child_start(receive_in_child, &scene->server);
    child_listen(&child);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_write(scene->client, "x", 1);
    assert_int_equal(shutdown(scene->client, SHUT_WR), 0);
    assert_int_equal(child_end(&child, false), 0);
}

/* As nginx reads: a buffer that was filled makes it ask whether there is more, and where there
 * is not, it waits for the next edge. Some kernels say that there is nothing on a covered
 * connection. */
static int read_by_edges(const struct child_ends *ends, void *argument)
{
    int fd = *(int *)argument;
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    size_t got = 0;
    char buffer[16];

    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0)
        return 1;
    child_tell(ends);
    while (got < 40 && epoll_wait(set, &event, 1, POLITED_PATIENCE_MS) == 1) {
        int more = 1;

        while (more > 0 && got < 40) {
            ssize_t count = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

            got += count > 0 ? (size_t)count : 0;
            if (count != (ssize_t)sizeof buffer || ioctl(fd, FIONREAD, &more) < 0)
                break;
        }
    }
    return got == 40 ? 0 : 2;
}

static void program_that_asks_how_much_is_left_goes_on(void **state)
{
    struct polited *scene = *state;
    struct child child;
    int status = 0;

    polited_connect(scene);
    child = child_start(read_by_edges, &scene->server);
    child_listen(&child);
    assert_int_equal(polited_cover(scene).covered, 1);
    polited_write(scene->client, "0123456789012345678901234567890123456789", 40);
    while (waitpid(child.pid, &status, WNOHANG) == 0) {
        struct polite_covered covered;

        (void)poll(NULL, 0, 10);
        assert_int_equal(polite_cover(&scene->polite,
                                      &(struct polite_worker){.pids = &child.pid,
                                                              .pid_n = 1,
                                                              .ports = &scene->port,
                                                              .port_n = 1,
                                                              .owner = POLITED_OWNER},
                                      &covered),
                         0);
    }
    assert_int_equal(status, 0);
    child_release(&child);
}

/* A client that resets is seen as such. */
static void reset_is_seen(void **state)
{
    struct polited *scene = *state;
    const struct linger reset = {.l_onoff = 1};
    char byte;

    polited_connect(scene);
    assert_int_equal(polited_cover(scene).covered, 1);
    assert_int_equal(setsockopt(scene->client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    scene->client = close_fd(scene->client);
    assert_int_equal(recv(scene->server, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    assert_int_equal(send(scene->server, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        polited_test(sending_with_msg_more_is_unchanged),
        polited_test(sending_with_tcp_cork_is_unchanged),
        polited_test(sending_by_sendfile_is_unchanged),
        polited_test(sending_by_splice_is_unchanged),
        polited_test(sending_by_writev_is_unchanged),
        polited_test(sending_nonblocking_is_unchanged),
        polited_test(sending_nonblocking_whole_is_unchanged),
        polited_test(sending_nonblocking_in_pieces_is_unchanged),
        polited_test(cover_of_a_program_that_sends_without_a_copy_is_refused),
        polited_test(close_with_unsent_bytes_sends_them),
        polited_test(shutdown_with_unsent_bytes_sends_them),
        polited_test(urgent_data_is_unchanged),
        polited_test(receiving_is_unchanged),
        polited_test(program_that_asks_how_much_is_left_goes_on),
        polited_test(reset_is_seen),
    };

    return run_polite_tests(tests);
}
