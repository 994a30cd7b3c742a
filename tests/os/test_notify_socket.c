#include "os/scratch.h"

#include "os/notify_socket.h"
#include "os/unix_socket.h"

#include <errno.h>

enum {
    MANY = 3,
};

/* Sends text and descriptors as a client of sd_notify would. */
static void send_to(const char *path, const char *text, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * MANY)];
    } control = {0};
    struct sockaddr_un address;
    socklen_t size;
    struct iovec part = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_int_equal(unix_socket_address(path, &address, &size), 0);
    message.msg_name = &address;
    message.msg_namelen = size;
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        control.align.cmsg_level = SOL_SOCKET;
        control.align.cmsg_type = SCM_RIGHTS;
        control.align.cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * count);
    }
    assert_true(sendmsg(fd, &message, 0) == (ssize_t)strlen(text));
    (void)close(fd);
}

static void receive_datagram_says_text_and_sender(void **state)
{
    struct notify_datagram datagram;
    char path[PATH_MAX];
    char buffer[64];
    int fd;

    assert_int_equal(notify_socket_open(scratch_path(state, "n", path), (uid_t)-1, &fd), 0);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 1);
    send_to(path, "READY=1\nSTATUS=up", NULL, 0);
    send_to(path, "WATCHDOG=1", NULL, 0);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 0);
    assert_int_equal(datagram.size, strlen("READY=1\nSTATUS=up"));
    assert_memory_equal(buffer, "READY=1\nSTATUS=up", datagram.size);
    assert_int_equal(datagram.pid, getpid());
    assert_int_equal(datagram.uid, geteuid());
    assert_int_equal(datagram.gid, getegid());
    assert_int_equal(datagram.fd, -1);
    assert_false(datagram.truncated);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 0);
    assert_memory_equal(buffer, "WATCHDOG=1", datagram.size);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 1);
    (void)close(fd);
}

/* The sender of a barrier waits for the end of file on its pipe. */
static void receive_barrier_hands_its_descriptor_out(void **state)
{
    struct notify_datagram datagram;
    char path[PATH_MAX];
    char buffer[64];
    int ends[2];
    int fd;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(notify_socket_open(scratch_path(state, "n", path), (uid_t)-1, &fd), 0);
    send_to(path, "BARRIER=1", &ends[1], 1);
    ends[1] = close_fd(ends[1]);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 0);
    assert_true(datagram.fd >= 0);
    assert_true((fcntl(datagram.fd, F_GETFD) & FD_CLOEXEC) != 0);
    (void)close(datagram.fd);
    assert_int_equal(read(ends[0], buffer, 1), 0);
    (void)close(ends[0]);
    (void)close(fd);
}

static void receive_many_descriptors_closes_all_but_the_first(void **state)
{
    struct notify_datagram datagram;
    char path[PATH_MAX];
    char buffer[64];
    int ends[2];
    int fd;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(notify_socket_open(scratch_path(state, "n", path), (uid_t)-1, &fd), 0);
    send_to(path, "FDSTORE=1", (const int[MANY]){ends[0], ends[1], ends[1]}, MANY);
    ends[1] = close_fd(ends[1]);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 0);
    /* The write ends are closed, though the read end was handed out. */
    assert_int_equal(read(ends[0], buffer, 1), 0);
    (void)close(datagram.fd);
    (void)close(ends[0]);
    (void)close(fd);
}

static void receive_too_long_datagram_says_truncated(void **state)
{
    struct notify_datagram datagram;
    char path[PATH_MAX];
    char buffer[4];
    int fd;

    assert_int_equal(notify_socket_open(scratch_path(state, "n", path), (uid_t)-1, &fd), 0);
    send_to(path, "READY=1", NULL, 0);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 0);
    assert_true(datagram.truncated);
    assert_int_equal(datagram.size, sizeof buffer);
    (void)close(fd);
}

static int send_as_nobody(const struct child_ends *ends, void *path)
{
    (void)ends;
    if (setuid(65534) < 0)
        return 1;
    send_to(path, "READY=1", NULL, 0);
    return 0;
}

static void open_for_another_user_lets_it_send(void **state)
{
    struct notify_datagram datagram;
    struct child child;
    struct stat status;
    char path[PATH_MAX];
    char buffer[64];
    int fd;

    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    assert_int_equal(notify_socket_open(scratch_path(state, "n", path), 65534, &fd), 0);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFSOCK | 0600);
    assert_int_equal(status.st_uid, 65534);
    child = child_start(send_as_nobody, path);
    assert_int_equal(child_end(&child, false), 0);
    assert_int_equal(notify_socket_receive(fd, buffer, sizeof buffer, &datagram), 0);
    assert_int_equal(datagram.uid, 65534);
    (void)close(fd);
}

static void open_too_long_path_is_refused(void **state)
{
    char path[PATH_MAX];
    size_t length;
    int fd;

    (void)scratch_path(state, "", path);
    length = strlen(path);
    memset(path + length, 'x', 108 - length);
    path[108] = '\0';
    assert_int_equal(notify_socket_open(path, (uid_t)-1, &fd), -ENAMETOOLONG);
}

static void sweep_folder_removes_sockets_alone(void **state)
{
    char socket_path[PATH_MAX];
    char file_path[PATH_MAX];
    _cleanup_fd_ int fd = -1;
    _cleanup_fd_ int file = -1;

    (void)scratch_path(state, "1", socket_path);
    (void)scratch_path(state, "readme", file_path);
    assert_int_equal(notify_socket_open(socket_path, (uid_t)-1, &fd), 0);
    file = open(file_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(notify_socket_sweep(*state), 0);
    assert_int_equal(access(socket_path, F_OK), -1);
    assert_int_equal(access(file_path, F_OK), 0);
    assert_int_equal(notify_socket_sweep("/nonexistent"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(receive_datagram_says_text_and_sender),
        scratch_test(receive_barrier_hands_its_descriptor_out),
        scratch_test(receive_many_descriptors_closes_all_but_the_first),
        scratch_test(receive_too_long_datagram_says_truncated),
        scratch_test(open_for_another_user_lets_it_send),
        scratch_test(open_too_long_path_is_refused),
        scratch_test(sweep_folder_removes_sockets_alone),
    };

    return run_os_tests(tests);
}
