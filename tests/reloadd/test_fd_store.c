#include "reloadd/fd_store.h"

#include "os/scratch.h"

#include "base/error.h"

#include <sys/socket.h>
#include <sys/un.h>

/* The service manager's end of NOTIFY_SOCKET. */
struct ears {
    int fd;
    char text[512]; /* of the last message */
    int received;   /* the descriptor that came with it; -1: none */
};

static void ears_open(struct ears *ears, void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[PATH_MAX];

    (void)scratch_path(state, "notify", path);
    assert_true(strlen(path) < sizeof(address.sun_path));
    (void)strcpy(address.sun_path, path);
    ears->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(ears->fd >= 0);
    assert_int_equal(bind(ears->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void ears_close(struct ears *ears)
{
    (void)unsetenv("NOTIFY_SOCKET");
    ears->fd = close_fd(ears->fd);
}

/* Takes the next message; false where there is none. */
static bool ears_hear(struct ears *ears)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
    } control = {0};
    struct iovec piece = {ears->text, sizeof(ears->text) - 1};
    struct msghdr message = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(ears->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    ears->received = -1;
    if (n < 0)
        return false;
    ears->text[n] = '\0';
    for (struct cmsghdr *each = CMSG_FIRSTHDR(&message); each;
         each = CMSG_NXTHDR(&message, each))
        if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_RIGHTS)
            memcpy(&ears->received, CMSG_DATA(each), sizeof(ears->received));
    return true;
}

static void names_of_workers_are_read_back(void **state)
{
    const struct stored_worker greatest = {UINT64_MAX, UINT32_MAX, UINT64_MAX, UINT32_MAX};
    struct stored_worker worker;
    char name[FD_NAME_SIZE];

    (void)state;
    fd_store_name_worker(&greatest, name);
    assert_string_equal(
        name, "worker-18446744073709551615-4294967295-18446744073709551615-4294967295");
    assert_true(fd_store_read_worker(name, &worker));
    assert_memory_equal(&worker, &greatest, sizeof(worker));
    assert_true(fd_store_is_own_name(name));
    assert_true(fd_store_read_worker("worker-7-2-3-4", &worker));
    assert_true(worker.worker == 7 && worker.slot == 2 && worker.revision == 3);
    assert_true(worker.lane == 4);
    /* As it was before there were lanes. */
    assert_true(fd_store_read_worker("worker-7-2-3", &worker));
    assert_true(worker.worker == 7 && worker.slot == 2 && worker.revision == 3);
    assert_true(worker.lane == 0);
    fd_store_name_notify(7, name);
    assert_string_equal(name, "notify-7");
    assert_true(fd_store_is_own_name(name));
    assert_true(fd_store_is_own_name("lane-812-4"));
    assert_false(fd_store_is_own_name("lane-812"));
    assert_false(fd_store_is_own_name("lane-812-4.socket"));
    assert_false(fd_store_is_own_name("notify-7.socket"));
    fd_store_name_channel(7, name);
    assert_string_equal(name, "channel-7");
    assert_true(fd_store_is_own_name(name));
    fd_store_name_capture(7, name);
    assert_string_equal(name, "capture-7");
    assert_true(fd_store_is_own_name(name));
    assert_false(fd_store_is_own_name("capture-7.socket"));
    assert_false(fd_store_is_own_name("discovered-7-0"));
    assert_false(fd_store_is_own_name("opened-7"));
    assert_false(fd_store_is_own_name("web.socket"));
}

static void names_that_are_none_are_not_read(void **state)
{
    static const char *const wrong[] = {
        "",
        "worker",
        "worker-",
        "worker-7",
        "worker-7-2",
        "worker-7-2-",
        "worker-7-2-3x",
        "worker-7-2-3-",
        "worker-7-2-3-4-5",
        "worker-7-2-3-04",
        "worker- 7-2-3",
        "worker-07-2-3",
        "worker-+7-2-3",
        "worker--7-2-3",
        "worker-7-4294967296-3",
        "worker-18446744073709551616-0-1",
        "notify-7",
        "xworker-7-2-3",
    };
    const struct stored_worker before = {1, 2, 3, 4};
    struct stored_worker worker = before;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (fd_store_read_worker(wrong[i], &worker))
            fail_msg("\"%s\" was read as a worker's", wrong[i]);
    assert_memory_equal(&worker, &before, sizeof(worker));
}

static void keep_hands_over_a_copy_under_its_name(void **state)
{
    struct fd_store store = {.keeps = true};
    struct ears ears;
    struct stat ours;
    struct stat theirs;
    int ends[2];

    ears_open(&ears, state);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fd_store_keep(&store, "worker-7-2-3", ends[0]);
    assert_true(ears_hear(&ears));
    assert_string_equal(ears.text, "FDSTORE=1\nFDPOLL=0\nFDNAME=worker-7-2-3");
    assert_true(ears.received >= 0 && ears.received != ends[0]);
    assert_int_equal(fstat(ends[0], &ours), 0);
    assert_int_equal(fstat(ears.received, &theirs), 0);
    assert_int_equal(ours.st_ino, theirs.st_ino);
    (void)close(ears.received);
    fd_store_drop(&store, "worker-7-2-3");
    assert_true(ears_hear(&ears));
    assert_string_equal(ears.text, "FDSTOREREMOVE=1\nFDNAME=worker-7-2-3");
    assert_int_equal(ears.received, -1);
    assert_true(fcntl(ends[0], F_GETFD) >= 0); /* still ours */
    (void)close(ends[0]);
    (void)close(ends[1]);
    ears_close(&ears);
}

static void store_that_does_not_keep_says_nothing(void **state)
{
    struct fd_store store = {0};
    struct ears ears;

    ears_open(&ears, state);
    fd_store_keep(&store, "worker-7-2-3", STDIN_FILENO);
    fd_store_drop(&store, "worker-7-2-3");
    assert_false(ears_hear(&ears));
    ears_close(&ears);
}

static void keep_without_a_manager_does_nothing(void **state)
{
    struct fd_store store = {.keeps = true};

    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    fd_store_keep(&store, "notify-1", STDIN_FILENO);
    fd_store_drop(&store, "notify-1");
}

/* Descriptors can only be handed to a process at its start, at 3 and beyond: a child's body. */
static int receive_in_child(const struct child_ends *ends, void *unused)
{
    static const char *const names[] = {"web", "worker-7-2-3", "notify-7", "notify-7"};
    struct fd_store store = {.keeps = true};
    char pid[32];
    int high =
        fcntl(ends->news, F_DUPFD_CLOEXEC, 100); /* where its own ends are out of the way */
    int fd;

    (void)unused;
    for (int i = 3; i < 7; i++)
        if (dup2(STDIN_FILENO, i) != i)
            return 1;
    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    (void)setenv("LISTEN_PID", pid, 1);
    (void)setenv("LISTEN_FDS", "4", 1);
    (void)setenv("LISTEN_FDNAMES", "web:worker-7-2-3:notify-7:notify-7", 1);
    if (fd_store_receive(&store) != 0 || store.n != 4 || getenv("LISTEN_FDS"))
        return 2;
    for (int i = 0; i < 4; i++)
        if (store.items[i].fd != 3 + i || strcmp(store.items[i].name, names[i]) != 0 ||
            fcntl(3 + i, F_GETFD) != FD_CLOEXEC)
            return 3;
    if (fd_store_take(&store, "notify-8") != -1 || fd_store_take(&store, "notify-7") != 5 ||
        fd_store_take(&store, "notify-7") != 6 || fd_store_take(&store, "notify-7") != -1)
        return 4;
    fd = fd_store_take(&store, "worker-7-2-3");
    if (fd != 4)
        return 5;
    fd_store_release(&store); /* what was taken stays, what was not is closed */
    if (fcntl(3, F_GETFD) != -1 || fcntl(4, F_GETFD) < 0 || fcntl(5, F_GETFD) < 0)
        return 6;
    return store.n == 0 && high >= 100 ? 0 : 7;
}

static void receive_takes_over_what_was_handed_down(void **state)
{
    struct child child = child_start(receive_in_child, NULL);

    (void)state;
    assert_int_equal(child_end(&child, false), 0);
}

/* A worker's that nobody has taken leaves the manager's store; a socket unit's is not in it. */
static int release_in_child(const struct child_ends *ends, void *unused)
{
    struct fd_store store = {.keeps = true};
    char pid[32];

    (void)ends;
    (void)unused;
    if (dup2(STDIN_FILENO, 3) != 3 || dup2(STDIN_FILENO, 4) != 4)
        return 1;
    (void)snprintf(pid, sizeof(pid), "%d", getpid());
    (void)setenv("LISTEN_PID", pid, 1);
    (void)setenv("LISTEN_FDS", "2", 1);
    (void)setenv("LISTEN_FDNAMES", "web:worker-7-2-3", 1);
    if (fd_store_receive(&store) != 0)
        return 2;
    fd_store_release(&store);
    return 0;
}

static void release_drops_workers_that_nobody_took(void **state)
{
    struct child child;
    struct ears ears;

    ears_open(&ears, state);
    child = child_start(release_in_child, NULL);
    assert_int_equal(child_end(&child, false), 0);
    assert_true(ears_hear(&ears));
    assert_string_equal(ears.text, "FDSTOREREMOVE=1\nFDNAME=worker-7-2-3");
    assert_false(ears_hear(&ears));
    ears_close(&ears);
}

static void receive_of_nothing_is_an_empty_store(void **state)
{
    struct fd_store store = {0};

    (void)state;
    (void)unsetenv("LISTEN_FDS");
    assert_int_equal(fd_store_receive(&store), 0);
    assert_int_equal(store.n, 0);
    assert_int_equal(fd_store_take(&store, "web"), -1);
    fd_store_release(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_workers_are_read_back),
        cmocka_unit_test(names_that_are_none_are_not_read),
        scratch_test(keep_hands_over_a_copy_under_its_name),
        scratch_test(store_that_does_not_keep_says_nothing),
        cmocka_unit_test(keep_without_a_manager_does_nothing),
        cmocka_unit_test(receive_takes_over_what_was_handed_down),
        scratch_test(release_drops_workers_that_nobody_took),
        cmocka_unit_test(receive_of_nothing_is_an_empty_store),
    };

    return run_os_tests(tests);
}
