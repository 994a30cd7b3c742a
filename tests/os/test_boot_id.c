#include "os/scratch.h"

#include "os/boot_id.h"

static void read_boot_id_is_a_uuid_and_stays_the_same(void **state)
{
    char first[BOOT_ID_SIZE];
    char second[BOOT_ID_SIZE];

    (void)state;
    assert_int_equal(boot_id_read(first), 0);
    assert_int_equal(boot_id_read(second), 0);
    assert_string_equal(first, second);
    assert_int_equal(strlen(first), 36);
    assert_int_equal(first[8], '-');
    assert_int_equal(first[23], '-');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_boot_id_is_a_uuid_and_stays_the_same),
    };

    return run_os_tests(tests);
}
