#include "base/own.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int open_null(void)
{
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void cleanup_fd_closes_at_the_end_of_its_block(void **state)
{
    (void)state;
    int seen = -1;
    {
        _cleanup_fd_ int fd = open_null();
        seen = fd;
        assert_true(is_open(seen));
    }
    assert_false(is_open(seen));
}

static void take_fd_keeps_it_open(void **state)
{
    (void)state;
    int taken = -1;
    {
        _cleanup_fd_ int fd = open_null();
        taken = take_fd(fd);
        assert_int_equal(fd, -1);
    }
    assert_true(is_open(taken));
    assert_int_equal(close_fd(taken), -1);
}

static void close_fd_keeps_errno_and_ignores_none(void **state)
{
    (void)state;
    errno = EXDEV;
    assert_int_equal(close_fd(-1), -1);
    assert_int_equal(close_fd(open_null()), -1);
    assert_int_equal(errno, EXDEV);
}

static void take_ptr_disarms_the_local(void **state)
{
    (void)state;
    char *taken = NULL;
    {
        _cleanup_free_ char *memory = malloc(1);
        assert_non_null(memory);
        taken = take_ptr(memory);
        assert_null(memory);
    }
    *taken = 'x'; /* the sanitizer would tell a use after free */
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleanup_fd_closes_at_the_end_of_its_block),
        cmocka_unit_test(take_fd_keeps_it_open),
        cmocka_unit_test(close_fd_keeps_errno_and_ignores_none),
        cmocka_unit_test(take_ptr_disarms_the_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
