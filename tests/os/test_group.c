#include "os/scratch.h"

#include "os/group.h"
#include "os/proc.h"

#include <errno.h>

/* A leader with one more member, both of which wait. */
static int lead_group_of_two(const struct child_ends *ends, void *unused)
{
    pid_t pid;

    (void)unused;
    if (setpgid(0, 0) < 0)
        return 1;
    pid = fork();
    if (pid < 0)
        return 2;
    if (pid == 0) {
        child_tell(ends);
        child_wait_for_end(ends);
        _exit(0);
    }
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static struct child start_group(struct group *ret_group)
{
    struct child child = child_start(lead_group_of_two, NULL);
    struct proc_stat stat;

    child_listen(&child);
    child_listen(&child);
    assert_int_equal(proc_stat_read(child.pid, &stat), 0);
    *ret_group = (struct group){.leader = child.pid, .start_time = stat.start_time};
    return child;
}

static void wait_for_zombie(pid_t pid)
{
    siginfo_t info;

    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void list_group_without_cgroup_finds_both(void **state)
{
    struct group group;
    struct child child = start_group(&group);
    pid_t pids[4];
    size_t count;
    bool empty;

    (void)state;
    assert_int_equal(group_list(&group, pids, 4, &count), 0);
    assert_int_equal(count, 2);
    assert_true(pids[0] == child.pid || pids[1] == child.pid);
    assert_int_equal(group_list(&group, pids, 1, &count), 1);
    assert_int_equal(count, 1);
    assert_int_equal(group_is_empty(&group, &empty), 0);
    assert_false(empty);
    assert_int_equal(group_kill(&group, SIGKILL), 0);
    (void)child_end(&child, true);
}

/* The order of the head comment: the leader has ended, but is not reaped yet. */
static void kill_group_of_dead_leader_ends_the_rest(void **state)
{
    struct group group;
    struct child child = start_group(&group);
    int news = fcntl(child.news, F_DUPFD_CLOEXEC, 0);
    char byte;
    bool empty;

    (void)state;
    assert_int_equal(kill(child.pid, SIGKILL), 0);
    wait_for_zombie(child.pid);
    assert_int_equal(group_is_empty(&group, &empty), 0);
    assert_false(empty);
    assert_int_equal(group_kill(&group, SIGKILL), 0);
    assert_int_equal(read(news, &byte, 1), 0); /* the member had the pipe open */
    do { /* its descriptors go just before it counts as dead */
        assert_int_equal(group_is_empty(&group, &empty), 0);
    } while (!empty);
    (void)close(news);
    (void)child_end(&child, false);
}

static void kill_group_whose_number_is_a_strangers_spares_it(void **state)
{
    struct group group;
    struct child child = start_group(&group);
    struct group wrong = group;
    pid_t pids[4];
    size_t count;
    bool empty;

    (void)state;
    wrong.start_time--;
    assert_int_equal(group_kill(&wrong, SIGKILL), 1);
    assert_int_equal(group_list(&wrong, pids, 4, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(group_is_empty(&wrong, &empty), 0);
    assert_true(empty);
    assert_int_equal(group_is_empty(&group, &empty), 0);
    assert_false(empty);
    assert_int_equal(group_kill(&group, SIGKILL), 0);
    (void)child_end(&child, true);
}

static void kill_group_zero_and_one_touches_nobody(void **state)
{
    struct group group = {0};

    (void)state;
    assert_int_equal(group_kill(&group, SIGKILL), 1);
    group.leader = 1;
    assert_int_equal(group_kill(&group, SIGKILL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_group_without_cgroup_finds_both),
        cmocka_unit_test(kill_group_of_dead_leader_ends_the_rest),
        cmocka_unit_test(kill_group_whose_number_is_a_strangers_spares_it),
        cmocka_unit_test(kill_group_zero_and_one_touches_nobody),
    };

    return run_os_tests(tests);
}
