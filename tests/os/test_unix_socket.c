#include "os/scratch.h"

#include "os/unix_socket.h"

#include <errno.h>

static const struct unix_socket_options stream_options = {
    .type = SOCK_STREAM,
    .mode = 0600,
    .uid = (uid_t)-1,
    .gid = (gid_t)-1,
};

static struct unix_socket_options options_for(const char *path)
{
    struct unix_socket_options options = stream_options;

    options.path = path;
    return options;
}

static void listen_new_path_is_for_the_owner_alone(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "s", path));
    struct unix_socket_peer peer;
    struct stat status;
    mode_t mask = umask(0);
    int client;
    int fd;

    assert_int_equal(unix_socket_listen(&options, 0, &fd), 0);
    (void)umask(mask);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFSOCK | 0600);
    assert_int_equal(unix_socket_connect(path, SPAN_FOREVER, &client), 0);
    assert_true((fcntl(client, F_GETFL) & O_NONBLOCK) == 0);
    assert_int_equal(unix_socket_read_peer(client, &peer), 0);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    (void)close(client);
    (void)close(fd);
}

static void listen_stale_path_takes_its_place(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "s", path));
    int fd;

    assert_int_equal(unix_socket_listen(&options, 0, &fd), 0);
    (void)close(fd);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unix_socket_listen(&options, 0, &fd), 0);
    (void)close(fd);
}

static void listen_living_path_is_refused_and_lives_on(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "s", path));
    int client;
    int other;
    int fd;

    assert_int_equal(unix_socket_listen(&options, 0, &fd), 0);
    assert_int_equal(unix_socket_listen(&options, 0, &other), -EADDRINUSE);
    assert_int_equal(unix_socket_connect(path, SPAN_FOREVER, &client), 0);
    (void)close(client);
    (void)close(fd);
}

static void listen_living_datagram_path_is_refused(void **state)
{
    char path[PATH_MAX];
    struct unix_socket_options options = options_for(scratch_path(state, "s", path));
    int other;
    int fd;

    options.type = SOCK_DGRAM;
    assert_int_equal(unix_socket_bind(&options, &fd), 0);
    options.type = SOCK_STREAM;
    assert_int_equal(unix_socket_listen(&options, 0, &other), -EADDRINUSE);
    (void)close(fd);
    assert_int_equal(unix_socket_listen(&options, 0, &other), 0);
    (void)close(other);
}

/* A full backlog is a sign of life. */
static void remove_stale_with_full_backlog_leaves_it(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "s", path));
    int clients[2];
    int third;
    int fd;

    assert_int_equal(unix_socket_listen(&options, 1, &fd), 0);
    assert_int_equal(unix_socket_connect(path, SPAN_FOREVER, &clients[0]), 0);
    assert_int_equal(unix_socket_connect(path, SPAN_FOREVER, &clients[1]), 0);
    assert_int_equal(unix_socket_connect(path, span_from_ms(1), &third), -EAGAIN);
    assert_int_equal(unix_socket_remove_stale(path), 1);
    (void)close(clients[0]);
    (void)close(clients[1]);
    (void)close(fd);
}

static void listen_over_other_file_is_refused_and_keeps_it(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "f", path));
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    int fd;

    assert_true(file >= 0);
    assert_int_equal(unix_socket_listen(&options, 0, &fd), -ENOTSOCK);
    assert_int_equal(access(path, F_OK), 0);
    (void)close(file);
}

static void listen_in_missing_folder_is_refused(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "no/s", path));
    int fd;

    assert_int_equal(unix_socket_listen(&options, 0, &fd), -ENOENT);
}

static void address_of_wrong_length_is_refused(void **state)
{
    struct sockaddr_un address;
    socklen_t size;
    char path[109];

    (void)state;
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    assert_int_equal(unix_socket_address(path, &address, &size), -ENAMETOOLONG);
    path[107] = '\0';
    assert_int_equal(unix_socket_address(path, &address, &size), 0);
    assert_int_equal(size, sizeof address);
    assert_int_equal(unix_socket_address("", &address, &size), -EINVAL);
}

static void connect_where_nobody_listens_says_so(void **state)
{
    char path[PATH_MAX];
    const struct unix_socket_options options = options_for(scratch_path(state, "s", path));
    int fd;

    assert_int_equal(unix_socket_connect(path, SPAN_FOREVER, &fd), 1);
    assert_int_equal(unix_socket_bind(&options, &fd), 0);
    (void)close(fd);
    assert_int_equal(unix_socket_connect(path, SPAN_FOREVER, &fd), 1);
    assert_int_equal(unix_socket_remove_stale(path), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(unix_socket_remove_stale(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(listen_new_path_is_for_the_owner_alone),
        scratch_test(listen_stale_path_takes_its_place),
        scratch_test(listen_living_path_is_refused_and_lives_on),
        scratch_test(listen_living_datagram_path_is_refused),
        scratch_test(remove_stale_with_full_backlog_leaves_it),
        scratch_test(listen_over_other_file_is_refused_and_keeps_it),
        scratch_test(listen_in_missing_folder_is_refused),
        cmocka_unit_test(address_of_wrong_length_is_refused),
        scratch_test(connect_where_nobody_listens_says_so),
    };

    return run_os_tests(tests);
}
