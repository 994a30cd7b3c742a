#include "os/scratch.h"

#include "os/vendor_unit.h"

static void find_knows_what_packages_have(void **state)
{
    _cleanup_free_ char *path = NULL;

    (void)state;
    if (access("/usr/lib/systemd/system/systemd-journald.service", F_OK) < 0) {
        print_message("no units of packages here\n");
        skip();
    }
    assert_int_equal(vendor_unit_find(false, "systemd-journald.service", &path), 0);
    assert_non_null(strstr(path, "/systemd/system/systemd-journald.service"));
}

static void find_of_a_name_of_nobody_finds_none(void **state)
{
    char *path = NULL;

    (void)state;
    assert_int_equal(vendor_unit_find(false, "no-package-has-this.service", &path), 1);
    assert_int_equal(vendor_unit_find(true, "systemd-journald.service", &path), 1);
    assert_null(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find_knows_what_packages_have),
        cmocka_unit_test(find_of_a_name_of_nobody_finds_none),
    };

    return run_os_tests(tests);
}
