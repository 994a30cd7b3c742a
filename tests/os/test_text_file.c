#include "os/scratch.h"

#include "os/text_file.h"

#include <errno.h>

static void read_file_longer_than_buffer_says_so(void **state)
{
    char path[PATH_MAX];
    char buffer[5];
    size_t size;
    int fd = open(scratch_path(state, "f", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(text_file_write(AT_FDCWD, path, "1234"), 0);
    assert_int_equal(text_file_read(AT_FDCWD, path, buffer, sizeof buffer, &size), 0);
    assert_int_equal(size, 4);
    assert_string_equal(buffer, "1234");
    assert_int_equal(text_file_read(AT_FDCWD, path, buffer, 4, &size), 1);
    assert_int_equal(size, 3);
    assert_string_equal(buffer, "123");
}

static void read_whole_long_file_gets_every_byte(void **state)
{
    char path[PATH_MAX];
    char block[1000];
    char *text = NULL;
    size_t size;
    FILE *file = fopen(scratch_path(state, "f", path), "we");

    memset(block, 'x', sizeof block);
    assert_non_null(file);
    for (int i = 0; i < 20; i++)
        assert_int_equal(fwrite(block, sizeof block, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 20000, &text, &size), 0);
    assert_int_equal(size, 20000);
    assert_int_equal(strlen(text), 20000);
    free(text);
    text = NULL;
    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 19999, &text, &size), -EFBIG);
    assert_null(text);
}

static void read_missing_file_is_an_error(void **state)
{
    char path[PATH_MAX];
    char buffer[5];
    char *text = NULL;
    size_t size;

    (void)scratch_path(state, "none", path);
    assert_int_equal(text_file_read(AT_FDCWD, path, buffer, sizeof buffer, &size), -ENOENT);
    assert_int_equal(text_file_read_whole(AT_FDCWD, path, 10, &text, &size), -ENOENT);
    assert_int_equal(text_file_write(AT_FDCWD, path, "x"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(read_file_longer_than_buffer_says_so),
        scratch_test(read_whole_long_file_gets_every_byte),
        scratch_test(read_missing_file_is_an_error),
    };

    return run_os_tests(tests);
}
