#include "os/scratch.h"

#include "os/proc.h"

#include <sys/socket.h>

/* A name that looks like the end of itself, and waits. */
static int take_strange_name(const struct child_ends *ends, void *unused)
{
    (void)unused;
    (void)prctl(PR_SET_NAME, "a) R 1 (b\n", 0, 0, 0);
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static void read_stat_of_strangely_named_process_is_not_misled(void **state)
{
    struct child child = child_start(take_strange_name, NULL);
    struct proc_stat own;
    struct proc_stat stat;
    char name[16];

    (void)state;
    child_listen(&child);
    assert_int_equal(proc_stat_read(getpid(), &own), 0);
    assert_int_equal(own.state, 'R');
    assert_int_equal(own.parent, getppid());
    assert_int_equal(own.group, getpgrp());
    assert_int_equal(proc_stat_read(child.pid, &stat), 0);
    assert_int_equal(stat.parent, getpid());
    assert_int_equal(stat.group, getpgrp());
    assert_true(stat.start_time >= own.start_time && own.start_time > 0);
    assert_int_equal(proc_name(child.pid, name, sizeof name), 0);
    assert_string_equal(name, "a) R 1 (b?");
    (void)child_end(&child, true);
}

static void read_of_process_that_is_gone_says_so(void **state)
{
    struct child child = child_start(take_strange_name, NULL);
    struct proc_stat stat;
    uint64_t inode;
    char name[16];

    (void)state;
    (void)child_end(&child, true);
    assert_int_equal(proc_stat_read(child.pid, &stat), 1);
    assert_int_equal(proc_name(child.pid, name, sizeof name), 1);
    assert_int_equal(proc_fd_socket(child.pid, 0, &inode), 1);
}

static void read_stat_of_zombie_says_so(void **state)
{
    struct child child = child_start(take_strange_name, NULL);
    struct proc_stat stat;
    siginfo_t info;

    (void)state;
    (void)kill(child.pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(proc_stat_read(child.pid, &stat), 0);
    assert_int_equal(stat.state, 'Z');
    (void)child_end(&child, false);
}

static void look_at_descriptors_tells_sockets_from_others(void **state)
{
    struct stat status;
    uint64_t inode;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(proc_fd_socket(getpid(), fd, &inode), 0);
    assert_true(inode == status.st_ino);
    assert_int_equal(proc_fd_socket(getpid(), null_fd, &inode), 1);
    (void)close(null_fd);
    assert_int_equal(proc_fd_socket(getpid(), null_fd, &inode), 1);
    (void)close(fd);
}

static void walk_own_threads_finds_the_only_one(void **state)
{
    _cleanup_dir_ DIR *dir = NULL;
    int number;

    (void)state;
    assert_int_equal(proc_open("/proc/self/task", &dir), 0);
    assert_int_equal(proc_next(dir, &number), 0);
    assert_int_equal(number, getpid());
    assert_int_equal(proc_next(dir, &number), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_stat_of_strangely_named_process_is_not_misled),
        cmocka_unit_test(read_of_process_that_is_gone_says_so),
        cmocka_unit_test(read_stat_of_zombie_says_so),
        cmocka_unit_test(look_at_descriptors_tells_sockets_from_others),
        cmocka_unit_test(walk_own_threads_finds_the_only_one),
    };

    return run_os_tests(tests);
}
