#include "reloadd/folder.h"

#include "reloadd/executable.h"
#include "wire/fail_allocation.h"

static void expect_found(void **state, const char *name, const char *search_path,
                         const char *expected)
{
    _cleanup_free_ char *path = NULL;

    assert_int_equal(executable_find(name, *state, search_path, &path), 0);
    expect_path(state, path, expected);
}

static void expect_not_found(void **state, const char *name, const char *search_path,
                             int expected)
{
    char *path = NULL;

    assert_int_equal(executable_find(name, *state, search_path, &path), expected);
    assert_null(path);
}

static void find_name_with_slash_counts_from_directory(void **state)
{
    char absolute[PATH_MAX];

    make_folder(state, "bin");
    write_file(state, "bin/app", 0755, "");
    expect_found(state, "bin/app", "/nowhere", "bin/app");
    expect_found(state, "./bin/../bin/app", NULL, "bin/app");
    expect_found(state, scratch_path(state, "bin/app", absolute), NULL, "bin/app");
}

static void find_link_gives_what_it_leads_to(void **state)
{
    make_folder(state, "v2");
    write_file(state, "v2/app", 0755, "");
    make_link(state, "current", "v2");
    make_link(state, "v2/alias", "app");
    expect_found(state, "current/alias", NULL, "v2/app");
    expect_found(state, "alias", "current", "v2/app");
}

static void find_name_without_slash_takes_first_of_path(void **state)
{
    make_folder(state, "a");
    make_folder(state, "b");
    write_file(state, "app", 0755, "");
    write_file(state, "b/app", 0755, "");
    expect_found(state, "app", "a:b:", "b/app");
    expect_found(state, "app", "a::b", "app");
    expect_found(state, "app", "", "app");
    expect_not_found(state, "app", "a:/nowhere", -ENOENT);
}

static void find_file_without_permission_does_not_end_the_search(void **state)
{
    make_folder(state, "a");
    make_folder(state, "b");
    write_file(state, "a/app", 0644, "");
    expect_not_found(state, "app", "a:b", -EACCES);
    write_file(state, "b/app", 0755, "");
    expect_found(state, "app", "a:b", "b/app");
}

static void find_what_is_no_program_says_why(void **state)
{
    char path[PATH_MAX];

    write_file(state, "plain", 0644, "");
    make_folder(state, "folder");
    make_link(state, "loop", "loop");
    assert_int_equal(mkfifo(scratch_path(state, "pipe", path), 0755), 0);
    expect_not_found(state, "./missing", NULL, -ENOENT);
    expect_not_found(state, "./plain", NULL, -EACCES);
    expect_not_found(state, "./plain/app", NULL, -ENOTDIR);
    expect_not_found(state, "./folder", NULL, -EISDIR);
    expect_not_found(state, "./pipe", NULL, -EACCES);
    expect_not_found(state, "./loop", NULL, -ELOOP);
}

static void find_without_directory_tells_only_what_hangs_not_on_it(void **state)
{
    char absolute[PATH_MAX];
    char *path = NULL;

    write_file(state, "app", 0755, "");
    assert_int_equal(executable_find("./app", NULL, NULL, &path), 1);
    assert_int_equal(executable_find("app", NULL, "/nowhere:bin", &path), 1);
    assert_int_equal(executable_find("app", NULL, "/nowhere", &path), -ENOENT);
    assert_null(path);
    assert_int_equal(executable_find("app", NULL, *state, &path), 0);
    expect_path(state, path, "app");
    free(path);
    path = NULL;
    assert_int_equal(executable_find(scratch_path(state, "app", absolute), NULL, NULL, &path),
                     0);
    expect_path(state, path, "app");
    free(path);
}

static void check_script_names_the_interpreter_that_is_missing(void **state)
{
    static const struct {
        const char *text;
        const char *missing; /* NULL: nothing to complain of */
    } scripts[] = {
        {"#!/bin/sh\n", NULL},
        {"#! \t/bin/sh -e\n", NULL},
        {"#!/no/such/ruby -w\n", "/no/such/ruby"},
        {"#!/bin/sh\r\n", "/bin/sh\r"},
        {"#!bin/tool", "bin/tool"},
        {"#!./tool\n", NULL},
        {"#!", ""},
        {"\x7f"
         "ELF",
         NULL},
        {"", NULL},
    };
    char path[PATH_MAX];

    write_file(state, "tool", 0755, "");
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        _cleanup_free_ char *interpreter = NULL;
        int r;

        write_file(state, "script", 0755, scripts[i].text);
        r = executable_check_script(scratch_path(state, "script", path), *state, &interpreter);
        assert_int_equal(r, scripts[i].missing != NULL);
        if (r == 1)
            assert_string_equal(interpreter, scripts[i].missing);
    }
}

static void check_script_without_directory_passes_over_relative_ones(void **state)
{
    char *interpreter = NULL;
    char path[PATH_MAX];

    write_file(state, "script", 0755, "#!bin/tool\n");
    (void)scratch_path(state, "script", path);
    assert_int_equal(executable_check_script(path, NULL, &interpreter), 0);
    assert_int_equal(executable_check_script("/no/such/script", NULL, &interpreter), 0);
    assert_null(interpreter);
}

static void find_out_of_memory_says_so(void **state)
{
    int r = -ENOMEM;

    make_folder(state, "b");
    write_file(state, "b/app", 0755, "#!/no/such\n");
    for (long n = 0; r == -ENOMEM; n++) {
        _cleanup_free_ char *path = NULL;
        _cleanup_free_ char *interpreter = NULL;

        assert_true(n < 100);
        fail_allocation_after(n);
        r = executable_find("app", *state, "a:b", &path);
        if (r == 0)
            r = executable_check_script(path, *state, &interpreter);
        fail_no_allocation();
    }
    assert_int_equal(r, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(find_name_with_slash_counts_from_directory),
        scratch_test(find_link_gives_what_it_leads_to),
        scratch_test(find_name_without_slash_takes_first_of_path),
        scratch_test(find_file_without_permission_does_not_end_the_search),
        scratch_test(find_what_is_no_program_says_why),
        scratch_test(find_without_directory_tells_only_what_hangs_not_on_it),
        scratch_test(check_script_names_the_interpreter_that_is_missing),
        scratch_test(check_script_without_directory_passes_over_relative_ones),
        scratch_test(find_out_of_memory_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
