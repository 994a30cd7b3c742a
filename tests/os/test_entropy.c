#include "os/scratch.h"

#include "os/entropy.h"

static void fill_twice_gives_different_bytes(void **state)
{
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};

    (void)state;
    assert_int_equal(entropy_fill(first, sizeof first), 0);
    assert_int_equal(entropy_fill(second, sizeof second), 0);
    assert_memory_not_equal(first, second, sizeof first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fill_twice_gives_different_bytes),
    };

    return run_os_tests(tests);
}
