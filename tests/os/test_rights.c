#include "os/rights.h"

#include "os/scratch.h"

#include <linux/capability.h>
#include <sys/fsuid.h>

static void read_of_oneself_is_what_the_kernel_says(void **state)
{
    struct rights rights;
    mode_t before = umask(027);

    (void)state;
    assert_int_equal(rights_read(getpid(), &rights), 0);
    (void)umask(before);
    assert_int_equal(rights.umask, 027);
    assert_int_equal(rights.file_uid, geteuid());
    assert_int_equal(rights.file_gid, getegid());
}

static void read_of_nobody_says_so(void **state)
{
    struct rights rights;

    (void)state;
    assert_int_equal(rights_read(INT_MAX, &rights), 1);
}

static void ports_below_the_limit_need_the_capability(void **state)
{
    const struct rights none = {0};
    const struct rights some = {.capabilities = UINT64_C(1) << CAP_NET_BIND_SERVICE};
    unsigned first = 1024;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");

    (void)state;
    if (file) {
        assert_int_equal(fscanf(file, "%u", &first), 1);
        (void)fclose(file);
    }
    assert_true(rights_allow_port(&none, (uint16_t)first));
    if (first > 1)
        assert_false(rights_allow_port(&none, (uint16_t)(first - 1)));
    assert_true(rights_allow_port(&some, 1));
}

static void taken_on_they_judge_and_own_and_are_returned(void **state)
{
    const struct rights nobody = {.file_uid = 65534, .file_gid = 65534};
    struct rights before;
    struct stat status;
    char path[PATH_MAX];
    _cleanup_fd_ int fd = -1;

    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(*state, 0755), 0);
    rights_take_on(&nobody, &before);
    assert_int_equal(open(scratch_path(state, "file", path), O_CREAT | O_WRONLY, 0600), -1);
    rights_return(&before);
    assert_int_equal(chmod(*state, 0777), 0);
    rights_take_on(&nobody, &before);
    fd = open(scratch_path(state, "file", path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    rights_return(&before);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_uid, 65534);
    assert_int_equal(status.st_gid, 65534);
    assert_int_equal(setfsuid((uid_t)-1), 0);
    assert_int_equal(setfsgid((gid_t)-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_of_oneself_is_what_the_kernel_says),
        cmocka_unit_test(read_of_nobody_says_so),
        cmocka_unit_test(ports_below_the_limit_need_the_capability),
        scratch_test(taken_on_they_judge_and_own_and_are_returned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
