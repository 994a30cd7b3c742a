#include "os/scratch.h"

#include "os/journal_file.h"

#include <errno.h>
#include <sys/resource.h>

static void expect_text(const struct journal_file *file, const char *expected)
{
    char *text = NULL;
    size_t size;

    assert_int_equal(journal_file_read(file, 1 << 20, &text, &size), 0);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(text, expected);
    assert_int_equal(file->size, size);
    free(text);
}

static void append(struct journal_file *file, const char *text)
{
    assert_int_equal(journal_file_append(file, text, strlen(text)), 0);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void open_new_file_is_empty_and_private(void **state)
{
    struct journal_file file;
    struct stat status;
    char path[PATH_MAX];
    mode_t mask = umask(0);

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    (void)umask(mask);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode, S_IFREG | 0600);
    expect_text(&file, "");
    journal_file_release(&file);
    journal_file_release(&file);
}

static void append_after_reopen_goes_to_the_end(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\n");
    append(&file, "two\n");
    assert_int_equal(journal_file_sync(&file), 0);
    journal_file_release(&file);
    assert_int_equal(journal_file_open(path, &file), 0);
    expect_text(&file, "one\ntwo\n");
    append(&file, "three\n");
    expect_text(&file, "one\ntwo\nthree\n");
    journal_file_release(&file);
}

/* A limit on the size of files acts like a disk that gets full in the middle of a line. */
static void append_without_room_leaves_no_half_line(void **state)
{
    struct rlimit before;
    struct rlimit limit;
    struct journal_file file;
    char path[PATH_MAX];

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\n");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = 6, .rlim_max = before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(journal_file_append(&file, "a long line\n", 12), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(signal(SIGXFSZ, SIG_DFL) != SIG_ERR);
    assert_false(file.broken);
    expect_text(&file, "one\n");
    append(&file, "two\n");
    expect_text(&file, "one\ntwo\n");
    journal_file_release(&file);
}

static void append_to_broken_file_is_refused_until_it_is_cut(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\n");
    file.broken = true;
    assert_int_equal(journal_file_append(&file, "two\n", 4), -EIO);
    assert_int_equal(journal_file_cut(&file, 4), 0);
    append(&file, "two\n");
    expect_text(&file, "one\ntwo\n");
    journal_file_release(&file);
}

static void cut_torn_tail_leaves_the_whole_lines(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\ntw");
    assert_int_equal(journal_file_cut(&file, 4), 0);
    expect_text(&file, "one\n");
    journal_file_release(&file);
}

static void read_beyond_limit_is_refused(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];
    char *text = NULL;
    size_t size;

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\n");
    assert_int_equal(journal_file_read(&file, 3, &text, &size), -EFBIG);
    assert_null(text);
    journal_file_release(&file);
}

static void set_aside_twice_in_a_second_keeps_both(void **state)
{
    struct journal_file file;
    struct journal_file aside;
    char name[JOURNAL_FILE_NAME_MAX + 1];
    char path[PATH_MAX];

    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "first");
    assert_int_equal(journal_file_set_aside(&file, 1700000000, name), 0);
    assert_string_equal(name, "j.damaged-20231114T221320Z");
    expect_text(&file, "");
    append(&file, "second");
    assert_int_equal(journal_file_set_aside(&file, 1700000000, name), 0);
    assert_string_equal(name, "j.damaged-20231114T221320Z-1");
    append(&file, "third");
    expect_text(&file, "third");
    journal_file_release(&file);

    assert_int_equal(
        journal_file_open(scratch_path(state, "j.damaged-20231114T221320Z", path), &aside), 0);
    expect_text(&aside, "first");
    journal_file_release(&aside);
    assert_int_equal(journal_file_open(scratch_path(state, name, path), &aside), 0);
    expect_text(&aside, "second");
    journal_file_release(&aside);
}

static void replace_over_stale_temporary_has_just_the_new_text(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];

    write_file(scratch_path(state, "j.new", path), "left over by a crash, and longer\n");
    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\ntwo\n");
    assert_int_equal(journal_file_replace(&file, "all\n", 4), 0);
    expect_text(&file, "all\n");
    append(&file, "more\n");
    journal_file_release(&file);
    assert_int_equal(journal_file_open(path, &file), 0);
    expect_text(&file, "all\nmore\n");
    assert_int_equal(access(scratch_path(state, "j.new", path), F_OK), -1);
    journal_file_release(&file);
}

static void replace_that_fails_keeps_the_old_one(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];

    assert_int_equal(mkdir(scratch_path(state, "j.new", path), 0700), 0);
    assert_int_equal(journal_file_open(scratch_path(state, "j", path), &file), 0);
    append(&file, "one\n");
    assert_int_equal(journal_file_replace(&file, "all\n", 4), -EISDIR);
    append(&file, "two\n");
    expect_text(&file, "one\ntwo\n");
    journal_file_release(&file);
}

static void open_what_is_no_file_is_refused(void **state)
{
    struct journal_file file;
    char path[PATH_MAX];

    assert_int_equal(symlink("/dev/null", scratch_path(state, "link", path)), 0);
    assert_int_equal(journal_file_open(path, &file), -ELOOP);
    assert_int_equal(journal_file_open(scratch_path(state, "no/j", path), &file), -ENOENT);
    assert_int_equal(journal_file_open("/dev/null", &file), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(open_new_file_is_empty_and_private),
        scratch_test(append_after_reopen_goes_to_the_end),
        scratch_test(append_without_room_leaves_no_half_line),
        scratch_test(append_to_broken_file_is_refused_until_it_is_cut),
        scratch_test(cut_torn_tail_leaves_the_whole_lines),
        scratch_test(read_beyond_limit_is_refused),
        scratch_test(set_aside_twice_in_a_second_keeps_both),
        scratch_test(replace_over_stale_temporary_has_just_the_new_text),
        scratch_test(replace_that_fails_keeps_the_old_one),
        scratch_test(open_what_is_no_file_is_refused),
    };

    return run_os_tests(tests);
}
