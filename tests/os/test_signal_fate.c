#include "os/scratch.h"

#include "os/signal_fate.h"

#include <errno.h>

enum disposition {
    IS_DEFAULT,
    IS_IGNORED,
    IS_CAUGHT,
    IS_BLOCKED,
    ALL_ARE_CAUGHT, /* as Go's runtime does */
};

static void do_nothing(int signal_number)
{
    (void)signal_number;
}

static int take_disposition(const struct child_ends *ends, void *argument)
{
    enum disposition disposition = *(const enum disposition *)argument;
    sigset_t terminate;

    (void)sigemptyset(&terminate);
    (void)sigaddset(&terminate, SIGTERM);
    if (disposition == IS_IGNORED)
        (void)signal(SIGTERM, SIG_IGN);
    if (disposition == IS_CAUGHT)
        (void)signal(SIGTERM, do_nothing);
    if (disposition == IS_BLOCKED)
        (void)sigprocmask(SIG_BLOCK, &terminate, NULL);
    for (int i = 1; disposition == ALL_ARE_CAUGHT && i < 64; i++)
        (void)signal(i, do_nothing);
    child_tell(ends);
    child_wait_for_end(ends);
    return 0;
}

static enum signal_fate fate_of(enum disposition disposition)
{
    struct child child = child_start(take_disposition, &disposition);
    enum signal_fate fate = SIGNAL_IS_CAUGHT;

    child_listen(&child);
    assert_int_equal(signal_fate_look(child.pid, SIGTERM, &fate), 0);
    (void)child_end(&child, true);
    return fate;
}

static void look_at_each_disposition_tells_it(void **state)
{
    (void)state;
    assert_int_equal(fate_of(IS_DEFAULT), SIGNAL_ENDS);
    assert_int_equal(fate_of(IS_IGNORED), SIGNAL_IS_IGNORED);
    assert_int_equal(fate_of(IS_CAUGHT), SIGNAL_IS_CAUGHT);
    assert_int_equal(fate_of(IS_BLOCKED), SIGNAL_IS_CAUGHT);
}

static void look_at_program_that_catches_all_says_that_it_is_mute(void **state)
{
    (void)state;
    assert_int_equal(fate_of(ALL_ARE_CAUGHT), SIGNAL_IS_MUTE);
}

static int run_node(const struct child_ends *ends, void *argument)
{
    (void)argument;
    if (dup2(ends->news, STDOUT_FILENO) < 0)
        return 1;
    (void)execlp("node", "node", "-e", "process.stdout.write('x'); setInterval(() => {}, 1e6)",
                 (char *)NULL);
    child_tell(ends);
    return 2;
}

/* What the head of os/signal_fate.h says of Node. */
static void look_at_node_says_that_it_is_mute(void **state)
{
    struct child child;
    enum signal_fate fate = SIGNAL_ENDS;

    (void)state;
    if (system("node --version >/dev/null 2>&1") != 0) {
        print_message("skipped: there is no node\n");
        skip();
    }
    child = child_start(run_node, NULL);
    child_listen(&child);
    assert_int_equal(signal_fate_look(child.pid, SIGTERM, &fate), 0);
    (void)child_end(&child, true);
    assert_int_equal(fate, SIGNAL_IS_MUTE);
}

static void look_at_process_that_is_gone_says_so(void **state)
{
    enum disposition disposition = IS_DEFAULT;
    struct child child = child_start(take_disposition, &disposition);
    enum signal_fate fate;

    (void)state;
    (void)child_end(&child, true);
    assert_int_equal(signal_fate_look(child.pid, SIGTERM, &fate), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_at_each_disposition_tells_it),
        cmocka_unit_test(look_at_program_that_catches_all_says_that_it_is_mute),
        cmocka_unit_test(look_at_node_says_that_it_is_mute),
        cmocka_unit_test(look_at_process_that_is_gone_says_so),
    };

    return run_os_tests(tests);
}
