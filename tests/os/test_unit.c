#include "os/scratch.h"

#include "os/unit.h"

#include <errno.h>

/* The same question, put to the kernel by hand: whether a service is in the cgroup's path. */
static bool is_in_service(void)
{
    char text[PATH_MAX] = "";
    FILE *file = fopen("/proc/self/cgroup", "re");
    bool found = false;

    assert_non_null(file);
    while (fgets(text, sizeof(text), file))
        found = found || strstr(text, ".service");
    (void)fclose(file);
    return found;
}

static void unit_of_a_process_is_the_service_of_its_cgroup(void **state)
{
    char *name = NULL;
    bool is_user = false;
    int rv = unit_of_process(getpid(), &name, &is_user);

    (void)state;
    if (rv == 0) {
        assert_true(is_in_service());
        assert_non_null(strstr(name, ".service"));
    } else {
        assert_int_equal(rv, 1);
        assert_null(name);
    }
    free(name);
}

static void unit_of_a_process_that_is_gone_is_none(void **state)
{
    char *name = NULL;
    bool is_user = false;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(unit_of_process(pid, &name, &is_user), 1);
    assert_null(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unit_of_a_process_is_the_service_of_its_cgroup),
        cmocka_unit_test(unit_of_a_process_that_is_gone_is_none),
    };

    return run_os_tests(tests);
}
