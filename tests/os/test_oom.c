#include "os/scratch.h"

#include "os/cgroup.h"
#include "os/oom.h"
#include "os/text_file.h"

#include <errno.h>
#include <sys/mman.h>

enum {
    MIB = 1 << 20,
};

static void put(const char *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

static struct instant second(uint64_t n)
{
    return (struct instant){n * UINT64_C(1000000000)};
}

static void count_reads_both_kinds_of_group(void **state)
{
    uint64_t kills = 77;

    assert_int_equal(oom_count(*state, &kills), 1);
    put(*state, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
    assert_int_equal(oom_count(*state, &kills), 0);
    assert_int_equal(kills, 3);
    put(*state, "memory.events", "low 0\nhigh 5\nmax 6\noom 7\noom_kill 8\noom_group_kill 9\n");
    assert_int_equal(oom_count(*state, &kills), 0);
    assert_int_equal(kills, 8);
    assert_int_equal(oom_count("/nonexistent", &kills), 1);
}

static void struck_in_shared_group_names_as_many_as_were_killed(void **state)
{
    struct oom_watch watch = {0};

    put(*state, "memory.events", "oom 5\noom_kill 5\n");
    assert_int_equal(oom_watch_begin(*state, &watch), 0);
    assert_int_equal(oom_has_struck(&watch, NULL, second(1)), OOM_NO); /* all of before */
    put(*state, "memory.events", "oom 6\noom_kill 7\n");
    assert_int_equal(oom_has_struck(&watch, NULL, second(2)), OOM_YES);
    assert_int_equal(oom_has_struck(&watch, "/nonexistent", second(3)), OOM_YES);
    assert_int_equal(oom_has_struck(&watch, NULL, second(3)), OOM_NO);
    oom_watch_release(&watch);
}

/* The count grew with a descendant's end; whoever dies later died of something else. */
static void struck_long_ago_is_nobody_of_today(void **state)
{
    struct oom_watch watch = {0};

    put(*state, "memory.events", "oom_kill 0\n");
    assert_int_equal(oom_watch_begin(*state, &watch), 0);
    put(*state, "memory.events", "oom_kill 1\n");
    oom_watch_look(&watch, second(100));
    oom_watch_look(&watch, second(109));
    assert_int_equal(watch.unclaimed, 1);
    oom_watch_look(&watch, second(110));
    assert_int_equal(oom_has_struck(&watch, NULL, second(111)), OOM_NO);
    oom_watch_release(&watch);
}

static void struck_in_own_group_is_exact(void **state)
{
    struct oom_watch watch = {0};
    char own[PATH_MAX];

    assert_int_equal(mkdir(scratch_path(state, "worker-1", own), 0700), 0);
    put(*state, "memory.events", "oom_kill 0\n");
    put(own, "memory.events", "oom_kill 0\n");
    assert_int_equal(oom_watch_begin(*state, &watch), 0);
    put(*state, "memory.events", "oom_kill 1\n"); /* a neighbour */
    assert_int_equal(oom_has_struck(&watch, own, second(1)), OOM_NO);
    put(own, "memory.events", "oom_kill 1\n");
    assert_int_equal(oom_has_struck(&watch, own, second(1)), OOM_YES);
    oom_watch_release(&watch);
}

static void struck_somewhere_on_the_machine_is_a_suspicion(void **state)
{
    struct oom_watch watch = {.of_machine = true};
    char path[PATH_MAX];

    put(*state, "vmstat", "nr_free_pages 5\noom_kill 2\n");
    watch.file = strdup(scratch_path(state, "vmstat", path));
    assert_int_equal(oom_has_struck(&watch, NULL, second(1)), OOM_PERHAPS);
    oom_watch_release(&watch);
}

static void watch_that_is_empty_says_no(void **state)
{
    struct oom_watch watch = {0};

    (void)state;
    oom_watch_look(&watch, second(1));
    assert_int_equal(oom_has_struck(&watch, NULL, second(1)), OOM_NO);
    oom_watch_release(&watch);
}

/* The real thing: a child in a group of the older kind, with little memory, wants more. */

static int set(const char *folder, const char *file, const char *text)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    return text_file_write(AT_FDCWD, path, text);
}

static int join(const char *folder)
{
    return set(folder, "cgroup.procs", "0");
}

static int eat(const struct child_ends *ends, void *folder)
{
    char *pages;

    (void)ends;
    if (join(folder) < 0)
        return 1;
    pages = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; pages != MAP_FAILED && i < 64 * MIB; i += 4096)
        pages[i] = 1;
    return 0;
}

/* Watches from within the group, as a primary beside its workers does; the result in bits. */
static int watch_from_within(const struct child_ends *ends, void *folder)
{
    struct oom_watch watch = {0};
    struct child child;
    int status;
    int first;
    int second_one;

    (void)ends;
    if (join(folder) < 0 || oom_watch_begin(NULL, &watch) != 0 || watch.file == NULL ||
        strncmp(watch.file, folder, strlen(folder)) != 0)
        return 100;
    child = child_start(eat, folder);
    status = child_end(&child, false);
    first = (int)oom_has_struck(&watch, NULL, second(1));
    second_one = (int)oom_has_struck(&watch, NULL, second(2));
    oom_watch_release(&watch);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        return 101;
    return first * 10 + second_one;
}

static void struck_for_real_is_told(void **state)
{
    _cleanup_free_ char *mount = NULL;
    _cleanup_free_ char *own = NULL;
    _cleanup_free_ char *folder = NULL;
    struct child child;
    char name[64];
    uint64_t kills = 0;
    int status;

    (void)state;
    (void)snprintf(name, sizeof name, "reloadd-test-oom-%d", getpid());
    if (cgroup_find_own("memory", &mount, &own) != 0 ||
        cgroup_create(own, name, &folder) != 0) {
        print_message("no memory cgroup of the older kind that can be written\n");
        skip();
    }
    assert_int_equal(set(folder, "memory.limit_in_bytes", "16777216"), 0);
    (void)set(folder, "memory.memsw.limit_in_bytes", "16777216"); /* where swap is counted */
    child = child_start(watch_from_within, folder);
    status = child_end(&child, false);
    (void)oom_count(folder, &kills);
    while (rmdir(folder) < 0 && errno == EBUSY) /* the dead leave a moment later */
        continue;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), OOM_YES * 10 + OOM_NO);
    assert_int_equal(kills, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(count_reads_both_kinds_of_group),
        scratch_test(struck_in_shared_group_names_as_many_as_were_killed),
        scratch_test(struck_long_ago_is_nobody_of_today),
        scratch_test(struck_in_own_group_is_exact),
        scratch_test(struck_somewhere_on_the_machine_is_a_suspicion),
        cmocka_unit_test(watch_that_is_empty_says_no),
        cmocka_unit_test(struck_for_real_is_told),
    };

    return run_os_tests(tests);
}
