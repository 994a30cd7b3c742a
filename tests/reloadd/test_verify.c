#include "reloadd/folder.h"

#include "reloadd/verify.h"

/* Runs verify_run() with stdout and stderr in files. Returns the exit code. */
static int run(void **state, const char *text, bool json)
{
    char config[PATH_MAX], out[PATH_MAX], err[PATH_MAX];
    struct options options = {.mode = OPTIONS_CHECK, .config = config, .json = json};
    int saved_out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int saved_err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    int code;

    write_file(state, "web.json", 0644, text);
    (void)scratch_path(state, "web.json", config);
    (void)fflush(NULL);
    assert_non_null(freopen(scratch_path(state, "out", out), "we", stdout));
    assert_non_null(freopen(scratch_path(state, "err", err), "we", stderr));
    code = verify_run(&options);
    (void)fflush(NULL);
    assert_true(dup2(saved_out, STDOUT_FILENO) >= 0 && dup2(saved_err, STDERR_FILENO) >= 0);
    (void)close(saved_out);
    (void)close(saved_err);
    return code;
}

/* Compares what was written into "SCRATCH/NAME"; "%s" is the folder. */
static void expect_text(void **state, const char *name, const char *before, const char *after)
{
    char path[PATH_MAX], found[4096] = "", expected[4096];
    FILE *file = fopen(scratch_path(state, name, path), "re");

    assert_non_null(file);
    found[fread(found, 1, sizeof(found) - 1, file)] = '\0';
    (void)fclose(file);
    (void)snprintf(expected, sizeof(expected), "%s%s%s", before,
                   *after != '\0' ? (const char *)*state : "", after);
    assert_string_equal(found, expected);
}

static void verify_good_file_says_valid(void **state)
{
    assert_int_equal(run(state, "{\"exec\": [\"/bin/sh\"]}", false), EXIT_DONE);
    expect_text(state, "out", "", "/web.json: valid\n");
    expect_text(state, "err", "", "");
    assert_int_equal(run(state, "{\"exec\": [\"/bin/sh\"]}", true), EXIT_DONE);
    expect_text(state, "out", "{\"file\":\"", "/web.json\",\"valid\":true,\"errors\":[]}\n");
    expect_text(state, "err", "", "");
}

static void verify_bad_file_says_what_is_wrong(void **state)
{
    assert_int_equal(run(state, "{}", false), EXIT_REFUSED);
    expect_text(state, "out", "", "");
    expect_text(state, "err", "",
                "/web.json:1:1: $.exec: expected the program to run, such as [\"node\", "
                "\"app.js\"], found nothing\n");
}

static void verify_bad_file_as_json_goes_to_stdout(void **state)
{
    assert_int_equal(run(state, "[]", true), EXIT_REFUSED);
    expect_text(state, "out", "{\"file\":\"",
                "/web.json\",\"valid\":false,\"errors\":[{\"line\":1,\"column\":1,\"path\":"
                "\"$\",\"text\":\"expected an object, found an empty array\"}]}\n");
    expect_text(state, "err", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(verify_good_file_says_valid),
        scratch_test(verify_bad_file_says_what_is_wrong),
        scratch_test(verify_bad_file_as_json_goes_to_stdout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
