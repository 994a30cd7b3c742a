#include "os/scratch.h"

#include "os/systemd_version.h"

/* Makes a systemctl that answers so, and has it alone found. */
static void pretend(void **state, const char *script)
{
    char path[PATH_MAX];
    FILE *file = fopen(scratch_path(state, "systemctl", path), "we");

    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(setenv("PATH", *state, 1), 0);
}

static void read_takes_the_number(void **state)
{
    unsigned version = 0;

    pretend(state, "echo 'systemd 257 (257.4-1)'; echo '+PAM +AUDIT'");
    assert_int_equal(systemd_version_read(&version), 0);
    assert_int_equal(version, 257);
}

static void read_of_nonsense_says_so(void **state)
{
    unsigned version = 0;

    pretend(state, "echo upstart");
    assert_int_equal(systemd_version_read(&version), 1);
    pretend(state, "exit 1");
    assert_int_equal(systemd_version_read(&version), 1);
}

static void read_without_systemctl_says_so(void **state)
{
    unsigned version = 0;

    assert_int_equal(setenv("PATH", *state, 1), 0);
    assert_int_equal(systemd_version_read(&version), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(read_takes_the_number),
        scratch_test(read_of_nonsense_says_so),
        scratch_test(read_without_systemctl_says_so),
    };

    return run_os_tests(tests);
}
