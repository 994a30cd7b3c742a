#include "os/scratch.h"

#include "os/cgroup.h"
#include "os/text_file.h"

#include <errno.h>

/* A group of this test's own. Skips where none can be made. */
static char *make_group(void)
{
    _cleanup_free_ char *base = NULL;
    char *folder = NULL;
    char name[64];
    int rv = cgroup_find_writable(&base);

    assert_true(rv >= 0);
    if (rv > 0) {
        print_message("no writable cgroup2 here\n");
        skip();
    }
    (void)snprintf(name, sizeof name, "reloadd-test-%d", getpid());
    assert_int_equal(cgroup_create(base, name, &folder), 0);
    return folder;
}

static int join_and_wait(const struct child_ends *ends, void *folder)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/cgroup.procs", (const char *)folder);
    if (text_file_write(AT_FDCWD, path, "0") < 0)
        return 1;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

/* Dead processes leave their group a moment later than their parent hears of it. */
static void remove_group(const char *folder)
{
    int rv;

    while ((rv = cgroup_remove(folder)) == 1)
        continue;
    assert_int_equal(rv, 0);
}

static void list_group_with_a_member_finds_it(void **state)
{
    char *folder = make_group();
    struct child child;
    pid_t pids[2];
    size_t count;
    bool empty;

    (void)state;
    assert_int_equal(cgroup_is_empty(folder, &empty), 0);
    assert_true(empty);
    assert_int_equal(cgroup_list(folder, pids, 2, &count), 0);
    assert_int_equal(count, 0);
    child = child_start(join_and_wait, folder);
    child_listen(&child);
    assert_int_equal(cgroup_is_empty(folder, &empty), 0);
    assert_false(empty);
    assert_int_equal(cgroup_list(folder, pids, 2, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(pids[0], child.pid);
    assert_int_equal(cgroup_list(folder, pids, 0, &count), 1);
    assert_int_equal(cgroup_remove(folder), 1);
    assert_int_equal(cgroup_kill(folder), 0);
    assert_int_equal(WTERMSIG(child_end(&child, false)), SIGKILL);
    remove_group(folder);
    free(folder);
}

static void remove_group_takes_those_below_with_it(void **state)
{
    char *folder = make_group();
    char *below = NULL;
    char *again = NULL;

    (void)state;
    assert_int_equal(cgroup_create(folder, "worker-1", &below), 0);
    assert_int_equal(cgroup_create(folder, "worker-1", &again), 1);
    assert_string_equal(below, again);
    remove_group(folder);
    assert_int_equal(access(folder, F_OK), -1);
    free(below);
    free(again);
    free(folder);
}

static void look_at_group_that_is_gone_finds_it_empty(void **state)
{
    pid_t pids[2];
    size_t count;
    bool empty;

    (void)state;
    assert_int_equal(cgroup_is_empty("/nonexistent", &empty), 0);
    assert_true(empty);
    assert_int_equal(cgroup_list("/nonexistent", pids, 2, &count), 0);
    assert_int_equal(count, 0);
    assert_int_equal(cgroup_kill("/nonexistent"), 1);
    assert_int_equal(cgroup_remove("/nonexistent"), 0);
}

static void find_own_group_holds_this_process(void **state)
{
    char *mount = NULL;
    char *folder = NULL;
    char path[PATH_MAX];
    char *text = NULL;
    char pid[16];
    size_t size;
    int rv = cgroup_find_own(NULL, &mount, &folder);

    (void)state;
    if (rv == 1) {
        print_message("no cgroup2 here\n");
        skip();
    }
    assert_int_equal(rv, 0);
    assert_int_equal(strncmp(folder, mount, strlen(mount)), 0);
    (void)snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 1 << 20, &text, &size), 0);
    (void)snprintf(pid, sizeof pid, "%d\n", getpid());
    assert_non_null(strstr(text, pid));
    free(text);
    free(mount);
    free(folder);
}

static void find_own_of_unknown_controller_finds_none(void **state)
{
    char *mount = NULL;
    char *folder = NULL;

    (void)state;
    assert_int_equal(cgroup_find_own("no-such-controller", &mount, &folder), 1);
    assert_null(mount);
    assert_null(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(list_group_with_a_member_finds_it),
        cmocka_unit_test(remove_group_takes_those_below_with_it),
        cmocka_unit_test(look_at_group_that_is_gone_finds_it_empty),
        cmocka_unit_test(find_own_group_holds_this_process),
        cmocka_unit_test(find_own_of_unknown_controller_finds_none),
    };

    return run_os_tests(tests);
}
