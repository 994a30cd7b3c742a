#include "os/captured.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/syscall.h>

/* What the program says to a call, and whether it had to look at an argument for it: the kernel
 * answers all other calls from a bitmap. */
struct verdict {
    uint32_t answer;
    bool looked;
};

/* Runs classic BPF, as far as the filter goes. */
static struct verdict run(const struct sock_filter *program, const struct seccomp_data *data)
{
    struct verdict verdict = {0};
    uint32_t accumulator = 0;

    for (size_t i = 0; i < CAPTURE_FILTER_SIZE; i++) {
        const struct sock_filter *at = &program[i];
        bool jump = false;

        switch (at->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_in_range(at->k, 0, sizeof *data - sizeof accumulator);
            memcpy(&accumulator, (const char *)data + at->k, sizeof accumulator);
            verdict.looked |= at->k >= offsetof(struct seccomp_data, args);
            continue;
        case BPF_ALU | BPF_AND | BPF_K:
            accumulator &= at->k;
            continue;
        case BPF_RET | BPF_K:
            verdict.answer = at->k;
            return verdict;
        case BPF_JMP | BPF_JEQ | BPF_K:
            jump = accumulator == at->k;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            jump = accumulator >= at->k;
            break;
        default:
            fail_msg("instruction %zu: code %#x", i, (unsigned)at->code);
        }
        i += jump ? at->jt : at->jf;
    }
    fail_msg("the program has no end");
    return verdict;
}

struct numbers {
    uint32_t architecture;
    int bind;
    int listen;
    int socketcall; /* 0: none */
};

/* As the manuals of the architectures have them, and not as the filter's own table. */
static const struct numbers numbers[] = {
    {AUDIT_ARCH_X86_64, 49, 50, 0},   {AUDIT_ARCH_X86_64, 0x40000031, 0x40000032, 0},
    {AUDIT_ARCH_I386, 361, 363, 102}, {AUDIT_ARCH_AARCH64, 200, 201, 0},
    {AUDIT_ARCH_ARM, 282, 284, 0},    {AUDIT_ARCH_RISCV64, 200, 201, 0},
};

static bool is_filtered(uint32_t architecture, int number)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].architecture == architecture &&
            (number == numbers[i].bind || number == numbers[i].listen ||
             (numbers[i].socketcall != 0 && number == numbers[i].socketcall)))
            return true;
    return false;
}

static uint32_t answer(enum capture_filter_scope scope, uint32_t architecture, int number,
                       uint64_t first, uint64_t third)
{
    struct sock_filter program[CAPTURE_FILTER_SIZE];
    const struct seccomp_data data = {
        .arch = architecture, .nr = number, .args = {first, UINT64_MAX, third}};

    capture_filter_build(scope, program);
    return run(program, &data).answer;
}

static void bind_and_listen_of_every_architecture_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct numbers *of = &numbers[i];
        enum capture_filter_call call;

        assert_int_equal(answer(CAPTURE_FILTER_ALL, of->architecture, of->bind, 3, 0),
                         SECCOMP_RET_USER_NOTIF);
        assert_int_equal(answer(CAPTURE_FILTER_INTERNET, of->architecture, of->bind, 3, 16),
                         SECCOMP_RET_USER_NOTIF);
        assert_int_equal(answer(CAPTURE_FILTER_INTERNET, of->architecture, of->bind, 3, 15),
                         SECCOMP_RET_ALLOW);
        assert_int_equal(answer(CAPTURE_FILTER_INTERNET, of->architecture, of->listen, 3, 0),
                         SECCOMP_RET_USER_NOTIF);
        assert_true(capture_filter_identify(of->architecture, of->bind, &call));
        assert_int_equal(call, CAPTURE_FILTER_BIND);
        assert_true(capture_filter_identify(of->architecture, of->listen, &call));
        assert_int_equal(call, CAPTURE_FILTER_LISTEN);
    }
}

static void socketcall_is_told_for_bind_and_listen_alone(void **state)
{
    enum capture_filter_call call;

    (void)state;
    for (uint64_t which = 0; which < 32; which++)
        assert_int_equal(answer(CAPTURE_FILTER_INTERNET, AUDIT_ARCH_I386, 102, which, 0),
                         which == 2 || which == 4 ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW);
    assert_true(capture_filter_identify(AUDIT_ARCH_I386, 102, &call));
    assert_int_equal(call, CAPTURE_FILTER_SOCKETCALL);
}

/* What lets the kernel answer by its bitmap: the number alone decides. */
static void every_other_call_passes_by_its_number_alone(void **state)
{
    static const uint32_t architectures[] = {AUDIT_ARCH_X86_64,  AUDIT_ARCH_I386,
                                             AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,
                                             AUDIT_ARCH_RISCV64, AUDIT_ARCH_S390X};
    struct sock_filter program[CAPTURE_FILTER_SIZE];

    (void)state;
    capture_filter_build(CAPTURE_FILTER_INTERNET, program);
    for (size_t i = 0; i < sizeof architectures / sizeof architectures[0]; i++)
        for (int number = -1; number < 1024; number++) {
            const struct seccomp_data data = {
                .arch = architectures[i], .nr = number, .args = {2, UINT64_MAX, UINT64_MAX}};
            enum capture_filter_call call;
            struct verdict verdict;

            if (is_filtered(architectures[i], number))
                continue;
            verdict = run(program, &data);
            assert_int_equal(verdict.answer, SECCOMP_RET_ALLOW);
            assert_false(verdict.looked);
            assert_false(capture_filter_identify(architectures[i], number, &call));
        }
}

