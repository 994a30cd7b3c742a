#include "reloadd/leftovers.h"

#include "os/scratch.h"

#include "os/cgroup.h"
#include "os/text_file.h"

/* Of this run alone: one that was killed may have left its own. */
static const char *unit_name(void)
{
    static char name[64];

    if (name[0] == '\0')
        (void)snprintf(name, sizeof name, "reloadd-test-%d.service", getpid());
    return name;
}

/* The unit's folder; *ret_group is the one below it. Skips where none can be made. */
static char *make_folders(const char *name, char **ret_group)
{
    _cleanup_free_ char *base = NULL;
    char *folder = NULL;

    if (cgroup_find_writable(&base) != 0) {
        print_message("no writable cgroup2 here\n");
        skip();
    }
    assert_true(cgroup_create(base, unit_name(), &folder) == 0);
    assert_int_equal(cgroup_create(folder, name, ret_group), 0);
    return folder;
}

static bool join(const char *folder)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    return text_file_write(AT_FDCWD, path, "0") == 0;
}

static int join_and_wait(const struct child_ends *ends, void *folder)
{
    if (!join(folder))
        return 1;
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static struct child start_in(char *folder)
{
    struct child child = child_start(join_and_wait, folder);

    child_listen(&child);
    return child;
}

static bool was_killed(struct child *child)
{
    int status = child_end(child, false);

    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void assert_removed(const char *folder)
{
    assert_int_equal(cgroup_remove(folder), 0);
    assert_int_equal(access(folder, F_OK), -1);
}

static void end_ends_workers_strays_and_what_the_primary_left(void **state)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {0};
    _cleanup_free_ char *worker = NULL;
    _cleanup_free_ char *folder = make_folders("worker-7", &worker);
    _cleanup_free_ char *primary = NULL;
    struct child children[3];

    (void)state;
    assert_int_equal(cgroup_create(folder, "primary", &primary), 0);
    children[0] = start_in(folder);
    children[1] = start_in(worker);
    children[2] = start_in(primary);
    assert_int_equal(leftovers_count_workers(folder), 1);
    assert_int_equal(leftovers_find(folder, &leftovers), 0);
    leftovers_end(&leftovers);
    assert_int_equal(leftovers_count_workers(folder), 0);
    for (size_t i = 0; i < 3; i++)
        assert_true(was_killed(&children[i]));
    assert_removed(folder);
}

static void end_spares_who_came_after_the_finding(void **state)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {0};
    _cleanup_free_ char *primary = NULL;
    _cleanup_free_ char *folder = make_folders("primary", &primary);
    _cleanup_free_ char *worker = NULL;
    struct child children[3];

    (void)state;
    assert_int_equal(leftovers_find(folder, &leftovers), 0);
    assert_int_equal(cgroup_create(folder, "worker-8", &worker), 0);
    children[0] = start_in(folder);
    children[1] = start_in(worker);
    children[2] = start_in(primary);
    leftovers_end(&leftovers);
    /* Each has the leashes of those before it. */
    for (size_t i = 3; i > 0; i--)
        assert_int_equal(child_end(&children[i - 1], false), 0);
    assert_removed(folder);
}

static void end_spares_the_control_group(void **state)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {0};
    _cleanup_free_ char *control = NULL;
    _cleanup_free_ char *folder = make_folders(".control", &control);
    struct child child = start_in(control);

    (void)state;
    assert_int_equal(leftovers_find(folder, &leftovers), 0);
    leftovers_end(&leftovers);
    assert_int_equal(child_end(&child, false), 0);
    assert_removed(control);
    assert_removed(folder);
}

/* In the child: what it finds as its unit's folder must be `data`. */
static int find_from_within(const struct child_ends *ends, void *data)
{
    const char *const *folders = data; /* where to be, and what is expected: NULL, none */
    _cleanup_free_ char *found = NULL;
    int r;

    (void)ends;
    if (!join(folders[0]))
        return 1;
    r = leftovers_find_folder(NULL, unit_name(), &found);
    if (!folders[1])
        return r == 1 ? 0 : 2;
    return r == 0 && strcmp(found, folders[1]) == 0 ? 0 : 3;
}

static int find_in(const char *where, const char *expected)
{
    const char *folders[] = {where, expected};
    struct child child = child_start(find_from_within, folders);

    return child_end(&child, false);
}

static void folder_is_found_from_itself_and_its_control_group_alone(void **state)
{
    _cleanup_free_ char *control = NULL;
    _cleanup_free_ char *folder = make_folders(".control", &control);
    _cleanup_free_ char *worker = NULL;

    (void)state;
    assert_int_equal(cgroup_create(folder, "worker-1", &worker), 0);
    assert_int_equal(find_in(folder, folder), 0);
    assert_int_equal(find_in(control, folder), 0);
    assert_int_equal(find_in(worker, NULL), 0);
    assert_removed(control);
    assert_removed(folder);
}

static void nothing_is_found_in_a_folder_that_is_gone(void **state)
{
    _cleanup_(leftovers_release) struct leftovers leftovers = {0};

    (void)state;
    assert_int_equal(leftovers_find("/sys/fs/cgroup/there-is-no-such-group", &leftovers), 0);
    assert_null(leftovers.groups[0]);
    assert_int_equal(leftovers.process_n, 0);
    assert_int_equal(leftovers_count_workers("/sys/fs/cgroup/there-is-no-such-group"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(end_ends_workers_strays_and_what_the_primary_left),
        cmocka_unit_test(end_spares_who_came_after_the_finding),
        cmocka_unit_test(end_spares_the_control_group),
        cmocka_unit_test(folder_is_found_from_itself_and_its_control_group_alone),
        cmocka_unit_test(nothing_is_found_in_a_folder_that_is_gone),
    };

    return run_os_tests(tests);
}
