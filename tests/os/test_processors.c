#include "os/scratch.h"

#include "os/cgroup.h"
#include "os/processors.h"
#include "os/text_file.h"

#include <sched.h>

static void write_value(const char *folder, const char *name, const char *value)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(text_file_write(AT_FDCWD, path, value), 0);
}

static void count_is_at_least_one_and_no_more_than_there_are(void **state)
{
    (void)state;
    assert_in_range(processors_available(), 1, sysconf(_SC_NPROCESSORS_CONF));
}

static int count_on_one_processor(const struct child_ends *ends, void *unused)
{
    cpu_set_t set;

    (void)ends;
    (void)unused;
    if (sched_getaffinity(0, sizeof set, &set) < 0)
        return -1;
    for (int i = 0, seen = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &set) && seen++ > 0)
            CPU_CLR(i, &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        return -1;
    return processors_available();
}

static void count_with_affinity_to_one_is_one(void **state)
{
    struct child child = child_start(count_on_one_processor, NULL);

    (void)state;
    assert_int_equal(WEXITSTATUS(child_end(&child, false)), 1);
}

static int count_in_group(const struct child_ends *ends, void *folder)
{
    char path[PATH_MAX];

    (void)ends;
    (void)snprintf(path, sizeof path, "%s/cgroup.procs", (const char *)folder);
    if (text_file_write(AT_FDCWD, path, "0") < 0)
        return -1;
    return processors_available();
}

/* Counts from within a group of the older kind whose parent has the quota. */
static int count_under_quota(const char *quota)
{
    _cleanup_free_ char *mount = NULL;
    _cleanup_free_ char *own = NULL;
    _cleanup_free_ char *folder = NULL;
    _cleanup_free_ char *below = NULL;
    struct child child;
    char name[64];
    int status;
    int rv = cgroup_find_own("cpu", &mount, &own);

    (void)snprintf(name, sizeof name, "reloadd-test-%d", getpid());
    if (rv != 0 || cgroup_create(own, name, &folder) != 0) {
        print_message("no writable cpu controller of the older kind here\n");
        skip();
    }
    assert_int_equal(cgroup_create(folder, "below", &below), 0);
    write_value(folder, "cpu.cfs_period_us", "100000");
    write_value(folder, "cpu.cfs_quota_us", quota);
    child = child_start(count_in_group, below);
    status = child_end(&child, false);
    while ((rv = cgroup_remove(folder)) == 1)
        continue;
    assert_int_equal(rv, 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void count_under_quota_rounds_up(void **state)
{
    int all = processors_available();

    (void)state;
    assert_int_equal(count_under_quota("1000"), 1);
    assert_int_equal(count_under_quota("100000"), 1);
    assert_int_equal(count_under_quota("100001"), all < 2 ? all : 2);
    assert_int_equal(count_under_quota("-1"), all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count_is_at_least_one_and_no_more_than_there_are),
        cmocka_unit_test(count_with_affinity_to_one_is_one),
        cmocka_unit_test(count_under_quota_rounds_up),
    };

    return run_os_tests(tests);
}
