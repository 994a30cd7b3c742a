#include "os/scratch.h"

#include "os/cgroup.h"
#include "os/cgroup_limits.h"
#include "os/cgroup_tree.h"
#include "os/text_file.h"

#include <errno.h>

/* Stand-ins for cgroupfs: what is read from it and what would be written to it, as plain files.
 */

static void put(void **state, const char *name, const char *text)
{
    char path[PATH_MAX];
    int fd =
        open(scratch_path(state, name, path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static void expect(void **state, const char *name, const char *expected)
{
    char path[PATH_MAX];
    char text[64];
    size_t size;

    assert_int_equal(
        text_file_read(AT_FDCWD, scratch_path(state, name, path), text, sizeof text, &size), 0);
    assert_string_equal(text, expected);
}

static void need_tells_the_controllers_of_limits(void **state)
{
    (void)state;
    assert_int_equal(cgroup_limits_need(&(struct cgroup_limits){0}), 0);
    assert_int_equal(cgroup_limits_need(&(struct cgroup_limits){.memory_high = 1}),
                     CGROUP_MEMORY);
    assert_int_equal(cgroup_limits_need(&(struct cgroup_limits){.cpu_percent = 1}), CGROUP_CPU);
    assert_int_equal(cgroup_limits_need(&(struct cgroup_limits){
                         .memory_max = 1, .cpu_weight = 1, .tasks_max = 1}),
                     CGROUP_MEMORY | CGROUP_CPU | CGROUP_PIDS);
}

static void limit_writes_each_file_as_the_kernel_reads_it(void **state)
{
    const struct cgroup_limits limits = {.memory_max = UINT64_C(1) << 33,
                                         .memory_high = 1000,
                                         .cpu_weight = 10000,
                                         .cpu_percent = 150,
                                         .tasks_max = 12};
    static const char *const files[] = {"memory.max", "memory.high", "cpu.weight", "cpu.max",
                                        "pids.max"};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        put(state, files[i], "");
    assert_int_equal(cgroup_limit(*state, &limits), 0);
    expect(state, "memory.max", "8589934592");
    expect(state, "memory.high", "1000");
    expect(state, "cpu.weight", "10000");
    expect(state, "cpu.max", "150000 100000");
    expect(state, "pids.max", "12");
}

static void limit_leaves_alone_what_is_not_limited(void **state)
{
    put(state, "memory.max", "max");
    put(state, "pids.max", "");
    assert_int_equal(cgroup_limit(*state, &(struct cgroup_limits){0}), 0);
    assert_int_equal(cgroup_limit(*state, &(struct cgroup_limits){.tasks_max = 3}), 0);
    expect(state, "memory.max", "max");
    expect(state, "pids.max", "3");
}

static void limit_without_controller_says_so_and_sets_the_others(void **state)
{
    put(state, "cpu.weight", "");
    assert_int_equal(
        cgroup_limit(*state, &(struct cgroup_limits){.memory_max = 1, .cpu_weight = 7}), 1);
    expect(state, "cpu.weight", "7");
}

static void enable_without_that_controller_says_so(void **state)
{
    uint32_t got = 77;

    put(state, "cgroup.controllers", "cpuset cpu io\n");
    put(state, "cgroup.subtree_control", "");
    assert_int_equal(cgroup_enable_controllers(*state, CGROUP_MEMORY | CGROUP_CPU, &got), 1);
    assert_int_equal(got, CGROUP_CPU);
    expect(state, "cgroup.subtree_control", "+cpu");
}

static void enable_what_is_enabled_writes_nothing(void **state)
{
    uint32_t got = 0;

    put(state, "cgroup.controllers", "cpu memory pids\n");
    put(state, "cgroup.subtree_control", "memory pids\n");
    assert_int_equal(cgroup_enable_controllers(*state, CGROUP_MEMORY, &got), 0);
    assert_int_equal(got, CGROUP_MEMORY);
    expect(state, "cgroup.subtree_control", "memory pids\n");
    assert_int_equal(cgroup_enabled_controllers(*state, &got), 0);
    assert_int_equal(got, CGROUP_MEMORY | CGROUP_PIDS);
}

static void look_at_group_that_is_gone(void **state)
{
    uint32_t got = 77;

    (void)state;
    assert_int_equal(cgroup_enable_controllers("/nonexistent", CGROUP_CPU, &got), -ENOENT);
    assert_int_equal(got, 0);
    assert_int_equal(cgroup_release_controllers("/nonexistent"), 0);
    assert_int_equal(cgroup_limit("/nonexistent", &(struct cgroup_limits){.cpu_weight = 1}), 1);
}

/* On the real thing: a group of this test's own, whose parent hands on the one controller that
 * nobody minds (hugetlb; the older hierarchy may hold all others). Skips where that can't be
 * had. What the parent handed on before, it hands on afterwards. */

struct real {
    char *mount; /* hands it on */
    char *unit;
    bool switched;
};

static void set_hugetlb(const char *folder, const char *word)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/cgroup.subtree_control", folder);
    assert_int_equal(text_file_write(AT_FDCWD, path, word), 0);
}

static struct real real_make(void)
{
    struct real real = {0};
    _cleanup_free_ char *own = NULL;
    uint32_t before = 0;
    uint32_t got = 0;
    char name[64];
    int rv = cgroup_find_own(NULL, &real.mount, &own);

    if (rv == 0)
        rv = cgroup_enabled_controllers(real.mount, &before);
    if (rv == 0)
        rv = cgroup_enable_controllers(real.mount, CGROUP_HUGETLB, &got);
    if (rv != 0) {
        free(real.mount);
        print_message("no cgroup2 whose root hands hugetlb on\n");
        skip();
    }
    real.switched = (before & CGROUP_HUGETLB) == 0;
    (void)snprintf(name, sizeof name, "reloadd-test-limits-%d", getpid());
    assert_int_equal(cgroup_create(real.mount, name, &real.unit), 0);
    return real;
}

static void real_remove(struct real *real)
{
    int rv;

    while ((rv = cgroup_remove(real->unit)) == 1) /* the dead leave a moment later */
        continue;
    assert_int_equal(rv, 0);
    if (real->switched)
        set_hugetlb(real->mount, "-hugetlb");
    free(real->mount);
    free(real->unit);
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

static int try_to_join(const struct child_ends *ends, void *folder)
{
    char path[PATH_MAX];

    (void)ends;
    (void)snprintf(path, sizeof path, "%s/cgroup.procs", (const char *)folder);
    return text_file_write(AT_FDCWD, path, "0") == -EBUSY ? 16 : 0;
}

static void enable_where_a_process_is_says_busy(void **state)
{
    struct real real = real_make();
    struct child child = child_start(join_and_wait, real.unit);
    uint32_t got = 77;

    (void)state;
    child_listen(&child);
    assert_int_equal(cgroup_enable_controllers(real.unit, CGROUP_HUGETLB, &got), -EBUSY);
    assert_int_equal(got, 0);
    (void)child_end(&child, true);
    real_remove(&real);
}

/* The life of a unit: the primary leaves for a group beside the workers', enables, dies; then
 * nobody can be put into the unit's own group, until the controllers are taken away. */
static void enabled_group_takes_no_process_until_disabled(void **state)
{
    struct real real = real_make();
    char *worker = NULL;
    char path[PATH_MAX];
    struct child child;
    struct child other;
    uint32_t got = 0;

    (void)state;
    assert_int_equal(cgroup_create(real.unit, "worker-1", &worker), 0);
    child = child_start(join_and_wait, worker);
    child_listen(&child);
    assert_int_equal(cgroup_enable_controllers(real.unit, CGROUP_HUGETLB, &got), 0);
    assert_int_equal(got, CGROUP_HUGETLB);
    (void)snprintf(path, sizeof path, "%s/hugetlb.2MB.max", worker);
    assert_int_equal(access(path, W_OK), 0);
    other = child_start(try_to_join, real.unit);
    assert_int_equal(WEXITSTATUS(child_end(&other, false)), 16);

    assert_int_equal(cgroup_release_controllers(real.unit), 0);
    assert_int_equal(access(path, F_OK), -1);
    other = child_start(join_and_wait, real.unit);
    child_listen(&other);
    (void)child_end(&other, true);
    (void)child_end(&child, true);
    free(worker);
    real_remove(&real);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(need_tells_the_controllers_of_limits),
        scratch_test(limit_writes_each_file_as_the_kernel_reads_it),
        scratch_test(limit_leaves_alone_what_is_not_limited),
        scratch_test(limit_without_controller_says_so_and_sets_the_others),
        scratch_test(enable_without_that_controller_says_so),
        scratch_test(enable_what_is_enabled_writes_nothing),
        cmocka_unit_test(look_at_group_that_is_gone),
        cmocka_unit_test(enable_where_a_process_is_says_busy),
        cmocka_unit_test(enabled_group_takes_no_process_until_disabled),
    };

    return run_os_tests(tests);
}