static int no_new_privileges(void)
{
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static int install_as_root(const struct child_ends *ends, void *unused)
{
    int fd;

    (void)ends;
    (void)unused;
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &fd) == 0);
    WORKER_CHECK(no_new_privileges() == 0);
    WORKER_CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    WORKER_CHECK(capture_check(fd) == 0);
    return 0;
}

static int install_as_nobody(const struct child_ends *ends, void *unused)
{
    int fd;

    (void)ends;
    (void)unused;
    WORKER_CHECK(setuid(65534) == 0);
    WORKER_CHECK(no_new_privileges() == 0);
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &fd) == 1);
    WORKER_CHECK(no_new_privileges() == 1);
    WORKER_CHECK(capture_check(fd) == 0);
    return 0;
}

static int install_twice(const struct child_ends *ends, void *unused)
{
    int second = -1;
    int fd;

    (void)ends;
    (void)unused;
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &fd) >= 0);
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &second) == -EBUSY);
    WORKER_CHECK(second == -1);
    WORKER_CHECK(capture_filter_explain(-EBUSY) != NULL);
    /* One that nobody can answer any more does not count. */
    (void)close(fd);
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &second) >= 0);
    return 0;
}

static int bind_when_nobody_answers(const struct child_ends *ends, void *unused)
{
    const struct sockaddr_in address = {.sin_family = AF_INET};
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd;

    (void)ends;
    (void)unused;
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &fd) >= 0);
    (void)close(fd);
    WORKER_CHECK(bind(socket_fd, (const struct sockaddr *)&address, sizeof address) < 0);
    WORKER_CHECK(errno == ENOSYS);
    return 0;
}

/* A sandbox that says `argument` to seccomp(2), as those around a container do. */
static int install_in_sandbox(const struct child_ends *ends, void *argument)
{
    const int error = *(const int *)argument;
    struct sock_filter instructions[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof instructions / sizeof instructions[0],
                                       .filter = instructions};
    int fd;

    (void)ends;
    WORKER_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    WORKER_CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0);
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &fd) == -error);
    WORKER_CHECK(capture_filter_explain(-error) != NULL);
    return 0;
}

static void expect_good_end(int (*body)(const struct child_ends *, void *), void *argument)
{
    struct child child = child_start(body, argument);

    assert_int_equal(child_end(&child, false), 0);
}

static void install_as_root_leaves_privileges_alone(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root installs a filter without no_new_privs\n");
        skip();
    }
    expect_good_end(install_as_root, NULL);
}

static void install_as_another_user_gives_up_new_privileges(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("only root can become another user\n");
        skip();
    }
    expect_good_end(install_as_nobody, NULL);
}

static void install_twice_is_refused(void **state)
{
    (void)state;
    expect_good_end(install_twice, NULL);
}

static void bind_without_anybody_to_answer_fails(void **state)
{
    (void)state;
    expect_good_end(bind_when_nobody_answers, NULL);
}

static void install_in_a_sandbox_is_refused_with_words(void **state)
{
    int errors[] = {EPERM, ENOSYS};

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        expect_good_end(install_in_sandbox, &errors[i]);
    assert_null(capture_filter_explain(-ENOMEM));
}

static int hand_over_and_die(const struct child_ends *ends, void *argument)
{
    const int *channel = argument;
    int fd;

    (void)ends;
    WORKER_CHECK(capture_filter_install(CAPTURE_FILTER_ALL, &fd) >= 0);
    return capture_filter_hand_over(*channel, fd);
}

/* The descriptor is in the socket; who sent it may be long gone. */
static void hand_over_outlives_the_sender(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct capture_request request;
        struct child child;
        int channel[2];
        int fd;

        assert_int_equal(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, channel), 0);
        child = child_start(hand_over_and_die, &channel[1]);
        assert_int_equal(child_end(&child, false), 0);
        (void)close(channel[1]);
        assert_int_equal(capture_take(channel[0], &fd), 0);
        assert_int_equal(capture_receive(fd, &request), CAPTURE_ENDED);
        (void)close(fd);
        (void)close(channel[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bind_and_listen_of_every_architecture_are_told),
        cmocka_unit_test(socketcall_is_told_for_bind_and_listen_alone),
        cmocka_unit_test(every_other_call_passes_by_its_number_alone),
        cmocka_unit_test(install_as_root_leaves_privileges_alone),
        cmocka_unit_test(install_as_another_user_gives_up_new_privileges),
        cmocka_unit_test(install_twice_is_refused),
        cmocka_unit_test(bind_without_anybody_to_answer_fails),
        cmocka_unit_test(install_in_a_sandbox_is_refused_with_words),
        cmocka_unit_test(hand_over_outlives_the_sender),
    };

    return run_capture_tests(tests);
}
