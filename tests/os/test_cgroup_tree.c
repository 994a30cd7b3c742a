#include "os/scratch.h"

#include "os/cgroup.h"
#include "os/cgroup_tree.h"
#include "os/text_file.h"

/* A group of this test's own. Skips where none can be made. */
static char *make_group(void)
{
    _cleanup_free_ char *base = NULL;
    char *folder = NULL;
    char name[64];

    if (cgroup_find_writable(&base) != 0) {
        print_message("no writable cgroup2 here\n");
        skip();
    }
    (void)snprintf(name, sizeof name, "reloadd-test-tree-%d", getpid());
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

static void children_are_found_by_name(void **state)
{
    _cleanup_free_ char *folder = make_group();
    _cleanup_free_ char *child = NULL;
    char **names = NULL;

    (void)state;
    assert_int_equal(cgroup_create(folder, "worker-7", &child), 0);
    assert_int_equal(cgroup_children(folder, &names), 0);
    assert_string_equal(names[0], "worker-7");
    assert_null(names[1]);
    cgroup_children_free(names);
    assert_int_equal(cgroup_remove(folder), 0);
    assert_int_equal(cgroup_children(folder, &names), 0);
    assert_null(names[0]);
    cgroup_children_free(names);
}

static void wait_empty_ends_with_the_last_process(void **state)
{
    _cleanup_free_ char *folder = make_group();
    struct child child = child_start(join_and_wait, folder);

    (void)state;
    child_listen(&child);
    assert_int_equal(cgroup_wait_empty(folder, span_from_ms(10)), 1);
    assert_int_equal(cgroup_kill(folder), 0);
    assert_int_equal(cgroup_wait_empty(folder, span_from_ms(60000)), 0);
    (void)child_end(&child, false);
    assert_int_equal(cgroup_remove(folder), 0);
    assert_int_equal(cgroup_wait_empty(folder, span_from_ms(0)), 0);
}

static void release_controllers_lets_processes_in_again(void **state)
{
    _cleanup_free_ char *folder = make_group();
    _cleanup_free_ char *inner = NULL;
    char path[PATH_MAX];
    char text[512];
    size_t size;

    (void)state;
    assert_int_equal(cgroup_create(folder, "inner", &inner), 0);
    assert_int_equal(cgroup_release_controllers(folder), 0);
    (void)snprintf(path, sizeof path, "%s/cgroup.controllers", folder);
    assert_int_equal(text_file_read(AT_FDCWD, path, text, sizeof text, &size), 0);
    (void)snprintf(path, sizeof path, "%s/cgroup.subtree_control", folder);
    if (size > 1) {
        char change[520] = "+";

        (void)strcat(change, strtok(text, " \n"));
        assert_int_equal(text_file_write(AT_FDCWD, path, change), 0);
        assert_int_equal(cgroup_release_controllers(folder), 0);
    } else {
        print_message("no controllers in this group: none were taken back\n");
    }
    assert_int_equal(text_file_read(AT_FDCWD, path, text, sizeof text, &size), 0);
    assert_int_equal(strspn(text, "\n"), size);
    assert_int_equal(cgroup_remove(folder), 0);
    assert_int_equal(cgroup_release_controllers(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_are_found_by_name),
        cmocka_unit_test(wait_empty_ends_with_the_last_process),
        cmocka_unit_test(release_controllers_lets_processes_in_again),
    };

    return run_os_tests(tests);
}
