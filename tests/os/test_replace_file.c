#include "os/scratch.h"

#include "os/replace_file.h"
#include "os/text_file.h"

#include <errno.h>
#include <sys/stat.h>

static void expect_file(const char *path, const char *wanted, mode_t mode)
{
    _cleanup_free_ char *text = NULL;
    struct stat status;
    size_t size;

    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 4096, &text, &size), 0);
    assert_string_equal(text, wanted);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

static size_t count_files(void **state)
{
    DIR *dir = opendir(*state);
    size_t count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count - 2; /* "." and ".." */
}

static void replace_makes_and_replaces_and_leaves_nothing_aside(void **state)
{
    char path[PATH_MAX];
    mode_t before = umask(0077);

    (void)scratch_path(state, "web.json", path);
    assert_int_equal(replace_file(path, 0644, "one", 3), 0);
    expect_file(path, "one", 0644);
    assert_int_equal(replace_file(path, 0600, "", 0), 0);
    expect_file(path, "", 0600);
    assert_int_equal(count_files(state), 1);
    assert_int_equal(remove_file(path), 0);
    assert_int_equal(remove_file(path), -ENOENT);
    assert_int_equal(count_files(state), 0);
    (void)umask(before);
}

static void replace_that_fails_leaves_the_old_one(void **state)
{
    char path[PATH_MAX];
    char inside[PATH_MAX];

    assert_int_equal(mkdir(scratch_path(state, "folder", path), 0755), 0);
    assert_int_equal(replace_file(path, 0644, "x", 1), -EISDIR);
    assert_int_equal(count_files(state), 1);
    (void)scratch_path(state, "missing/web.json", inside);
    assert_int_equal(replace_file(inside, 0644, "x", 1), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(replace_makes_and_replaces_and_leaves_nothing_aside),
        scratch_test(replace_that_fails_leaves_the_old_one),
    };

    return run_os_tests(tests);
}
