#include "os/lanes.h"

#include <string.h>

static struct steering_share shares[STEERING_SHARES_MAX + 1];
static struct steering_probe probes[STEERING_PROBES_MAX + 1];
static struct steering_program program;

static struct steering_plan fill(size_t share_count, size_t probe_count)
{
    for (size_t i = 0; i < share_count; i++)
        shares[i] = (struct steering_share){.index = 1, .weight = UINT16_MAX};
    for (size_t i = 0; i < probe_count; i++) {
        struct sockaddr_in6 *from = (struct sockaddr_in6 *)(void *)&probes[i].from;

        probes[i] = (struct steering_probe){.index = 2};
        *from = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                      .sin6_port = htons((uint16_t)(i + 1)),
                                      .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    }
    return (struct steering_plan){
        .shares = shares,
        .share_count = share_count,
        .probes = probes,
        .probe_count = probe_count,
    };
}

static void build_one_share_is_a_constant(void **state)
{
    struct steering_plan plan = fill(1, 0);

    (void)state;
    assert_int_equal(steering_program_build(&plan, &program), 0);
    assert_int_equal(program.length, 2);
    assert_int_equal(program.code[1].code, BPF_RET | BPF_K);
    assert_int_equal(program.code[1].k, 1);
}

static void build_halves_cuts_in_the_middle(void **state)
{
    struct steering_plan plan = fill(2, 0);

    (void)state;
    assert_int_equal(steering_program_build(&plan, &program), 0);
    assert_int_equal(program.length, 4);
    assert_int_equal(program.code[1].k, 0x80000000u);
}

/* Also where the weightless one is the last: nobody must fall out at the end. */
static void build_share_without_weight_is_left_out(void **state)
{
    struct steering_plan plan = fill(3, 0);

    (void)state;
    shares[0].weight = 0;
    shares[2].weight = 0;
    assert_int_equal(steering_program_build(&plan, &program), 0);
    assert_int_equal(program.length, 2);
    assert_int_equal(program.code[1].code, BPF_RET | BPF_K);
}

static void build_without_weight_is_refused(void **state)
{
    struct steering_plan plan = fill(0, 0);

    (void)state;
    assert_int_equal(steering_program_build(&plan, &program), -EINVAL);
    plan = fill(2, 0);
    shares[0].weight = 0;
    shares[1].weight = 0;
    assert_int_equal(steering_program_build(&plan, &program), -EINVAL);
}

static void build_probe_from_nowhere_is_refused(void **state)
{
    struct steering_plan plan = fill(1, 1);

    (void)state;
    probes[0].from.ss_family = AF_UNIX;
    assert_int_equal(steering_program_build(&plan, &program), -EINVAL);
    plan = fill(1, 1);
    ((struct sockaddr_in6 *)(void *)&probes[0].from)->sin6_port = 0;
    assert_int_equal(steering_program_build(&plan, &program), -EINVAL);
}

static void build_too_much_is_refused(void **state)
{
    struct steering_plan plan = fill(STEERING_SHARES_MAX + 1, 0);

    (void)state;
    assert_int_equal(steering_program_build(&plan, &program), -E2BIG);
    plan = fill(1, STEERING_PROBES_MAX + 1);
    assert_int_equal(steering_program_build(&plan, &program), -E2BIG);
}

/* The longest program there is: the kernel takes it, and it does what it says. */
static void build_as_much_as_may_be_is_taken_by_the_kernel(void **state)
{
    struct lanes lanes = lanes_open("127.0.0.1", 3);
    struct steering_plan plan = fill(STEERING_SHARES_MAX, STEERING_PROBES_MAX);
    int rv;

    (void)state;
    assert_int_equal(steering_program_build(&plan, &program), 0);
    assert_in_range(program.length, 2 * STEERING_SHARES_MAX + 11 * STEERING_PROBES_MAX,
                    STEERING_PROGRAM_MAX);
    rv = steering_apply(lanes.fds[0], &plan);
    if (rv == -ENOMEM) {
        print_message("net.core.optmem_max is too small here\n");
        lanes_close(&lanes);
        skip();
    }
    assert_int_equal(rv, 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(lanes_hit(&lanes), 1);
    lanes_close(&lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build_one_share_is_a_constant),
        cmocka_unit_test(build_halves_cuts_in_the_middle),
        cmocka_unit_test(build_share_without_weight_is_left_out),
        cmocka_unit_test(build_without_weight_is_refused),
        cmocka_unit_test(build_probe_from_nowhere_is_refused),
        cmocka_unit_test(build_too_much_is_refused),
        cmocka_unit_test(build_as_much_as_may_be_is_taken_by_the_kernel),
    };

    return run_os_tests(tests);
}
