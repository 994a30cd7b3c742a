#include "os/scratch.h"

#include "os/memory.h"

#include <sys/mman.h>

enum {
    MIB = 1 << 20,
};

static void read_memory_after_touching_more_has_grown(void **state)
{
    uint64_t before;
    uint64_t after;
    uint64_t share;
    char *pages;

    (void)state;
    assert_int_equal(memory_resident(getpid(), &before), 0);
    pages = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(pages != MAP_FAILED);
    memset(pages, 1, 64 * MIB);
    assert_int_equal(memory_resident(getpid(), &after), 0);
    assert_true(after >= before + 32 * MIB);
    assert_int_equal(memory_proportional(getpid(), &share), 0);
    assert_in_range(share, 32 * MIB, after + 16 * MIB);
    assert_int_equal(munmap(pages, 64 * MIB), 0);
}

static int end_at_once(const struct child_ends *ends, void *unused)
{
    (void)ends;
    (void)unused;
    return 0;
}

static void read_memory_of_process_that_is_gone_says_so(void **state)
{
    struct child child = child_start(end_at_once, NULL);
    uint64_t bytes;

    (void)state;
    (void)child_end(&child, false);
    assert_int_equal(memory_resident(child.pid, &bytes), 1);
    assert_int_equal(memory_proportional(child.pid, &bytes), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_memory_after_touching_more_has_grown),
        cmocka_unit_test(read_memory_of_process_that_is_gone_says_so),
    };

    return run_os_tests(tests);
}
